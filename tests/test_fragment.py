"""Fragments: data that a hub can take from anybody."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from managed_server.fragment import build_fragment, fragment_json
from managed_server.inputs import load_project
from managed_server.model.fragment import Fragment, PlainText, ServerAddress, plain
from managed_server.resolve import resolve_stack

parse_fragment = Fragment.model_validate_json


@pytest.fixture(scope="module")
def customer(root):
    return resolve_stack(load_project(root), "example")[0]


@pytest.fixture(scope="module")
def fragment(customer):
    return build_fragment(customer, customer.servers[0])


@pytest.fixture
def data(fragment):
    return json.loads(fragment_json(fragment))


def test_json_is_deterministic_sorted_and_read_back(fragment, customer):
    again = build_fragment(customer, customer.servers[0])
    assert fragment_json(fragment) == fragment_json(again)
    written = json.loads(fragment_json(fragment))
    assert json.dumps(written) == json.dumps(json.loads(json.dumps(written, sort_keys=True)))
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
        (("objectives", "urgent", "minutes"), 0),
        (("objectives", "urgent", "phone"), "yes"),
        (("objectives", "low"), {"minutes": None, "phone": False, "working_days": None}),
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


def test_objectives_are_those_of_the_contract(fragment, customer):
    agreed = {response.priority.value: response for response in customer.responses}
    for name in type(fragment.objectives).model_fields:
        objective = getattr(fragment.objectives, name)
        wanted = (agreed[name].minutes, agreed[name].working_days, agreed[name].phone)
        assert (objective.minutes, objective.working_days, objective.phone) == wanted
    assert fragment.objectives.urgent.minutes == 15
    assert fragment.objectives.normal.working_days == 1


ACCOUNT = '"account_id": "111122223333"'


@pytest.mark.parametrize(
    "address",
    [
        f'{{"ipv4": "web1", {ACCOUNT}}}',
        f'{{"ipv4": "2001:db8::1", {ACCOUNT}}}',
        f'{{"ipv4": "192.0.2.1", "x": 1, {ACCOUNT}}}',
        '{"ipv4": "192.0.2.1"}',
        '{"ipv4": "192.0.2.1", "account_id": "1/../2"}',
        "{}",
    ],
)
def test_an_address_is_an_address(address):
    with pytest.raises(ValidationError):
        ServerAddress.model_validate_json(address)


def test_an_address_is_read():
    address = ServerAddress.model_validate_json(f'{{"ipv4": "192.0.2.1", {ACCOUNT}}}')
    assert (str(address.ipv4), address.account_id) == ("192.0.2.1", "111122223333")
