"""The numbers of people's accounts: whoever is new inherits nothing of somebody who left."""

import importlib
import sys

import pytest

from tests.conftest import ROOT


@pytest.fixture
def numbers(monkeypatch):
    """The converge program's own function, as it imports it."""
    monkeypatch.syspath_prepend(str(ROOT / "puppet/converge"))
    yield importlib.import_module("plan").numbers
    sys.modules.pop("plan")


def test_the_first_ones(numbers):
    assert numbers({}, {}, ["alice", "bob"]) == {"alice": 1000, "bob": 1001}


def test_who_is_there_keeps_theirs(numbers):
    """Also one that a bundle from before this was written down has made, or an administrator by hand."""
    assert numbers({}, {"alice": 1003, "hand": 1010}, ["alice", "carol"]) == {
        "alice": 1003,
        "hand": 1010,
        "carol": 1011,
    }
    assert numbers({"alice": 1000}, {"alice": 1005}, ["alice"]) == {"alice": 1005}


def test_nobody_gets_that_of_somebody_who_left(numbers):
    left = numbers({"alice": 1000, "bob": 1001}, {"alice": 1000}, ["alice", "carol"])
    assert left == {"alice": 1000, "bob": 1001, "carol": 1002}


def test_who_comes_back_gets_their_own_again(numbers):
    known = {"alice": 1000, "bob": 1001, "carol": 1002}
    assert numbers(known, {"alice": 1000, "carol": 1002}, ["alice", "bob", "carol"]) == known


def test_unless_somebody_else_has_it(numbers):
    known = {"alice": 1000, "bob": 1001}
    there = {"alice": 1000, "hand": 1001}
    assert numbers(known, there, ["alice", "bob"])["bob"] == 1002
