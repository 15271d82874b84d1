#!/bin/bash
# Brings this machine to the bundle that its pointer names: fetches it, verifies its sha256, and lets it converge.
# Whatever goes wrong, the last bundle that converged stays the good one, and is what the machine is brought back to;
# the heartbeat says what is wrong, and the next run tries again. Usage: fetch-bundle [--now | --prepare]
set -euo pipefail
umask 077
export LC_ALL=C.UTF-8
# Unless told, the client asks for the role's credentials once, and waits a second: too short on a busy machine.
export AWS_METADATA_SERVICE_TIMEOUT=5 AWS_METADATA_SERVICE_NUM_ATTEMPTS=3

state="${STATE_DIRECTORY:-/var/lib/managed-server}"
bundles="$state/bundles"
heartbeats="$state/heartbeat"
every=1800 # seconds: how often a machine that has its bundle is looked over, and a failed bundle tried again
patience=840 # seconds, three runs: a bucket that is out of reach for a moment wakes nobody

say() { echo "fetch-bundle: $1" >&2; }

# Writes the heartbeat: its first word is what Nagios makes of it, its time that of the last converge.
tell() {
    local new="$heartbeats/.converge.new"
    printf '%s %s\n' "$1" "$2" > "$new"
    chmod 0644 "$new"
    if [[ -e "$state/converged" ]]; then touch --reference="$state/converged" "$new"; fi
    mv "$new" "$heartbeats/converge"
}

age() { echo $(($(date +%s) - $(stat --format=%Y "$1" 2> /dev/null || echo 0))); }
content() { cat "$1" 2> /dev/null || true; }

if ! command -v aws > /dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o DPkg::Lock::Timeout=600 update
    apt-get -qq -y -o DPkg::Lock::Timeout=600 --no-install-recommends install awscli
fi
[[ "${1-}" != --prepare ]] || exit 0 # only what it takes to fetch

mkdir -p "$bundles"
install -d -m 0755 "$heartbeats"
exec 9> "$state/fetch.lock"
if [[ "${1-}" == --now ]]; then # for a person, who wants the pointer of now
    flock --timeout 900 9 || { say "another run has not ended within 15 minutes" && exit 1; }
else
    flock --nonblock 9 || exit 0 # another run is on
fi
find "$bundles" -maxdepth 1 -name '.new-*' -mmin +60 -exec rm -rf {} + # of a run that was cut off
if ! work="$(mktemp -d "$bundles/.new-XXXXXXXX")"; then
    tell critical "can't write below $bundles: is the disk full?"
    exit 1
fi
trap 'rm -rf "$work"' EXIT

# Puts the bundle that the pointer names below $bundles and its sha256 into $wanted; or what is wrong into $problem.
get() {
    local pointer="s3://$MANAGED_DELIVERY_BUCKET/$MANAGED_POINTER_KEY"
    if ! aws s3 cp --only-show-errors "$pointer" "$work/pointer" >&2; then
        problem="can't fetch the pointer"
        if ! echo > "$work/pointer"; then
            problem="can't write below $bundles: is the disk full?"
        elif [[ -e "$state/unreachable" ]] || : > "$state/unreachable"; then
            (($(age "$state/unreachable") >= patience)) || word=warning
        fi
        return
    fi
    rm -f "$state/unreachable"
    local named
    named="$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["sha256"])' "$work/pointer" 2> /dev/null)" ||
        named=""
    if [[ ! "$named" =~ ^[0-9a-f]{64}$ ]]; then
        problem="the pointer names no sha256"
        return
    fi
    if [[ ! -d "$bundles/$named" ]]; then
        local at="s3://$MANAGED_DELIVERY_BUCKET/$MANAGED_BUNDLE_PREFIX$named.tar"
        if ! aws s3 cp --only-show-errors "$at" "$work/bundle" >&2; then
            problem="can't fetch bundle ${named:0:12}"
            return
        fi
        if ! echo "$named  $work/bundle" | sha256sum --check --status; then
            problem="bundle ${named:0:12} is not what its name says"
            return
        fi
        if ! { mkdir "$work/content" && tar --extract --file="$work/bundle" --directory="$work/content" \
            --no-same-owner && sync --file-system "$work/content" &&
            mv --no-target-directory "$work/content" "$bundles/$named"; }; then
            problem="bundle ${named:0:12} can't be unpacked"
            return
        fi
    fi
    wanted="$named"
}

converge() {
    rm -f "$state/converge/not-installed"
    rm -f "$state/applied" # so that a run that is cut off, or fails, is followed by another
    local code=0
    python3 "$bundles/$1/puppet/converge" >&2 || code=$?
    [[ -e "$bundles/$1/puppet/converge/__main__.py" ]] || code=4
    if ((code == 0)); then
        echo "$1" > "$work/applied"
        mv "$work/applied" "$state/applied"
        touch "$state/converged"
        return 0
    fi
    # Not what was fetched any more: the next run fetches it again.
    ((code != 4)) || [[ ! -d "$bundles/$1" ]] || discard "$bundles/$1"
    return 1
}

# In one step, so that no half of it is taken for the whole.
discard() {
    mv --no-target-directory "$1" "$work/discarded"
    rm -rf "$work/discarded"
}

good="$(basename "$(readlink "$bundles/good" || true)")"
wanted="" problem="" word=critical
get
if [[ -n "$problem" ]]; then
    say "$problem"
    wanted="$good"
fi
if [[ -z "$wanted" ]]; then
    tell critical "$problem; this machine has never had a bundle"
    exit 1
fi

applied="$(content "$state/applied")"
failed="$(content "$state/failed")"
if [[ "$wanted" == "$failed" && -n "$good" && "${1-}" != --now ]] && (($(age "$state/failed") < every)); then
    # Tried, and gone back to the good one: that must not happen every few minutes.
    [[ -n "$applied" ]] || converge "$good" || true
    exit 1
fi
if [[ "$wanted" == "$applied" && "${1-}" != --now ]] && (($(age "$state/converged") < every)); then
    if [[ -n "$problem" ]]; then
        tell "$word" "$problem; bundle ${good:0:12} stays"
        exit 1
    fi
    tell ok "bundle ${wanted:0:12}"
    exit 0
fi

if converge "$wanted"; then
    ln --symbolic --force "$wanted" "$work/good"
    mv --no-target-directory "$work/good" "$bundles/good"
    rm -f "$state/failed"
    # The newest few stay for going back without the network.
    find "$bundles" -mindepth 1 -maxdepth 1 -type d -name '[0-9a-f]*' ! -name "$wanted" -printf '%T@ %p\n' |
        sort --numeric-sort --reverse | tail --lines=+4 | cut --delimiter=' ' --fields=2 |
        while read -r old; do discard "$old"; done
    if [[ -z "$problem" ]]; then
        tell ok "bundle ${wanted:0:12}"
        exit 0
    fi
    tell "$word" "$problem; bundle ${wanted:0:12} stays"
    exit 1
fi

if [[ -d "$bundles/$wanted" ]]; then # else there is another to try
    echo "$wanted" > "$work/failed"
    mv "$work/failed" "$state/failed"
fi
problem="${problem:+$problem; }bundle ${wanted:0:12} can't be applied"
absent="$(content "$state/converge/not-installed")"
if [[ -n "$absent" ]]; then
    problem="$problem, not installed: ${absent:0:200}"
fi
say "$problem"
if [[ -n "$good" && "$good" != "$wanted" ]]; then
    if converge "$good"; then
        problem="$problem; back on ${good:0:12}"
    else
        problem="$problem, nor ${good:0:12} again"
    fi
fi
tell critical "$problem"
exit 1
