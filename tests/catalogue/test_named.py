"""BIND at work: for whom it listens, what it answers to whom, and what its checks and graphs say."""

# ruff: noqa: E501  lines of the shell

import pytest

from managed_server.local.debian.run import TreeFile
from tests.runbooks import ended_badly

from .services import Server, as_listens

pytestmark = pytest.mark.machine

# As on a machine: systemd-resolved has port 53 of its own two addresses before named starts.
START = """
mkdir -p /run/named; chown root:bind /run/named; chmod 775 /run/named
for address in 192.0.2.10 10.80.0.10 198.51.100.7; do ip address add $address/32 dev lo; done
python3 -c '
import socket, time
held = [socket.create_server((f"127.0.0.{n}", 53)) for n in (53, 54)]
for n in (53, 54):
    held.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    held[-1].bind((f"127.0.0.{n}", 53))
print("held", file=open("/tmp/held", "w"), flush=True)
time.sleep(60)' &
resolved=$!
until_true test -s /tmp/held
named_starts() { /usr/sbin/named -g -u bind "$@" 2>/tmp/named.log & until_true grep -q ' running$' /tmp/named.log; }
named_stops() { rndc stop; wait %+; }
ask() { dig +noall +comments +time=1 +tries=1 "$@" | sed -nE 's/.*status: ([A-Z]+),.*/\\1/p;t;/timed out|no servers/p' | head -n 1; }
"""
ZONES = {
    "/etc/bind/customer.d/zones.conf": TreeFile(
        b'zone "widgets.example" { type primary; file "/var/lib/bind/widgets.example.zone"; };\n',
        "root",
        "bind",
    ),
    "/var/lib/bind/widgets.example.zone": TreeFile(
        b"$TTL 1d\n@ IN SOA ns.widgets.example. hostmaster.widgets.example. 1 1d 2h 4w 1h\n IN NS ns\nns IN A 192.0.2.10\n"
    ),
}
ROOT_SERVER = {
    "/etc/bind/other.conf": TreeFile(
        b'options { directory "/var/cache/bind"; listen-on { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; };\n'
        b'include "/etc/bind/rndc.key";\ncontrols { inet 127.0.0.1 port 953 allow { 127.0.0.1; } keys { "rndc-key"; }; };\n'
        b'zone "." { type primary; file "/etc/bind/root.zone"; };\n'
    ),
    "/etc/bind/root.zone": TreeFile(
        b"$TTL 1d\n@ IN SOA a.nic.example. root.nic.example. 1 1d 2h 4w 1h\n IN NS a.nic.example.\na.nic.example. IN A 192.0.2.53\n"
    ),
}
PEERS = """
        peers: [web2]"""
OTHER = """      web2: {instance_type: t3.small, disk_gb: 20, software: [nginx]}
"""


def test_a_resolver_is_for_its_own_server(root, tmp_path, service_machines):
    server = Server(root, tmp_path, service_machines, "named")
    said = server.run(
        f"""{START}
named_starts
kill $resolved; wait $resolved 2>/dev/null; sockets; echo
ps -C named -o user:20= | sort -u; ask @127.0.0.1 localhost
{server.check("answers")}
{server.check("resolves")}
{server.plugins()}
{server.looks()}
named_stops
{server.check("answers")}
named_starts -c /etc/bind/other.conf
{server.check("resolves")}
""",
        ROOT_SERVER,
    )
    assert server.faults() == []
    sockets, rest = said[: said.index("")], said[said.index("") + 1 :]
    found = {item for item in as_listens(sockets) if item[1] < 32768}  # what it asks from just now
    assert found == server.listens()
    assert {port for _, port, loopback in server.listens() if loopback} == {53, 953, 8053}
    assert rest[:2] == ["bind", "NOERROR"]
    assert rest[2].startswith("DNS OK")
    assert rest[3].startswith("DNS CRITICAL")  # nothing outside can be asked here
    assert all(labels == values >= 1 for labels, values in server.drawn(rest[4:7]).values()), rest
    assert rest[7].startswith("DNS CRITICAL")
    assert rest[8].startswith("DNS OK")
    assert ended_badly(server.looked) == []


def test_peers_may_ask_and_the_world_may_not(root, tmp_path, service_machines):
    server = Server(root, tmp_path, service_machines, "named", PEERS, OTHER)
    said = server.run(
        f"""{START}
named_starts
kill $resolved; wait $resolved 2>/dev/null; sockets; echo
ask @192.0.2.10 -b 10.80.0.10 ns.widgets.example
ask @192.0.2.10 -b 198.51.100.7 ns.widgets.example
""",
        ZONES,
    )
    assert server.faults() == []
    sockets, rest = said[: said.index("")], said[said.index("") + 1 :]
    found = {item for item in as_listens(sockets) if item[1] < 32768}  # what it asks from just now
    assert {("udp", 53, False), ("tcp", 53, False)} <= server.listens() <= found
    assert found - server.listens() == {("udp", 53, True), ("tcp", 53, True)}  # one socket for each address
    assert rest == ["NOERROR", "REFUSED"]


