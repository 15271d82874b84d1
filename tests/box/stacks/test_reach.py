"""What listens, and who reaches it: each machine against its catalogue, from inside and from outside."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

import pytest

from managed_server.spec import Rule
from tests.box.stacks.fleet import Fleet, Place, Server

# Ports that nobody may reach, besides those that some machine listens on or has a rule for.
OTHERS = {"tcp": {21, 25, 111, 5355, 9000}, "udp": {111, 123, 161, 5353, 11211}}
IN_LOOPBACK = 0
"""In the place of an IP version."""


def sockets(box):
    """What `ss` shows: (protocol, port, IP version, or that it is on loopback)."""
    found = set()
    for line in box.run(["ss", "-H", "-l", "-n", "-t", "-u"], check=True).stdout.splitlines():
        protocol, _, _, _, local, *_ = line.split()
        address, port = local.rsplit(":", 1)
        address = re.sub(r"%.*", "", address).strip("[]").removeprefix("::ffff:")  # Java's IPv4
        if address == "*":
            versions = {4, 6}
        else:
            its = ip_address(address)
            versions = {IN_LOOPBACK if its.is_loopback else its.version}
        found |= {(protocol, int(port), version) for version in versions}
    return found


def without_covered(found):
    """(protocol, port, whether on loopback alone): a socket on all addresses covers its loopback."""
    return {(p, port, loop) for p, port, loop in found if not (loop and (p, port, False) in found)}


def expected(server):
    return without_covered(
        {
            (listen.protocol, listen.port, listen.bind == "loopback")
            for listen in server.spec.listens
            if not server.spec.needs(listen.origin)
        }
    )


def test_it_listens_exactly_where_the_catalogue_says(server):
    # DHCP's answers come to a port that is no service's.
    seen = {item for item in sockets(server.box) if item[:2] != ("udp", 68)}
    found = {(p, port, version == IN_LOOPBACK) for p, port, version in seen}
    assert without_covered(found) == expected(server)
    people = {(it.protocol, it.port) for it in server.spec.listens if it.reach in ("world", "admin")}
    assert {(p, port, 6) for p, port in people} <= seen, "they come by IPv6 as well"


@dataclass(frozen=True, eq=False)
class Someone:
    """Who tries to reach machines: a place without a machine, or a machine itself."""

    name: str
    place: Place
    server: Server | None = None

    def source(self, target: str) -> str:
        """The address from which it reaches another one."""
        machine = self.server and self.server.box.machine
        if machine and machine.private and target.startswith("10."):
            return machine.private
        version = ip_address(target).version
        return next(a for a in self.place.addresses if ip_address(a).version == version)


@dataclass(frozen=True, eq=False)
class Try:
    """Someone tries an address of a machine."""

    who: Someone
    target: Server
    address: str

    def __str__(self) -> str:
        return f"{self.who.name} to {self.address}"

    def let(self, protocol: str) -> set[int]:
        """The ports of this address that the rules of both ends open to that someone."""
        source, own = self.who.source(self.address), self.who.server
        inside = {
            rule.port
            for rule in self.target.spec.rules
            if (rule.direction, rule.protocol) == ("in", protocol) and opens(rule, self.target, source, own)
        }
        if own is None:
            return inside
        return inside & {
            rule.port
            for rule in own.spec.rules
            if (rule.direction, rule.protocol) == ("out", protocol)
            and opens(rule, own, self.address, self.target)
        }


def opens(rule: Rule, server: Server, other: str, peer: Server | None) -> bool:
    """Whether a rule of a server is about the other end: an address, and the machine that has it."""
    if rule.peer is None:
        return ip_address(other) in ip_network(rule.network)
    return (
        peer is not None
        and (peer.customer.id, peer.spec.name) == (server.customer.id, rule.peer)
        and peer.box.machine.private == other
    )


def ports(fleet: Fleet, protocol: str) -> set[int]:
    """All that any machine listens on or has a rule for, and some others."""
    found = set(OTHERS[protocol])
    for server in fleet.servers.values():
        found |= {port for its, port, _ in expected(server) if its == protocol}
        found |= {rule.port for rule in server.spec.rules if rule.protocol == protocol}
    return found


@pytest.fixture(scope="module")
def everyone(whole, admin, foreign) -> list[Someone]:
    """An administrator, a stranger, and each machine."""
    machines = [
        Someone(
            name,
            Place(whole.session.network.namespace(name), whole.keys, server.box.machine.addresses),
            server,
        )
        for name, server in whole.servers.items()
    ]
    return [Someone("admin", admin), Someone("foreign", foreign), *machines]


def tries(fleet: Fleet, who: Someone) -> list[Try]:
    """All addresses of all machines but its own."""
    return [
        Try(who, target, address)
        for target in fleet.servers.values()
        if target is not who.server
        for address in (*target.box.machine.addresses, target.box.machine.private)
        if address
    ]


@pytest.fixture(scope="module")
def connected(fleet, everyone) -> dict[Try, set[int]]:
    """The TCP ports at which each is accepted by each other; all are tried at once."""
    tried = ports(fleet, "tcp")

    def go(who: Someone) -> dict[Try, set[int]]:
        found = who.place.connects({each.address: tried for each in tries(fleet, who)})
        return {each: found[each.address] for each in tries(fleet, who)}

    with ThreadPoolExecutor() as pool:
        return {each: found for part in pool.map(go, everyone) for each, found in part.items()}


def test_each_port_is_open_to_whom_it_should_be_and_to_nobody_else(server, connected):
    listens = sockets(server.box)
    found = {str(each): at for each, at in connected.items() if each.target is server}
    assert found == {
        str(each): {p for p in each.let("tcp") if ("tcp", p, ip_address(each.address).version) in listens}
        for each in connected
        if each.target is server
    }
    assert any(found.values())


SEND = """
import json, socket, sys
for address, ports in json.loads(sys.argv[1]).items():
    for port in ports:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as out:
            try:
                out.sendto(b"hello", (address, port))
            except OSError:  # its own machine doesn't let it
                pass
