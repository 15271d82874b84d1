"""`hosting: elsewhere`: what the stack file must say, and what such a server gets and doesn't get."""

import dataclasses

import pytest

from managed_server.inputs import load_project
from managed_server.problems import InputError
from managed_server.proofs.lines import Matrix
from managed_server.rendering import render_server
from managed_server.reports.contract_proofs import statements
from managed_server.resolve import resolve_stack
from tests.conftest import ROOT
from tests.stackfile import FAR, STACK, write_stack

ON_AWS = "        instance_type: t3.large\n"
HERE, MACHINE = "        address: 198.51.100.20\n", "        machine: {vcpus: 2, memory_mb: 2048}\n"
PEERS = FAR.replace("[nginx, php]", "[redis]\n        peers: [near]")
NEAR = FAR.replace("far:", "near:").replace("198.51.100.20", "near.acme.example")
PRIVATE = "        private_address: 10.1.2.3\n"


@pytest.fixture
def project(inputs):
    return dataclasses.replace(load_project(ROOT), root=inputs)


@pytest.fixture
def resolve(project, inputs):
    def resolve(more=FAR, stack=STACK, name="acme"):
        write_stack(inputs, stack + more, name)
        return resolve_stack(project, name)[0]

    return resolve


WRONG = {
    "an instance type": (
        FAR + ON_AWS,
        "servers.far.instance_type: is EC2's, and the server is hosted elsewhere; take it out, and add what",
    ),
    "a data volume": (
        FAR + "        data_gb: 50\n",
        "servers.far.data_gb: is a volume of EC2's, and the server is hosted elsewhere; take it out: its",
    ),
    "no address": (
        FAR.replace(HERE, ""),
        "servers.far: the key 'address' is missing; add the IPv4 address or name by which the hub and",
    ),
    "no machine": (
        FAR.replace(MACHINE, ""),
        "servers.far: the key 'machine' is missing; add what the machine",
    ),
    "half a machine": (
        FAR.replace(", memory_mb: 2048", ""),
        "servers.far.machine: the key 'memory_mb' is missing; add it",
    ),
    "a word for hosting": (
        FAR.replace("elsewhere", "elsewere"),
        "servers.far.hosting: input should be 'aws' or 'elsewhere'",
    ),
    "an IPv6 address": (
        FAR.replace("198.51.100.20", '"2001:db8::1"'),
        "servers.far.address: 2001:db8::1 is an IPv6 address; write the machine's IPv4 address, or a name",
    ),
    "half an address": (
        FAR.replace("198.51.100.20", "198.51.100"),
        "servers.far.address: ",
    ),
    "its own loopback": (
        FAR.replace("198.51.100.20", "127.0.0.1"),
        "servers.far.address: 127.0.0.1 is no address at which a machine can be reached from outside",
    ),
    "a private address that is none": (
        FAR + PRIVATE.replace("10.1.2.3", "8.8.8.8"),
        "servers.far.private_address: 8.8.8.8 is no address of a private network; write one such as 10.1.2.3",
    ),
    "an address twice": (
        FAR + FAR.replace("far:", "two:"),
        "servers.two.address: 198.51.100.20 is that of far as well",
    ),
    "peers on AWS": (
        PEERS.replace("near", "web1"),
        "servers.far.peers[0]: 'web1' is on AWS and this server hosted elsewhere: no private network",
    ),
    "peers without private addresses": (
        PEERS + NEAR + PRIVATE,
        "servers.far.peers[0]: peers that are hosted elsewhere know one another by private_address; add",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_said_and_nothing_beside_it(resolve, kind):
    more, said = WRONG[kind]
    with pytest.raises(InputError) as caught:
        resolve(more)
    (problem,) = caught.value.problems
    assert said in str(problem)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (HERE, "address: is for a server with hosting: elsewhere; on AWS, take it out: AWS gives the server"),
        (PRIVATE, "private_address: is for a server with hosting: elsewhere; on AWS, take it out: AWS gives"),
        (MACHINE, "machine: is for a server with hosting: elsewhere; on AWS, take it out: the instance type"),
    ],
)
def test_on_aws_nothing_of_it_is_said(resolve, line, said):
    with pytest.raises(InputError) as caught:
        resolve("", STACK + line)
    (problem,) = caught.value.problems
    assert f"servers.web1.{said}" in str(problem)


def test_without_a_hosting_an_instance_type_is_needed(resolve):
    with pytest.raises(
        InputError, match="the key 'instance_type' is missing; add it, or write hosting: else"
    ):
        resolve("", STACK.replace(ON_AWS, ""))


def test_a_hub_is_on_aws(resolve, inputs):
    text = (inputs / "stacks/Pulumi.hub.yaml").read_text()
    moved = text.replace(
        "        instance_type: t3.medium\n", "        hosting: elsewhere\n" + HERE + MACHINE
    )
    assert moved != text
    with pytest.raises(InputError, match="a hub is on AWS"):
        resolve("", moved, "hub")


def test_it_gets_everything_but_the_aws_only_lines(project, resolve):
    customer = resolve()
    server = customer.server("far")
    assert (server.alarms, server.instance_type, server.burstable) == ((), "", False)
    assert (server.vcpus, server.memory_mb, server.architecture) == (2, 2048, "amd64")
    near = customer.server("web1")
    assert {rule.key for rule in server.rules} == {rule.key for rule in near.rules}
    extra = {check.name for check in server.checks} - {check.name for check in near.checks}
    assert extra == {"access-key-age", "access-key-result"}
    cells = {(cell.line.id, cell.server): cell for cell in Matrix(project, customer).cells()}
    aws_only = {line.id for line in project.contract.lines if line.aws_only}
    assert len(aws_only) == 3
    for line in project.contract.lines:
        cell = cells[line.id, "far" if line.scope == "server" else None]
        assert cell.missing == (), line.id
        assert cell.applies is (line.id not in aws_only | {"nightly-local-dumps"}), line.id
    assert cells["security-groups", "far"].reasons == ("the server isn't on AWS",)
    brings = {thing.origin for thing in cells["configuration-management", "far"].things}
    assert {"access-key", "ServerAccess", "Delivery"} <= brings
    assert "access-key" not in {thing.origin for thing in cells["configuration-management", "web1"].things}
    said = statements(project, customer)
    assert "which is the only one: it has no security group" in said["parity, far"]
    assert "the same in the security group" in said["parity, web1"]


def test_nothing_on_it_asks_for_instance_metadata(resolve, inputs):
    everything = FAR.replace("[nginx, php]", "[nginx, php, openvpn, named, redis, percona, memcached]")
    customer = resolve(everything)
    files = render_server(inputs / "templates", customer, customer.server("far"))
    asking = {
        file.path
        for file in files
        if b"169.254.169.254" in file.content or b"169.254.169.123" in file.content
    }
    # Its host is known, so it asks nobody.
    assert asking == {"/usr/local/lib/managed-server/openvpn-pki"}
    pki = next(file.content for file in files if file.path in asking)
    assert b'HOST = "198.51.100.20"\n' in pki


def test_its_peers_know_it_by_its_private_address(resolve):
    customer = resolve(PEERS + PRIVATE + NEAR + PRIVATE.replace("10.1.2.3", "10.1.2.4"))
    assert customer.server("far").linked == ("near",)
    assert customer.server("far").private_address == "10.1.2.3"
    rules = {(r.direction, r.port, r.peer) for r in customer.server("far").rules if r.peer}
    assert rules == {("in", 6379, "near")}
    assert customer.server("near").named_by == "name"
    assert customer.server("far").named_by == "ipv4"
