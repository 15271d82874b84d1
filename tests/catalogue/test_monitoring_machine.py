"""The monitoring and protection tools at work: the real programs with the rendered files."""

import pytest

from tests import trees

from .monitoring import ORIGINS, small
from .support import files_of, run_script

pytestmark = pytest.mark.machine


@pytest.fixture(scope="module")
def files(root, customer):
    return files_of(root, customer, ORIGINS)


@pytest.fixture(scope="module")
def tree(pytestconfig):
    return trees.tree(13, pytestconfig)


PLUGINS = "/usr/local/lib/managed-server/plugins"
HEARTBEAT = "/var/lib/managed-server/heartbeat"


@pytest.mark.parametrize(
    ("prepare", "command", "code", "said"),
    [
        ("touch -d '1 hour ago' /etc/machine-id", "check-heartbeat age job 100 200", 2, "never ended"),
        ("touch /etc/machine-id", "check-heartbeat age job 100 200", 0, "never ended"),
        (f"touch -d '150 seconds ago' {HEARTBEAT}/job", "check-heartbeat age job 100 200", 1, "last ended"),
        ("", "check-heartbeat age ../job 1 2", 3, "usage"),
        ("", "check-heartbeat result job", 0, "not run yet"),
        (f"echo 'ok fine' > {HEARTBEAT}/job", "check-heartbeat result job", 0, "OK - fine"),
        (f"echo 'critical bad | x' > {HEARTBEAT}/job", "check-heartbeat result job", 2, "CRITICAL - bad / x"),
        (f"echo 'hello' > {HEARTBEAT}/job", "check-heartbeat result job", 3, "doesn't say"),
        (f": > {HEARTBEAT}/job", "check-heartbeat result job", 3, "empty"),
        ("", "check-memory 101 5", 1, "available"),
        ("", "check-memory 101 101", 2, "available"),
        ("", "check-memory 1 0", 0, "available"),
        ("", "check-memory", 3, "usage"),
        ("", "check-reboot 8 15", 0, "no reboot"),
        ("touch -d '9 days ago' /run/reboot-required", "check-reboot 8 15", 1, "9 days"),
        ("touch -d '16 days ago' /run/reboot-required", "check-reboot 8 15", 2, "16 days"),
        ("touch -d '3 days ago' /var/lib/apt/periodic/update-stamp", "check-security-updates 48", 2, "72 h"),
        ("", "check-clamav-definitions 2 5", 2, "no daily"),
        ("vdb $(date +%s)", "check-clamav-definitions 2 5", 0, "0 h old"),
        ("vdb $(date -d '3 days ago' +%s)", "check-clamav-definitions 2 5", 1, "72 h old"),
        ("vdb $(date -d '6 days ago' +%s)", "check-clamav-definitions 2 5", 2, "144 h old"),
        ("unit '' ''", "check-unit nrpe.service", 3, "says nothing"),
        ("unit loaded active", "check-unit a.service", 0, "active"),
        ("unit loaded activating", "check-unit a.service", 1, "activating"),
        ("unit loaded failed", "check-unit a.service", 2, "failed"),
        ("unit not-found inactive", "check-unit a.service", 2, "not-found"),
    ],
)
def test_own_plugins(tree, files, prepare, command, code, said):
    script = f"""
        own=/usr/local/bin/systemctl vdb=/var/lib/clamav/daily.cld
        unit() {{
            printf '#!/bin/sh\\necho LoadState=%s\\necho ActiveState=%s\\n' "$1" "$2" >$own
            chmod 755 $own
        }}
        vdb() {{
            printf 'ClamAV-VDB:24 Nov 2025 04-27 -0500:1:1:90:x:y:builder:%-460s' "$1" >$vdb
        }}
        {prepare}
        setpriv --reuid nagios --regid nagios --init-groups {PLUGINS}/{command}
    """
    result = run_script(tree, script, files, 180, users=("ossec",))
    assert (result.code, said in result.stdout) == (code, True), result


TLS = """
install -d -o nagios -g nagios /run/nagios
/usr/local/lib/managed-server/nrpe-key || exit 1
first=$(sha256sum /etc/nagios/tls/*); /usr/local/lib/managed-server/nrpe-key
[ "$first" = "$(sha256sum /etc/nagios/tls/*)" ] && echo idempotent
stat -c '%n %U:%G %a' /etc/nagios/tls/*
mkdir /tmp/hub; cd /tmp/hub
for name in hub other; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 9 -subj /CN=$name \
        -keyout $name.key -out $name.pem 2>/dev/null
done
start() {
    setpriv --reuid nagios --regid nagios --init-groups nrpe -c /etc/nagios/nrpe.cfg -f & pid=$!
    for _ in $(seq 600); do
        /usr/lib/nagios/plugins/check_tcp -H 127.0.0.1 -p 5666 >/dev/null 2>&1 && break
        sleep 0.1
    done
}
ask() {
    /usr/lib/nagios/plugins/check_nrpe -H 127.0.0.1 -t 15 -c check_nrpe_swap -d 0 -S TLSv1.2+ \
        -L 'ALL:!aNULL:!eNULL:!LOW:!EXP:!RC4:!MD5' -A $2 -C $3.pem -K $3.key >/dev/null 2>&1
    echo "$1: $?"
}
machine=/etc/nagios/tls/machine.pem
start; ask early $machine hub; kill $pid; wait $pid
cp hub.pem /etc/nagios/tls/hub.pem; start
ask hub $machine hub; ask stranger $machine other; ask another-machine other.pem hub
/usr/lib/nagios/plugins/check_nrpe -H 127.0.0.1 -c check_nrpe_swap >/dev/null 2>&1; echo "anonymous: $?"
kill $pid
"""