def test_an_authoritative_server_answers_the_world_of_its_own_zones_alone(root, tmp_path, service_machines):
    server = Server(
        root, tmp_path, service_machines, "named", "\n        settings: {named: {role: authoritative}}"
    )
    said = server.run(
        f"""{START}
named_starts
sockets | awk '$2 ~ /^192/'; echo
from="@192.0.2.10 -b 198.51.100.7"
ask $from ns.widgets.example; ask $from +tcp ns.widgets.example
ask $from www.other.example; ask $from +tcp -t AXFR widgets.example
dig $from +short ns.widgets.example; dig $from +short -c CH -t TXT version.bind
{server.check("answers")}
python3 -c '
import socket
asks = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asks.bind(("198.51.100.7", 0))
name = b"".join(bytes([len(part)]) + part.encode() for part in "ns.widgets.example.".split("."))
for number in range(200):
    header = number.to_bytes(2, "big") + bytes([1, 0, 0, 1]) + bytes(6)
    asks.sendto(header + name + bytes([0, 1, 0, 1]), ("192.0.2.10", 53))'
mkdir -p /opt/munin; ln -s /usr/local/lib/munin/plugins/named_ /opt/munin/named_results
for _ in $(seq 600); do as munin /opt/munin/named_results | grep -q 'limited.value [1-9]' && break; sleep 0.1; done
as munin /opt/munin/named_results | grep limited
echo 'bad {{' >>/etc/bind/customer.d/zones.conf
rndc reload 2>&1 | head -n 1; ask @127.0.0.1 ns.widgets.example
""",
        ZONES,
    )
    assert server.faults() == []
    sockets, rest = said[: said.index("")], said[said.index("") + 1 :]
    assert as_listens(sockets) == {("udp", 53, False), ("tcp", 53, False)}
    assert rest[:3] == ["NOERROR", "NOERROR", "REFUSED"]
    assert not any("SOA" in line for line in rest)
    assert "192.0.2.10" in rest
    assert any(line.startswith("DNS OK") for line in rest)
    [limited] = [line for line in rest if line.startswith("limited.value")]
    assert int(limited.split()[1]) > 0
    assert rest[-2].startswith("rndc: 'reload' failed")
    assert rest[-1] == "NOERROR"


def test_keys_that_sign_zones_are_in_the_backup_and_those_of_before_are_found(
    root, tmp_path, service_machines
):
    server = Server(
        root, tmp_path, service_machines, "named", "\n        settings: {named: {role: authoritative}}"
    )
    (step,) = (step for step in server.server.setup if step.origin == "named")
    assert step.before_units, "named would make new ones"
    signed = """zone "widgets.example" {
    type primary; file "/var/lib/bind/widgets.example.zone"; dnssec-policy default; inline-signing yes;
};
"""
    zones = {**ZONES, "/etc/bind/customer.d/zones.conf": TreeFile(signed.encode(), "root", "bind")}
    said = server.run(
        f"""{START}
chown bind /var/lib/bind/*
of_zone() {{ until_true sh -c 'dig +short @192.0.2.10 widgets.example DNSKEY | grep -q .'; dig +short @192.0.2.10 widgets.example DNSKEY | sha256sum; }}
files() {{ find "$1" -name 'K*' -printf '%f %u %m\\n' | sed 's/.*[.]//' | sort; }}
step() {{ {step.unless} || {{ {step.command}; }}; }}
cp /etc/bind/named.conf /tmp/named.conf
sed -i '/key-directory/d' /etc/bind/named.conf
named_starts; of_zone; named_stops; files /var/cache/bind
cp /tmp/named.conf /etc/bind/named.conf
step
named_starts; of_zone; files /var/lib/bind
echo 'zone "more.example" {{ type primary; file "/var/lib/bind/widgets.example.zone"; dnssec-policy default; inline-signing yes; }};' |
    sed s/widgets/more/ >>/etc/bind/customer.d/zones.conf
sed s/widgets/more/g /var/lib/bind/widgets.example.zone >/var/lib/bind/more.example.zone
rndc reload >/dev/null; until_true sh -c 'ls /var/lib/bind/Kmore*.private >/dev/null 2>&1'; ls /var/cache/bind | grep -c Kmore
rm /var/lib/bind/Kmore*; step; ls /var/lib/bind | grep -c Kmore
""",
        zones,
    )
    assert server.faults() == []
    keys = ["key bind 644", "private bind 600", "state bind 644"]
    assert said[1:4] == keys, said
    assert said[4] == said[0]
    assert said[5:] == [*keys, "0", "0"]
