"""No active response can hit an administrator, the hub, or the machine itself."""

import pytest

from managed_server.proofs.lockout import not_exempt, protected, reachable_by_blocks
from managed_server.proofs.packet_filter import parse
from managed_server.rendering import render_server
from tests.conftest import ROOT
from tests.proofs.conftest import refused

FILTER = "templates/firewall/server/etc/nftables.conf.j2"
MANAGER = "templates/ossec-manager/server/var/ossec/etc/ossec.conf.j2"


def rendered(customer, path):
    [server] = customer.servers
    return {file.path: file.content.decode() for file in render_server(ROOT / "templates", customer, server)}[
        path
    ]


def test_whom_nothing_may_block(example):
    assert {"192.0.2.0/28", "203.0.113.0/28", "198.51.100.10", "2001:db8:200::10"} <= set(protected(example))


def test_the_example_and_the_hub_are_safe(project, example, hub):
    limits = project.limits.lockout
    for customer in (example, hub):
        text = rendered(customer, limits.blocks.path)
        assert list(reachable_by_blocks(limits, customer, parse(text))) == []
    assert list(not_exempt(limits.manager, hub, rendered(hub, limits.manager.path))) == []


@pytest.mark.parametrize("name", ["192.0.2.0/28", "2001:db8:100::/56", "198.51.100.10"])
def test_a_network_that_is_not_let_pass(project, example, name):
    text = rendered(example, "/etc/nftables.conf")
    head, tail = text[: text.index("table inet blocks")], text[text.index("table inet blocks") :]
    assert f" saddr {name} accept" in tail
    found = list(
        reachable_by_blocks(
            project.limits.lockout,
            example,
            parse(head + tail.replace(f" saddr {name} accept", " saddr 192.0.2.99 accept")),
        )
    )
    assert [line for line in found if name in line]


def test_letting_pass_after_the_drop_is_too_late(project, example):
    text = rendered(example, "/etc/nftables.conf")
    late = text.replace("        ip saddr @ipv4 drop\n", "").replace(
        "        iif lo accept\n        ip", "        ip saddr @ipv4 drop\n        iif lo accept\n        ip"
    )
    assert late != text
    found = list(reachable_by_blocks(project.limits.lockout, example, parse(late)))
    assert any("the machine itself" in line for line in found)
    assert any("198.51.100.10" in line for line in found)


def test_a_wider_network_covers_a_narrower_one(project, example):
    text = rendered(example, "/etc/nftables.conf").replace(
        "saddr 192.0.2.0/28 accept", "saddr 192.0.2.0/24 accept"
    )
    assert list(reachable_by_blocks(project.limits.lockout, example, parse(text))) == []


def test_check_refuses_blocks_that_hit_the_hub(change):
    done = change(FILTER, "{% for address in hub.addresses %}", "{% for address in hub.addresses if false %}")
    refused(
        done,
        f"{FILTER}: /etc/nftables.conf: a block can hit 198.51.100.10: the table inet blocks must let "
        "it pass",
    )


def test_check_refuses_blocks_that_hit_the_machine_itself(change):
    done = change(FILTER, "from itself.\n        iif lo accept\n", "from itself.\n")
    refused(done, f"{FILTER}: /etc/nftables.conf: a block can hit the machine itself")


def test_check_refuses_a_manager_that_exempts_nobody(change):
    done = change(
        MANAGER,
        "{% for network in customer.admin_networks %}",
        "{% for network in customer.admin_networks[1:] %}",
    )
    refused(done, f"{MANAGER}: /var/ossec/etc/ossec.conf: an active response can hit ")