"""
# Comes after the machine's own rules, and writes down what they let through.
NOTES = """
table inet notes {
    set seen4 { type ipv4_addr . inet_service; size 65535; flags dynamic; }
    set seen6 { type ipv6_addr . inet_service; size 65535; flags dynamic; }
    chain incoming {
        type filter hook input priority filter + 10; policy accept;
        iif != lo meta l4proto udp update @seen4 { ip saddr . udp dport }
        iif != lo meta l4proto udp update @seen6 { ip6 saddr . udp dport }
    }
}
"""


@pytest.fixture(scope="module")
def let_in(fleet, everyone) -> dict[str, set[tuple[str, int]]]:
    """By machine: from which address, to which UDP port, something came through its rules."""
    tried = sorted(ports(fleet, "udp"))
    servers = fleet.servers.values()
    for server in servers:
        server.box.run(["nft", "-f", "-"], input=NOTES, check=True)
    try:
        for who in everyone:
            targets = {each.address: tried for each in tries(fleet, who)}
            done = who.place.run(["python3", "-I", "-c", SEND, json.dumps(targets)])
            assert done.returncode == 0, done.stderr
        return {server.box.name: noted(server) for server in servers}
    finally:
        for server in servers:
            server.box.run(["nft", "delete", "table", "inet", "notes"], check=True)


def noted(server: Server) -> set[tuple[str, int]]:
    found = set()
    for name in ("seen4", "seen6"):
        said = server.box.run(["nft", "-j", "-n", "list", "set", "inet", "notes", name], check=True).stdout
        [listed] = [item["set"] for item in json.loads(said)["nftables"] if "set" in item]
        found |= {tuple(element["concat"]) for element in listed.get("elem", [])}
    return found


def test_datagrams_come_in_from_whom_they_should_and_from_nobody_else(fleet, server, everyone, let_in):
    tried, found, wanted = ports(fleet, "udp"), {}, {}
    for who in everyone:
        # A datagram's way can't be told by its target: there may be two addresses of one version.
        for each in tries(fleet, who):
            if each.target is server:
                source = who.source(each.address)
                found[f"{who.name} by {source}"] = {
                    port for address, port in let_in[server.box.name] if address == source
                } & tried
                wanted.setdefault(f"{who.name} by {source}", set()).update(each.let("udp"))
    assert found == wanted


def group_of(fleet, server):
    """The security group of the server's instance."""
    ec2 = fleet.client("ec2", server.customer.account_id, server.customer.region)
    instance = ec2.describe_instances(InstanceIds=[server.box.machine.instance_id])
    [group] = instance["Reservations"][0]["Instances"][0]["SecurityGroups"]
    return group["GroupId"]


