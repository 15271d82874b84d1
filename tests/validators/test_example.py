"""Every file of the example passes its own program's validator, in a tree of the same Debian release."""

import re

import pytest

from managed_server.bundle import build
from managed_server.inputs import load_project
from managed_server.resolve import resolve_stack
from tests import trees
from tests.conftest import copy_inputs
from tests.stackfile import STACK, write_stack

from .server import validate_server

pytestmark = pytest.mark.machine


def findings_of(customer, server, templates):
    """Install what the bundle says into the tree, and judge it."""
    bundle = build(templates, customer, server)
    return validate_server(
        trees.tree(server.debian, hub=customer.runs_hub is not None),
        {file.path: (file.content, file.owner, file.group, int(file.mode, 8)) for file in bundle.files},
        links={link.path: link.target for link in server.links},
        absent=[gone.path for gone in server.removed],
        users=[*(user.name for user in customer.users), "ossec"],
        hostname=server.host_name,
    )


def bad(findings):
    return [f"{f.path}: {f.validator}: {f.output}" for f in findings if not f.ok]


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        ("example", {"nftables", "sshd", "nginx", "php-fpm", "nrpe"}),
        ("hub", {"nftables", "nagios", "apache", "munin-hub", "ossec-options", "jinja", "python-module"}),
    ],
)
def test_stacks(root, stack, expected):
    customer, _ = resolve_stack(load_project(root), stack)
    for server in customer.servers:
        findings = findings_of(customer, server, root / "templates")
        assert bad(findings) == []
        programs = {finding.validator for finding in findings}
        assert expected <= programs, sorted(programs)


@pytest.mark.parametrize(
    ("what", "instance", "settings"),
    [
        (
            "a small server, without the scanner's daemon",
            "t3.small",
            "{php: {pm: ondemand}, ssh: {tcp_forwarding: false}}",
        ),
        (
            "the other pool",
            "m7i.xlarge",
            "{php: {pm: static, pm_max_children: 2}, nginx: {client_max_body_mb: 1}}",
        ),
    ],
)
def test_other_choices(tmp_path, what, instance, settings):
    inputs = copy_inputs(tmp_path / "inputs")
    text = STACK.replace("t3.large", instance).replace(
        "        sites:", f"        settings: {settings}\n        sites:"
    )
    write_stack(inputs, text)
    customer, _ = resolve_stack(load_project(inputs), "acme")
    assert bad(findings_of(customer, customer.server("web1"), inputs / "templates")) == [], what


def test_a_broken_template_is_found(tmp_path):
    """The validators judge what is rendered: a fault in each program's file shows."""
    inputs = copy_inputs(tmp_path / "inputs")
    faults = {
        "nginx/server/etc/nginx/conf.d/status.conf.j2": "stub_statuss on;\n",
        "php/server/etc/php/fpm/pool.d/www.conf.j2": "pm.nonsense = 1\n",
        "firewall/server/etc/nftables.conf.j2": "table inet x { chain y { fwd } }\n",
        "ssh/server/etc/ssh/sshd_config.d/10-managed.conf.j2": "PermitRootLogins no\n",
        "users/server/etc/sudoers.d/managed-admins.j2": "ALL ALL=(ALL\n",
    }
    for name, fault in faults.items():
        path = inputs / "templates" / name
        path.write_text(path.read_text() + fault)
    write_stack(inputs)
    customer, _ = resolve_stack(load_project(inputs), "acme")
    found = " ".join(
        f.path for f in findings_of(customer, customer.server("web1"), inputs / "templates") if not f.ok
    )
    for name in faults:
        path = re.sub(r"^[a-z]+/server|\.j2$", "", name).replace("/etc/php/fpm", "/etc/php/8.4/fpm")
        assert path in found


def test_a_data_volume(tmp_path):
    """Its units are judged together: mounts, what comes before them, and what waits for them."""
    inputs = copy_inputs(tmp_path / "inputs")
    text = STACK.replace("disk_gb: 80", "disk_gb: 80\n        data_gb: 50")
    write_stack(inputs, text.replace("[nginx, php]", "[nginx, php, redis, openldap]"))
    customer, _ = resolve_stack(load_project(inputs), "acme")
    findings = findings_of(customer, customer.server("web1"), inputs / "templates")
    assert bad(findings) == []
    units = {f.path.rpartition("/")[2] for f in findings if f.validator == "systemd-unit"}
    assert {"srv-data.mount", r"var-lib-ldap\x2ddumps.mount", "managed-data-volume.service"} <= units
