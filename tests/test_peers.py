"""Servers of one customer that reach one another: from one line of the stack file to both servers' rules."""

import pytest

from managed_server.problems import InputError
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
