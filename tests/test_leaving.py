"""Servers and customers that leave, as their stack file says: what is checked, told and built of them."""

import datetime
from dataclasses import replace

import pytest

from managed_server.inputs import load_project
from managed_server.problems import InputError
from managed_server.project import Project
from managed_server.reports.show import customer_data
from managed_server.reports.show_text import print_customer
from managed_server.resolve import resolve_stack
from tests.conftest import ROOT
from tests.stackfile import STACK, write_stack

TWO = (
    STACK
    + """\
      db1:
        instance_type: t3.large
        disk_gb: 80
        software: [redis]
        peers: [web1]
"""
)
RETIRE = "        retire: true\n"


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project(ROOT)


def resolved(project, inputs, text):
    write_stack(inputs, text)
    return resolve_stack(in_copy(project, inputs), "acme")


def in_copy(project, inputs):
    return replace(project, drafts=inputs)


def test_a_server_that_leaves_is_checked_told_and_built_no_more(project, inputs):
    customer, warnings = resolved(project, inputs, TWO + RETIRE)
    assert [server.name for server in customer.servers] == ["web1"]
    assert (customer.retiring, customer.retires) == (("db1",), False)
    assert customer.server("web1").linked == (), "nobody is told of it any more"
    [told] = [w.message for w in warnings if w.path == "servers.db1"]
    assert told == "is to be no more: `managed retire acme db1` sees to it"
    with pytest.raises(InputError, match="unknown software 'ngnix'"):
        resolved(project, inputs, (TWO + RETIRE).replace("redis", "ngnix"))


def test_show_says_what_leaves(project, inputs, capsys):
    write_stack(inputs, TWO + RETIRE)
    today = datetime.date(2027, 1, 15)
    found = customer_data(project, resolve_stack(in_copy(project, inputs), "acme", today)[0], today)
    assert [server["name"] for server in found["servers"]] == ["web1"]
    print_customer(found)
    assert "retiring    db1: not charged any more" in capsys.readouterr().out


def test_a_peer_that_leaves_is_taken_out_by_hand(project, inputs):
    leaving = TWO.replace("    servers:\n      web1:\n", f"    servers:\n      web1:\n{RETIRE}")
    with pytest.raises(InputError, match=r"servers.db1.peers\[0\]: 'web1' is to be retired; take it out"):
        resolved(project, inputs, leaving)


def test_a_customer_that_leaves_has_no_server_left(project, inputs):
    customer, warnings = resolved(project, inputs, TWO + "    retire: true\n")
    assert customer.servers == ()
    assert (customer.retiring, customer.retires) == (("db1", "web1"), True)
    assert {w.message for w in warnings} == {"is to be no more: `managed retire acme` sees to it"}


def test_a_day_for_another_size_that_is_over_is_told(project, inputs):
    text = TWO.replace("        disk_gb: 80\n", '        disk_gb: 80\n        resize: "2020-01-01"\n', 1)
    _, warnings = resolved(project, inputs, text)
    assert [str(w).rpartition(": ")[2] for w in warnings if "resize" in w.path] == [
        "2020-01-01 is over; take it out"
    ]
