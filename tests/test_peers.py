"""Servers of one customer that reach one another: from one line of the stack file to both servers' rules."""

import pytest

from managed_server.inputs import load_project
from managed_server.problems import InputError
from managed_server.proven import proven
from managed_server.rendering import render_server
from managed_server.resolve import load_customer
from tests.stackfile import STACK, write_stack

DATABASE = """\
      db1:
        instance_type: t3.large
        disk_gb: 80
        software: [percona]
        peers: [web1]
"""


@pytest.fixture
def resolve(inputs):
    def resolve(more=DATABASE):
        write_stack(inputs, STACK + more)
        return load_customer(inputs, "acme")

    return resolve


def rules(server):
    return {(r.direction, r.protocol, r.port, r.peer) for r in server.rules if r.peer}


def test_both_servers_get_the_rule(resolve):
    customer = resolve()
    assert rules(customer.server("db1")) == {("in", "tcp", 3306, "web1")}
    assert rules(customer.server("web1")) == {("out", "tcp", 3306, "db1")}
    assert [r.key for r in customer.server("db1").rules if r.peer] == ["in-tcp-3306-server-web1"]
    assert customer.server("web1").linked == ("db1",)
    for server in customer.servers:
        assert any(entry.id == "peers" for entry in server.entries)


def test_without_peers_it_listens_on_loopback(resolve):
    customer = resolve(DATABASE.replace("        peers: [web1]\n", ""))
    server = customer.server("db1")
    [listen] = [listen for listen in server.listens if listen.port == 3306]
    assert (listen.bind, listen.reach) == ("loopback", "local")
    assert not any(entry.id == "peers" for entry in server.entries)
    assert rules(server) == rules(customer.server("web1")) == set()


def test_the_machine_knows_them_by_sets(resolve, inputs):
    customer = resolve()

    def text(name, path):
        files = render_server(inputs / "templates", customer, customer.server(name))
        return next(file.content.decode() for file in files if file.path == path)

    assert "set peer-web1 {" in text("db1", "/etc/nftables.conf")
    assert "ip saddr @peer-web1 tcp dport 3306 accept" in text("db1", "/etc/nftables.conf")
    assert "ip daddr @peer-db1 tcp dport 3306 accept" in text("web1", "/etc/nftables.conf")
    assert "bind-address               = 0.0.0.0" in text("db1", "/etc/mysql/conf.d/managed.cnf")


@pytest.mark.parametrize(
    ("peers", "said"),
    [
        ("[wbe1]", "servers.db1.peers[0]: 'wbe1' is no server of this stack file; did you mean web1?"),
        ("[db1]", "servers.db1.peers[0]: is the server itself; name other servers of this customer"),
        ("[web1, web1]", "servers.db1.peers[1]: 'web1' is listed twice"),
    ],
)
def test_a_wrong_peer_is_refused(resolve, peers, said):
    with pytest.raises(InputError) as caught:
        resolve(DATABASE.replace("[web1]", peers))
    assert any(said in str(problem) for problem in caught.value.problems), caught.value.problems


def test_peers_of_nothing_are_refused(resolve):
    with pytest.raises(InputError) as caught:
        resolve(DATABASE.replace("[percona]", "[nginx]"))
    assert any("no software of the server offers anything to peers" in str(p) for p in caught.value.problems)


BALANCER = """\
      lb1:
        instance_type: t3.large
        disk_gb: 80
        software: [haproxy]
"""
BEHIND = "        sites: [www.acme.example]\n"


def behind(names="[lb1]", text=STACK):
    return text.replace(BEHIND, f"{BEHIND}        behind: {names}\n")


def test_a_server_behind_another_one_learns_where_it_is_and_opens_nothing_for_it(inputs):
    write_stack(inputs, STACK + BALANCER)
    before = load_customer(inputs, "acme").server("web1")
    write_stack(inputs, behind() + BALANCER)
    server = load_customer(inputs, "acme").server("web1")
    assert (server.behind, server.linked) == (("lb1",), ("lb1",))
    assert server.forwarders == ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
    assert server.rules == before.rules
    assert before.forwarders == ()
    assert any(entry.id == "peers" for entry in server.entries)


def test_elsewhere_its_one_address_is_believed(inputs):
    keys = ("hosting: elsewhere", "address: 198.51.100.{0}", "private_address: 10.1.2.{0}")
    machine = "machine: {{vcpus: 2, memory_mb: 4096}}"
    far = "".join(f"        {line}\n" for line in (*keys, machine))
    text = (behind() + BALANCER).replace("        instance_type: t3.large\n", far.format(7), 1)
    text = text.replace("        instance_type: t3.large\n", far.format(8), 1)
    write_stack(inputs, text)
    assert load_customer(inputs, "acme").server("web1").forwarders == ("10.1.2.8/32",)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("[lb2]", "servers.web1.behind[0]: 'lb2' is no server of this stack file; did you mean lb1?"),
        ("[web1]", "servers.web1.behind[0]: is the server itself; name other servers of this customer"),
    ],
)
def test_what_it_cant_be_behind_is_refused(inputs, names, said):
    write_stack(inputs, behind(names) + BALANCER)
    with pytest.raises(InputError) as caught:
        load_customer(inputs, "acme")
    assert any(said in str(problem) for problem in caught.value.problems), caught.value.problems


def test_what_answers_no_web_requests_is_behind_nobody(inputs):
    write_stack(inputs, behind(text=STACK.replace("[nginx, php]", "[redis]")) + BALANCER)
    with pytest.raises(InputError) as caught:
        load_customer(inputs, "acme")
    assert any("no software of the server answers web requests" in str(p) for p in caught.value.problems)


@pytest.mark.parametrize("text", [STACK + DATABASE, behind() + BALANCER])
def test_what_is_rendered_is_proven(inputs, text):
    write_stack(inputs, text)
    assert len(proven(load_project(inputs), "acme")[1]) == len(load_customer(inputs, "acme").servers)
