"""What can't be on one server: each contradiction is found, and named."""

import dataclasses

import pytest

from managed_server.model.contract import Priority
from managed_server.resolve import load_customer
from managed_server.server_checks import contradictions
from tests.stackfile import write_stack

TERMS = {Priority.URGENT: 15, Priority.HIGH: 60, Priority.NORMAL: None, Priority.LOW: None}


@pytest.fixture
def server(inputs):
    write_stack(inputs)
    return load_customer(inputs, "acme").server("web1")


def test_the_example_has_none(server):
    assert list(contradictions(server, TERMS)) == []


def test_slow_detection(server):
    """An objective agreed with one customer may be too short for the catalogue's periods."""
    said = list(contradictions(server, {**TERMS, Priority.URGENT: 4}))
    urgent = [check.name for check in server.checks if check.priority is Priority.URGENT]
    assert urgent
    assert {name for name in urgent if any(line.startswith(f"{name} takes up to ") for line in said)}


def test_detection_is_the_sum_of_its_parts(server):
    check = dataclasses.replace(server.checks[0], interval_s=60, retry_s=15, attempts=3, timeout_s=10)
    assert check.detection_s == 60 + 2 * 15 + 10
    alarm = dataclasses.replace(server.alarms[0], period_s=60, evaluate=2, delay_s=75)
    assert alarm.detection_s == 180 + 75


def test_a_path_written_twice(server):
    other = dataclasses.replace(server.files[0], origin="other")
    twice = dataclasses.replace(server, files=(*server.files, other))
    assert list(contradictions(twice, TERMS)) == [
        f"other and {server.files[0].origin} both have {server.files[0].path}"
    ]


def test_an_unknown_unit(server):
    file = dataclasses.replace(server.files[0], notify=("gone.service",))
    changed = dataclasses.replace(server, files=(file, *server.files[1:]))
    assert f"{file.path} notifies gone.service, which is no unit of the server" in list(
        contradictions(changed, TERMS)
    )


def test_two_sockets_of_one_port(server):
    clash = dataclasses.replace(server.listens[0], origin="other")
    changed = dataclasses.replace(server, listens=(*server.listens, clash))
    assert any("both listen on" in line and "other" in line for line in contradictions(changed, TERMS))


def test_two_sockets_of_one_port_on_addresses_of_their_own(server):
    """What binds the interfaces' addresses one by one, or another loopback address, is in nobody's way."""
    [own, *_] = [listen for listen in server.listens if listen.address]

    def said(**other):
        more = dataclasses.replace(own, origin="other", **other)
        changed = dataclasses.replace(server, listens=(*server.listens, more))
        return [line for line in contradictions(changed, TERMS) if "both listen on" in line]

    assert said(address="127.0.0.99") == []
    assert said(address=None, bind="any", each_address=True) == []
    assert len(said(address=None, bind="any")) == 1  # the wildcard address holds all of them
    assert len(said()) == 1
