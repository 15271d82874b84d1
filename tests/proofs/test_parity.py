"""Security group, the server's own firewall, and what listens: one and the same."""

import dataclasses

import pytest

from managed_server.proofs.packet_filter import opening, parse
from managed_server.proofs.parity import differences
from managed_server.rendering import render_server
from tests.conftest import ROOT
from tests.proofs.conftest import refused

TEMPLATE = "templates/firewall/server/etc/nftables.conf.j2"
PATH = "/etc/nftables.conf"


@pytest.fixture(scope="module")
def rendered(example):
    files = {
        file.path: file.content.decode()
        for file in render_server(ROOT / "templates", example, example.servers[0])
    }
    return files[PATH]


def said(project, customer, server, text):
    return list(differences(project.limits.parity, customer, server, parse(text)))


def test_the_example_has_none(project, example, rendered):
    assert said(project, example, example.servers[0], rendered) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tcp dport 443 accept", "tcp dport 8443 accept", "is closed, and open in the security group"),
        ("policy drop;", "policy accept;", "the chain incoming doesn't drop what no rule opens"),
        (
            "        iif lo accept\n",
            "        iif lo accept\n        tcp dport 9999 accept\n",
            "'tcp dport 9999 accept' lets",
        ),
        (
            "        iif lo accept\n",
            "        iif lo accept\n        jump extra\n",
            "'jump extra' lets something pass",
        ),
        ("chain outgoing", "chain leaving", "has no chain outgoing in the table inet managed"),
        ("        accept\n", "        drop\n", "leaves it to a chain that doesn't let it pass"),
    ],
)
def test_the_firewall_differs(project, example, rendered, old, new, message):
    changed = rendered.replace(old, new, 1)
    assert changed != rendered
    assert any(message in line for line in said(project, example, example.servers[0], changed))


def test_the_security_group_differs(project, example, rendered):
    server = example.servers[0]
    fewer = dataclasses.replace(server, rules=server.rules[1:])
    rule = server.rules[0]
    lines = said(project, example, fewer, rendered)
    assert (
        f"in: {rule.protocol} {rule.port} for {rule.network} is open, and closed by the security group"
        in lines
    )
    assert (
        f"in: something listens on {rule.protocol} {rule.port} for {rule.network}, and it is closed" in lines
    )


def test_nothing_listens(project, example, rendered):
    server = example.servers[0]
    silent = dataclasses.replace(server, listens=tuple(i for i in server.listens if i.port != 443))
    assert "in: tcp 443 is open for 0.0.0.0/0, and nothing listens there for it" in said(
        project, example, silent, rendered
    )


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("ip saddr 192.0.2.0/28 tcp dport 22 accept", ("tcp", 22, "192.0.2.0/28", None)),
        ("ip6 saddr 2001:db8::/32 udp dport 53 jump x", ("udp", 53, "2001:db8::/32", "x")),
        ("meta nfproto ipv6 tcp dport 80 accept", ("tcp", 80, "::/0", None)),
        ("ip saddr @peer-db1 tcp dport 3306 accept", ("tcp", 3306, "@peer-db1", None)),
        ("ip daddr 192.0.2.1 tcp dport 22 accept", None),
        ("tcp dport 22 accept", None),
        ("ip saddr 192.0.2.1 tcp dport 22 drop", None),
    ],
)
def test_statements(statement, found):
    opened = opening(statement, "saddr")
    assert (opened and dataclasses.astuple(opened)) == found


@pytest.mark.parametrize("text", ["table inet a {", "}", "table inet a {\n counter x\n}\n"])
def test_what_is_not_understood_is_refused(text):
    with pytest.raises(ValueError, match="isn't"):
        parse(text) if text != "}" else parse("table inet a {\n chain b {\n}\n isn't\n}")


def test_check_refuses_a_port_that_the_template_opens_by_itself(change):
    done = change(TEMPLATE, "        udp sport 67", "        tcp dport 8080 accept\n        udp sport 67")
    refused(
        done,
        f"{TEMPLATE}: {PATH}: 'tcp dport 8080 accept' lets something pass that no rule of the "
        "security group does",
    )


def test_check_refuses_a_rule_that_the_template_leaves_out(change):
    done = change(
        TEMPLATE,
        'for rule in server.rules if rule.direction == "in"',
        'for rule in server.rules if rule.direction == "in" and rule.port != 5666',
    )
    refused(
        done,
        f"{TEMPLATE}: {PATH}: in: tcp 5666 for 198.51.100.10/32 is closed, and open in the security group",
    )


def test_check_holds_peers_as_well(inputs, change):
    """Two servers that reach each other: what is open by group in AWS is open by set on the machine."""
    stack = inputs / "stacks/Pulumi.example.yaml"
    text = stack.read_text()
    web = text[text.index("      web1:\n") :].split("\n\n")[0]
    db = """
      db1:
        instance_type: t3.large
        disk_gb: 80
        software: [percona]
        peers: [web1]
"""
    stack.write_text(text.replace(web, web + "\n" + db))
    assert change("provider.yaml", "name: Example Hosting", "name: Example Hosts").returncode == 0
    done = change(TEMPLATE, "ip {{ side }} @peer-{{ rule.peer }} ", "ip {{ side }} 10.80.0.0/24 ")
    refused(
        done, f"{TEMPLATE}: {PATH}: in: tcp 3306 for @peer-web1 is closed, and open in the security group"
    )
