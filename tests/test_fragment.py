"""Fragments: data that a hub can take from anybody, and the hub's files that are made of it."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from managed_server.fragment import (
    NAGIOS,
    build_fragment,
    fragment_json,
    parse_address,
    parse_fragment,
    render_hub,
    render_hub_base,
)
from managed_server.inputs import load_project
from managed_server.local.debian.tree import ensure_tree
from managed_server.model.fragment import PlainText, plain
from managed_server.resolve import resolve_stack
from tests.validators.server import validate_server


@pytest.fixture(scope="module")
def customer(root):
    return resolve_stack(load_project(root), "example")[0]


@pytest.fixture(scope="module")
def fragment(customer):
    return build_fragment(customer, customer.servers[0])


@pytest.fixture
def data(fragment):
    return json.loads(fragment_json(fragment))


def hub(root, *fragments, without=()):
    addresses = {
        item.host: parse_address(f'{{"ipv4": "203.0.113.{index + 1}"}}')
        for index, item in enumerate(fragments)
        if item.host not in without
    }
    return render_hub(root / "templates", fragments, addresses)


def text(files, path):
    return next(file.content.decode() for file in files if file.path == path)


def other(data, customer_id, server):
    name = f"{customer_id}-{server}"
    data = {**data, "server": server, "host": name, "munin_node": name, "ossec_agent": name}
    return parse_fragment(json.dumps({**data, "customer": {"id": customer_id, "name": "Other Ltd"}}))


def test_json_is_deterministic_sorted_and_read_back(fragment, customer):
    again = build_fragment(customer, customer.servers[0])
    assert fragment_json(fragment) == fragment_json(again)
    assert json.loads(fragment.model_dump_json()) == json.loads(fragment_json(fragment))
    shuffled = json.dumps(json.loads(fragment_json(fragment)), sort_keys=True)
    assert fragment.model_dump_json() == json.dumps(
        json.loads(shuffled), separators=(",", ":"), ensure_ascii=False
    )
    assert parse_fragment(fragment_json(fragment)) == fragment
    assert json.loads(fragment_json(fragment))["schema"] == 1


def test_every_check_and_software_of_the_server_is_in_it(fragment, customer):
    server = customer.servers[0]
    assert {check.nrpe_command for check in fragment.checks} == {
        check.nrpe_command for check in server.checks
    }
    assert [group.id for group in fragment.hostgroups] == list(server.software)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), 2),
        (("host",), "other-web1"),
        (("ossec_agent",), "example-web2"),
        (("munin_node",), "example-web1;address"),
        (("customer", "id"), "Example"),
        (("customer", "name"), "Example; Ltd"),
        (("customer", "name"), "Example\n}\ndefine command {"),
        (("customer", "name"), "$USER1$"),
        (("contacts", 0, "email"), "a@b.example, c@d.example"),
        (("contacts", 0, "email"), "|touch /tmp/x@b.example"),
        (("checks", 0, "nrpe_command"), "check_load -a x"),
        (("checks", 0, "nrpe_command"), "check_load!x"),
        (("checks", 0, "name"), "a;b"),
        (("checks", 0, "runbook"), "../../etc"),
        (("checks", 0, "priority"), "low"),
        (("checks", 0, "interval_s"), 1),
        (("checks", 0, "interval_s"), "60"),
        (("checks", 0, "timeout_s"), 3600),
        (("checks", 0, "description"), "a\\"),
        (("checks", 0, "command_line"), "/bin/sh"),
        (("hostgroups", 0, "id"), "a,b"),
        (("maintenance", "time"), "25:00"),
        (("checks",), []),
    ],
)
def test_what_is_not_plain_data_is_refused(data, path, value):
    *parents, last = path
    place = data
    for step in parents:
        place = place[step]
    place[last] = value
    with pytest.raises(ValidationError):
        parse_fragment(json.dumps(data))


def test_a_name_twice_is_refused(data):
    data["checks"].append(data["checks"][0])
    with pytest.raises(ValidationError, match="twice"):
        parse_fragment(json.dumps(data))


@given(st.text(max_size=400))
def test_plain_text_is_what_the_schema_accepts(value):
    cleaned = plain(value)
    assert plain(cleaned) == cleaned
    if cleaned:
        TypeAdapter(PlainText).validate_python(cleaned)
    assert not set(cleaned) & set("\n\r;!$`\\\"'<>&|")


def test_names_with_meaning_are_made_plain_on_the_way(customer):
    odd = replace(customer, name="Bob's Shop & Co; $USER1$\u2028x")
    assert build_fragment(odd, odd.servers[0]).customer.name == "Bob\u2019s Shop + Co USER1 x"


@pytest.mark.parametrize(
    "address", ['{"ipv4": "web1"}', '{"ipv4": "2001:db8::1"}', '{"ipv4": "192.0.2.1", "x": 1}', "{}"]
)
def test_an_address_is_an_address(address):
    with pytest.raises(ValidationError):
        parse_address(address)


def test_hub_files_of_two_customers(root, fragment, data):
    files = hub(root, fragment, other(data, "acme", "db")).files
    assert {file.path for file in files} == {
        "/etc/managed-server/hub/ossec-agents.json",
        "/etc/munin/munin-conf.d/acme-db.conf",
        "/etc/munin/munin-conf.d/example-web1.conf",
        f"{NAGIOS}/customers.cfg",
        f"{NAGIOS}/hostgroups.cfg",
        f"{NAGIOS}/hosts/acme-db.cfg",
        f"{NAGIOS}/hosts/example-web1.cfg",
    }
    host = text(files, f"{NAGIOS}/hosts/example-web1.cfg")
    assert host.count("define service {") == len(fragment.checks)
    assert "    address             203.0.113.1\n" in host
    assert text(files, f"{NAGIOS}/hostgroups.cfg").count("define hostgroup") == len(fragment.hostgroups)
    assert text(files, "/etc/munin/munin-conf.d/acme-db.conf").endswith(
        "[acme;acme-db]\n    address 203.0.113.2\n    use_node_name yes\n"
    )
    agents = json.loads(text(files, "/etc/managed-server/hub/ossec-agents.json"))["agents"]
    assert agents == [{"from": "any", "name": "acme-db"}, {"from": "any", "name": "example-web1"}]


def test_the_order_of_fragments_changes_nothing(root, fragment, data):
    second = other(data, "acme", "db")
    addresses = {item.host: parse_address('{"ipv4": "203.0.113.1"}') for item in (fragment, second)}
    assert render_hub(root / "templates", [fragment, second], addresses) == render_hub(
        root / "templates", [second, fragment], addresses
    )


def test_periods_are_the_checks_own(root, fragment):
    host = text(hub(root, fragment).files, f"{NAGIOS}/hosts/example-web1.cfg")
    urgent = next(check for check in fragment.checks if check.priority == "urgent")
    block = next(
        part for part in host.split("define service") if f"service_description {urgent.name}\n" in part
    )
    assert f"check_interval      {urgent.interval_s / 60:g}\n" in block
    assert f"retry_interval      {urgent.retry_s / 60:g}\n" in block
    assert f"managed-nrpe!{urgent.nrpe_command}!{urgent.timeout_s}\n" in block
    assert f"notes_url           /runbooks/{urgent.runbook}\n" in block


def test_a_server_without_an_address_waits_and_stops_nobody(root, fragment, data):
    result = hub(root, fragment, other(data, "acme", "db"), without={"acme-db"})
    assert result.waiting == ("acme-db",)
    assert not [file for file in result.files if "acme" in file.path or b"acme" in file.content]


def test_two_servers_of_one_name_are_refused(root, data):
    with pytest.raises(ValueError, match="'aa-b-c' is the name of two servers"):
        hub(root, other(data, "aa-b", "c"), other(data, "aa", "b-c"))


def test_pages_go_out_around_the_clock_and_repeated_outages_too(root, customer):
    base = text(render_hub_base(root / "templates", customer.provider), f"{NAGIOS}/base.cfg")
    assert "workhours" not in base
    for name in ("managed-urgent", "managed-high"):
        block = next(
            part for part in base.split("define service") if f"name                   {name}\n" in part
        )
        assert "flap_detection_enabled 0" in block
    assert base.count("notification_period          24x7") >= 2
    assert customer.provider.page_email in base


def test_no_macro_of_a_server_reaches_a_shell(root, customer):
    base = text(render_hub_base(root / "templates", customer.provider), f"{NAGIOS}/base.cfg")
    lines = [line for line in base.splitlines() if "command_line" in line]
    assert len(lines) == 4
    for line in lines:
        assert "OUTPUT$" not in line
        assert "notify" not in line or "$" not in line


@pytest.mark.machine
def test_nagios_and_munin_accept_the_hubs_files(root, fragment, data, customer, pytestconfig):
    reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")
    tree = ensure_tree(
        13,
        ["monitoring-plugins-basic", "munin", "nagios4-core", "python3"],
        reporter.write_line if reporter else print,
    )
    rendered = (
        *hub(root, fragment, other(data, "acme", "db")).files,
        *render_hub_base(root / "templates", customer.provider),
    )
    files = {file.path: (file.content, file.owner, file.group, int(file.mode, 8)) for file in rendered}
    findings = validate_server(tree, files, hostname="hub")
    assert [finding for finding in findings if not finding.ok] == []
    assert {"nagios", "munin-hub", "json", "python"} <= {finding.validator for finding in findings}
    broken = f"{NAGIOS}/hosts/acme-db.cfg"
    files[broken] = (files[broken][0].replace(b"managed-normal", b"managed-unknown"), "root", "root", 0o644)
    assert any(not finding.ok and finding.validator == "nagios" for finding in validate_server(tree, files))
