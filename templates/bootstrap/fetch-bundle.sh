#!/bin/bash
# Fetches the bundle that the server's pointer names, verifies its sha256, and makes it the current one. Whatever
# goes wrong, the bundle that is current stays so, and the next run tries again. Applying it is another program's.
set -euo pipefail
umask 077

state="${STATE_DIRECTORY:-/var/lib/managed-server}"
bundles="$state/bundles"

fail() {
    echo "fetch-bundle: $1; the current bundle stays" >&2
    exit 1
}

if ! command -v aws > /dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o DPkg::Lock::Timeout=600 update
    apt-get -qq -y -o DPkg::Lock::Timeout=600 --no-install-recommends install awscli
fi

mkdir -p "$bundles"
work="$(mktemp -d "$bundles/.new-XXXXXXXX")"
trap 'rm -rf "$work"' EXIT

fetch() {
    aws s3 cp --quiet "s3://$MANAGED_DELIVERY_BUCKET/$1" "$2" || fail "can't fetch $1"
}

fetch "$MANAGED_POINTER_KEY" "$work/pointer"
sha256="$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["sha256"])' "$work/pointer")" ||
    fail "the pointer can't be read"
[[ "$sha256" =~ ^[0-9a-f]{64}$ ]] || fail "the pointer names no sha256"

if [[ ! -d "$bundles/$sha256" ]]; then
    fetch "$MANAGED_BUNDLE_PREFIX$sha256.tar" "$work/bundle"
    echo "$sha256  $work/bundle" | sha256sum --check --status || fail "bundle $sha256 has another sha256"
    mkdir "$work/content"
    tar --extract --file="$work/bundle" --directory="$work/content" --no-same-owner ||
        fail "bundle $sha256 can't be unpacked"
    sync --file-system "$work/content"
    mv --no-target-directory "$work/content" "$bundles/$sha256"
fi

if [[ "$(readlink "$bundles/current" || true)" != "$sha256" ]]; then
    ln --symbolic "$sha256" "$work/current"
    mv --no-target-directory "$work/current" "$bundles/current"
    echo "bundle $sha256 is current"
fi
