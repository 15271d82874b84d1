"""What listens, and who reaches it: the machine against its catalogue, from inside and from outside."""

import re
from ipaddress import ip_address, ip_network

import pytest

# Every port that the catalogue knows, and some that nobody may reach.
OTHERS = {21, 25, 111, 3306, 5355, 6379, 8080, 8190, 8191, 9000}


def listening(box):
    """What `ss` shows: (protocol, port, whether on loopback alone)."""
    found = set()
    for line in box.run(["ss", "-H", "-l", "-n", "-t", "-u"], check=True).stdout.splitlines():
        protocol, _, _, _, local, *_ = line.split()
        address, port = local.rsplit(":", 1)
        address = re.sub(r"%.*", "", address.strip("[]"))
        loopback = address != "*" and ip_address(address).is_loopback
        found.add((protocol, int(port), loopback))
    # A socket on all addresses covers its loopback.
    return {(p, port, loop) for p, port, loop in found if not (loop and (p, port, False) in found)}


def expected(server):
    return {
        (listen.protocol, listen.port, listen.bind == "loopback")
        for listen in server.spec.listens
        if not server.spec.needs(listen.origin)
    }


@pytest.mark.parametrize("name", ["example-web1"])
def test_it_listens_exactly_where_the_catalogue_says(fleet, name):
    server = fleet.servers[name]
    # DHCP's answers come to a port that is no service's.
    found = {item for item in listening(server.box) if item[:2] != ("udp", 68)}
    assert found == expected(server)


def allowed(server, source):
    """The TCP ports that the server's rules open to an address."""
    address = ip_address(source)
    return {
        rule.port
        for rule in server.spec.rules
        if rule.direction == "in" and rule.protocol == "tcp" and address in ip_network(rule.network)
    }


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("who", ["admin", "foreign", "hub"])
def test_each_port_is_open_to_whom_it_should_be_and_to_nobody_else(request, web1, who, family):
    place = request.getfixturevalue(who)
    source = next(a for a in place.addresses if ip_address(a).version == family)
    target = next(a for a in web1.box.machine.addresses if ip_address(a).version == family)
    listens = {item[1] for item in expected(web1) if item[0] == "tcp" and not item[2]}
    if family == 6:
        listens -= {4949}  # munin-node has one socket, on IPv4
    tried = {rule.port for rule in web1.spec.rules if rule.protocol == "tcp"} | OTHERS | listens
    assert place.reaches(target, tried) == allowed(web1, source) & listens


def test_the_security_group_says_the_same_as_the_firewall(fleet, web1):
    ec2 = fleet.client("ec2", web1.customer.account_id, web1.customer.region)
    instance = ec2.describe_instances(InstanceIds=[web1.box.machine.instance_id])
    [group] = instance["Reservations"][0]["Instances"][0]["SecurityGroups"]
    found = set()
    wanted = [{"Name": "group-id", "Values": [group["GroupId"]]}]
    for page in ec2.get_paginator("describe_security_group_rules").paginate(Filters=wanted):
        for rule in page["SecurityGroupRules"]:
            network = rule.get("CidrIpv4") or rule.get("CidrIpv6")
            direction = "out" if rule["IsEgress"] else "in"
            found.add((direction, rule["IpProtocol"], rule["FromPort"], network))
    assert found == {(r.direction, r.protocol, r.port, r.network) for r in web1.spec.rules}


def test_the_machine_gets_out_only_where_the_rules_say(web1, foreign):
    """Somebody's server listens on every port; the machine reaches those that its rules open."""
    script = (
        "import socket, sys, time\n"
        "held = [socket.create_server(('', int(p)), backlog=9) for p in sys.argv[1:]]\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    tried = {25, 80, 443, 587, 3306, 6667, 8080}
    with foreign.started(["python3", "-I", "-c", script, *map(str, tried)]):
        target = next(a for a in foreign.addresses if ip_address(a).version == 4)
        one = f'timeout 2 bash -c "</dev/tcp/{target}/$p" 2>/dev/null && echo $p'
        ask = f"for p in {' '.join(map(str, tried))}; do {one}; done; true"
        reached = {int(port) for port in web1.box.run(ask, timeout=90, check=True).stdout.split()}
    assert (
        reached == {r.port for r in web1.spec.rules if r.direction == "out" and r.protocol == "tcp"} & tried
    )


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