def test_the_security_group_says_the_same_as_the_firewall(fleet, server):
    ec2 = fleet.client("ec2", server.customer.account_id, server.customer.region)
    peers = {
        group_of(fleet, other): other.spec.name
        for other in fleet.servers.values()
        if other.customer.id == server.customer.id
    }
    found = set()
    wanted = [{"Name": "group-id", "Values": [group_of(fleet, server)]}]
    for page in ec2.get_paginator("describe_security_group_rules").paginate(Filters=wanted):
        for rule in page["SecurityGroupRules"]:
            network = rule.get("CidrIpv4") or rule.get("CidrIpv6") or ""
            peer = peers[rule["ReferencedGroupInfo"]["GroupId"]] if "ReferencedGroupInfo" in rule else None
            direction = "out" if rule["IsEgress"] else "in"
            found.add((direction, rule["IpProtocol"], rule["FromPort"], network, peer))
    assert found == {(r.direction, r.protocol, r.port, r.network, r.peer) for r in server.spec.rules}


LISTEN = """
import socket, sys, time
held = [socket.create_server(('', int(p)), backlog=9) for p in sys.argv[1:]]
print('ready', flush=True)
time.sleep(60)
"""


def test_the_machine_gets_out_only_where_the_rules_say(server, foreign):
    """Somebody's server listens on every port; the machine reaches those that its rules open."""
    tried = {25, 80, 443, 587, 3306, 6379, 6667, 8080}
    target = next(a for a in foreign.addresses if ip_address(a).version == 4)
    with foreign.started(["python3", "-I", "-c", LISTEN, *map(str, tried)]):
        one = f'timeout 2 bash -c "</dev/tcp/{target}/$p" 2>/dev/null && echo $p'
        ask = f"for p in {' '.join(map(str, tried))}; do {one}; done; true"
        reached = {int(port) for port in server.box.run(ask, timeout=90, check=True).stdout.split()}
    assert reached == tried & {
        rule.port
        for rule in server.spec.rules
        if (rule.direction, rule.protocol) == ("out", "tcp") and opens(rule, server, target, None)
    }


KNOCK = """
import socket, sys
accepted = 0
for _ in range(int(sys.argv[2])):
    try:
        socket.create_connection((sys.argv[1], 22), 0.3).close()
        accepted += 1
    except OSError:
        pass
print(accepted)
"""


def test_whoever_knocks_too_often_is_held_back(web1, fleet):
    """In one program: one for each knock would, on a busy machine, be slower than the limit."""
    target = web1.box.machine.addresses[0]
    limit = web1.spec.entry("firewall").facts["ssh_per_minute"]
    knocks = limit + 20
    done = fleet.at("knocker", "192.0.2.9").run(["python3", "-I", "-c", KNOCK, target, str(knocks)])
    accepted = int(done.stdout)
    assert 0 < accepted <= limit + 5, "a few come in as time passes"
    assert fleet.at("another", "192.0.2.10").reaches(target, [22]) == {22}


def test_nobodys_programs_get_the_servers_credentials(web1, hub_server):
    """With them anybody could read the backup's passphrase, and with that everybody's files."""
    ask = """curl -s -o /dev/null -w '%{http_code}' --max-time 20 -X PUT \
        -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token"""
    for server in (web1, hub_server):
        for user, answer in (("root", "200"), ("nagios", "200"), ("www-data", "000"), ("nobody", "000")):
            said = server.box.run(["setpriv", "--reuid", user, "--clear-groups", "bash", "-c", ask])
            assert said.stdout == answer, (server.spec.name, user, said)
