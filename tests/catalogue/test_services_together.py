"""Memcached, BIND, slapd and OpenVPN beside one another and the rest: `managed check` finds nothing wrong."""

import pytest

from managed_server.reports.check import check_stacks
from managed_server.resolve import load_customer
from tests.stackfile import STACK, write_stack

OURS = ("memcached", "named", "openldap", "openvpn")
ALL = ", ".join(("nginx", "php", "redis", "percona", *OURS))


@pytest.mark.parametrize("debian", [12, 13])
@pytest.mark.parametrize("software", [*OURS, ALL])
def test_nothing_is_wrong(inputs, software, debian):
    text = STACK.replace("[nginx, php]", f"[{software}]").replace(
        "disk_gb: 80", f"disk_gb: 80\n        debian: {debian}"
    )
    write_stack(
        inputs, text if "nginx" in software else text.replace("        sites: [www.acme.example]\n", "")
    )
    found = check_stacks(inputs, ["acme"])
    assert (found.errors, [str(problem) for problem in found.problems]) == (0, [])


@pytest.mark.parametrize(("role", "reach"), [("resolver", "local"), ("authoritative", "world")])
def test_a_name_server_beside_the_servers_own(inputs, role, reach):
    settings = f"        settings: {{named: {{role: {role}}}}}\n"
    write_stack(inputs, STACK.replace("[nginx, php]", "[nginx, named]") + settings)
    server = load_customer(inputs, "acme").server("web1")
    names = {(listen.origin, listen.reach, listen.address) for listen in server.listens if listen.port == 53}
    assert names == {
        ("named", reach, None),
        ("resolver", "local", "127.0.0.53"),
        ("resolver", "local", "127.0.0.54"),
    }
    opened = {rule.network for rule in server.rules if rule.direction == "in" and rule.port == 53}
    assert opened == ({"0.0.0.0/0", "::/0"} if reach == "world" else set())
