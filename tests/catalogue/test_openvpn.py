"""OpenVPN at work: the keys that the machine makes, who gets in, and what its checks and graphs say."""

# ruff: noqa: E501  lines of the shell

import pytest

from managed_server.local.debian.run import TreeFile
from tests.runbooks import ended_badly

from .services import Server, as_listens

pytestmark = pytest.mark.machine

SETTINGS = """
        settings: {openvpn: {host: vpn.acme.example, network: 10.99.0.0}}"""
START = """
mkdir -p /dev/net /run/openvpn; [ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
pki() { /usr/local/lib/managed-server/openvpn-pki "$@"; }
cd /etc/openvpn/server
starts() {
    pki make || echo "no keys"
    openvpn --status /run/server.log --status-version 2 --suppress-timestamps --config server.conf >/tmp/server.log 2>&1 &
    until_true grep -q 'Initialization Sequence Completed' /tmp/server.log
}
# A client of its own, that stops as soon as it is in, or refused.
connects() {
    : >/tmp/client.log # here: the client's own shell may come to it after the first look, at what the last one said
    timeout 20 openvpn --config "$1" --remote 127.0.0.1 1194 --route-noexec --connect-retry-max 1 --explicit-exit-notify 1 \\
        --hand-window 3 "${@:2}" >/tmp/client.log 2>&1 &
    client=$!
    for _ in $(seq 150); do
        grep -q 'Initialization Sequence Completed' /tmp/client.log && echo in && return
        kill -0 $client 2>/dev/null || break
        sleep 0.1
    done
    kill $client 2>/dev/null; echo out
}
leaves() { kill $client; wait $client; sleep 0.5; }
"""


@pytest.fixture
def server(root, tmp_path, service_machines):
    return Server(root, tmp_path, service_machines, "openvpn", SETTINGS)


def users(*lines):
    return {"/opt/users": TreeFile("".join(f"{line}\n" for line in ("# some", *lines)).encode())}


def test_the_server_and_its_checks(server):
    assert server.faults() == []
    said = server.run(
        f"""{START}
starts
sockets; echo; ps -C openvpn -o user:20=; ip -brief address show dev tun0 | awk '{{print $3}}'
connects /etc/openvpn/profiles/alice.ovpn
sleep 11
{server.check("alive")}
{server.plugins()}
{server.looks()}
env -i /opt/munin/openvpn_clients; cut -d, -f1-2 /run/openvpn/server.status | grep -c 'CLIENT_LIST,alice'
kill %1; leaves; touch -d '2 minutes ago' /run/openvpn/server.status
{server.check("alive")}
""",
        timeout=150,
    )
    sockets, rest = said[: said.index("")], said[said.index("") + 1 :]
    assert as_listens(sockets) == server.listens() == {("udp", 1194, False)}
    assert rest[:2] == ["nobody", "10.99.0.1/24"]
    assert rest[2] == "in"
    assert rest[3].startswith("FILE_AGE OK")
    assert server.drawn(rest[4:6]) == {"openvpn_clients": (1, 1), "openvpn_traffic": (2, 2)}
    assert rest[6:8] == ["clients.value 1", "1"]
    assert rest[8].startswith("FILE_AGE CRITICAL")
    assert ended_badly(server.looked) == []


def test_profiles_follow_the_users(server):
    said = server.run(
        f"""{START}
useradd --no-create-home bob; useradd --no-create-home carol
pki check; echo $?; starts; pki check; echo $?
cp /etc/openvpn/profiles/alice.ovpn /tmp/first.ovpn
before=$(sha256sum /etc/openvpn/pki/ca.crt server.* tls-crypt.key)
cp /opt/users /etc/openvpn/managed-users
pki check; echo $?; pki report 2>/dev/null; echo $?; pki check; echo $?
[ "$before" = "$(sha256sum /etc/openvpn/pki/ca.crt server.* tls-crypt.key)" ] && echo same
stat -c '%n %U %a' /etc/openvpn/profiles/*; cat /var/lib/managed-server/heartbeat/openvpn-pki*
connects /etc/openvpn/profiles/bob.ovpn; leaves
connects /tmp/first.ovpn; grep -c 'certificate revoked' /tmp/server.log
sed 's/bob/alice/' -i /etc/openvpn/managed-users; pki make; echo $?
connects /etc/openvpn/profiles/alice.ovpn; leaves; connects /tmp/first.ovpn
sed -n '/<tls-crypt>/,/<.tls-crypt>/!p' /etc/openvpn/profiles/alice.ovpn >/tmp/keyless.ovpn; connects /tmp/keyless.ovpn
as alice cat /etc/openvpn/profiles/alice.ovpn | grep -E '^(remote |verify)'
as bob cat /etc/openvpn/profiles/alice.ovpn 2>&1 | grep -c denied
as alice ls /etc/openvpn/profiles /etc/openvpn/pki 2>&1 | grep -c denied
find /etc/openvpn -name '*.key' -perm /077 | wc -l
""",
        users("bob 2999-01-01", "carol 2020-01-01"),
        timeout=200,
    )
    assert said[:2] == ["1", "0"]
    assert said[2:6] == ["1", "0", "0", "same"]
    assert said[6] == "/etc/openvpn/profiles/bob.ovpn bob 400"
    assert said[7:9] == ["ok 1 users", "ok all hold"]
    assert said[9] == "in"
    assert said[10] == "out"
    assert int(said[11]) > 0
    assert said[12:16] == ["0", "in", "out", "out"]
    assert said[16:18] == ["remote vpn.acme.example 1194", "verify-x509-name this.server name"]
    assert said[18:] == ["1", "2", "0"]


def test_certificates_that_end_are_told(server):
    said = server.run(
        f"""{START}
pki make
sed -i 's/"3600"/"30"/' /usr/local/lib/managed-server/openvpn-pki; rm /etc/openvpn/pki/issued/alice.crt
pki report 2>/dev/null; echo $?; cat /var/lib/managed-server/heartbeat/openvpn-pki-result
touch -d '31 days ago' /etc/openvpn/pki/crl.pem; old=$(cat crl.pem); pki make; [ "$old" != "$(cat crl.pem)" ] && echo renewed
rm /etc/openvpn/managed-users; mv /usr/share/easy-rsa /usr/share/gone; rm crl.pem /etc/openvpn/pki/crl.pem
pki report 2>/dev/null; echo $?; cut -d ' ' -f 1 /var/lib/managed-server/heartbeat/openvpn-pki-result
"""
    )
    assert said == ["0", "warning ends within 90 days: alice", "renewed", "1", "critical"]