def test_nrpe_answers_the_hub_alone(tree, files):
    said = run_script(tree, TLS, files, 180, users=("ossec",)).stdout.splitlines()
    assert "idempotent" in said
    assert "/etc/nagios/tls/machine.key root:nagios 640" in said
    answers = dict(line.split(": ") for line in said if ": " in line)
    # 3: the server hangs up; 2: the hub does, as it trusts another certificate for this host.
    assert answers == {"early": "3", "hub": "0", "stranger": "3", "another-machine": "2", "anonymous": "3"}


SCAN = r"""
install -d -m 0700 /var/lib/managed-server/quarantine
printf '44d88612fea8a8f36de82e1278abb02f:68:Private.Test\n' > /var/lib/clamav/private.hdb
if [ -e /etc/clamav/clamd.conf ] && grep -q AlertExceedsMax /etc/clamav/clamd.conf; then
    install -d -o clamav /run/clamav
    clamd --foreground=true >/dev/null 2>&1 & daemon=$!
    for _ in $(seq 600); do [ -S /run/clamav/clamd.ctl ] && break; sleep 0.2; done
fi
scan() {
    /usr/local/lib/managed-server/clamav-scan >/dev/null 2>&1
    echo "$1: $(cut -d ' ' -f 1 /var/lib/managed-server/heartbeat/clamav-scan)"
}
# Only what the test makes is scanned, by the same script: a whole system takes its time.
sed -i 's/ for base in excluded):/ for base in excluded) or not below(where, "\/mnt"):/' \
    /usr/local/lib/managed-server/clamav-scan
sed -i 's/b"vfat"}/b"tmpfs"}/' /usr/local/lib/managed-server/clamav-scan
mount -t tmpfs none /mnt
echo harmless > /mnt/readme; echo host > /etc/hostname
scan clean
printf 'X5O!P%%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*' > /tmp/page.php
cp /tmp/page.php /mnt
cp /mnt/page.php '/mnt/b: c FOUND'
mkdir -p "/mnt/x
/etc"; cp /mnt/page.php "/mnt/x
/etc/hostname"
scan infected
[ -e /mnt/page.php ] || echo 'moved: yes'
[ -e /etc/hostname ] && echo 'spared: yes'
cd /mnt; rm -rf ./*; mkdir own again far
mount --bind own again; mount -t ramfs none far
cp /tmp/page.php own; cp /tmp/page.php far
scan mounted
echo "once: $(grep -o 'infected files: [0-9]*' /var/lib/managed-server/heartbeat/clamav-scan | tail -c 2)"
[ -e far/page.php ] && echo 'not entered: yes'
cd /; umount /mnt/again /mnt/far; rm -rf /mnt/*
head -c 220000000 /dev/urandom > /mnt/big
scan big
echo "unscanned: $(cut -d ' ' -f 1 /var/lib/managed-server/heartbeat/clamav-unscanned)"
rm /mnt/big /var/lib/clamav/private.hdb; echo harmless > /mnt/readme
[ -z "${daemon-}" ] || { kill "$daemon"; wait "$daemon"; }
scan broken
"""


@pytest.mark.parametrize("instance_type", ["t3.small", "t3.large"])  # clamscan alone; with clamd
def test_scan_finds_moves_and_tells(root, project, tree, tmp_path, instance_type):
    customer = small(root, project, tmp_path, instance_type=instance_type)
    files = files_of(root, customer, ORIGINS)
    result = run_script(tree, SCAN, files, 180, users=("ossec",))
    said = dict(line.split(": ", 1) for line in result.stdout.splitlines() if ": " in line)
    assert said == {
        "clean": "ok",
        "infected": "critical",
        "moved": "yes",
        "spared": "yes",
        "mounted": "critical",
        "once": "1",
        "not entered": "yes",
        "big": "ok",
        "unscanned": "warning",
        "broken": "critical",
    }, result


def test_munin_node_lists_the_plugins(tree, files, server):
    links = "\n".join(
        f"ln -sf {link.target} {link.path}"
        for link in server.links
        if link.path.startswith("/etc/munin/plugins/")
    )
    script = f"""
        {links}
        rm -f {" ".join(gone.path for gone in server.removed if gone.path.startswith("/etc/munin/"))}
        install -o munin -g munin -d /run/munin
        munin-node --foreground & pid=$!
        python3 - <<'END'
import socket, time
for attempt in range(50):
    try:
        node = socket.create_connection(("127.0.0.1", 4949))
        break
    except OSError:
        time.sleep(0.2)
talk = node.makefile("rw")
print(talk.readline(), end="")
talk.write("list\\n"); talk.flush()
print(talk.readline(), end="")
END
        kill $pid
    """
    greeting, listed = run_script(tree, script, files, 180, users=("ossec",)).stdout.splitlines()[:2]
    assert greeting == f"# munin node at {server.host_name}"
    own = {"cpu", "df", "load", "memory", "tcp", "vmstat"}
    assert own <= set(listed.split())
    assert "entropy" not in listed.split()
