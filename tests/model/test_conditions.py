"""Conditions of the catalogue: each asks for one thing, and all that are given must hold."""

import dataclasses

import pytest

from managed_server.model.conditions import Circumstances, When

HERE = Circumstances(
    memory_mb=2048,
    hosting="aws",
    burstable=True,
    data_volume=True,
    software=("nginx",),
    dumps=("mysql",),
    peers=("web1",),
    reaches=(),
    facts={"behind_proxy": True, "port": 8080},
)
FIRST, SECOND = (
    {
        "memory_mb_min": 2048, "memory_mb_max": 2048, "hosting": "aws", "burstable": True,
        "data_volume": True,
        "with_software": "nginx", "without_software": "php", "with_dump": "mysql", "peers": True,
        "linked": True, "facts": {"behind_proxy": True, "port": 8080},
    },
    {
        "memory_mb_min": 2049, "memory_mb_max": 2047, "hosting": "elsewhere", "burstable": False,
        "data_volume": False,
        "with_software": "php", "without_software": "nginx", "with_dump": "ldap", "peers": False,
        "linked": False, "facts": {"behind_proxy": True, "port": 80},
    },
)  # fmt: skip


def test_all_conditions_are_tried():
    assert set(FIRST) == set(SECOND) == set(When.model_fields)


@pytest.mark.parametrize("name", FIRST)
def test_each_holds_or_not(name):
    assert When.model_validate({name: FIRST[name]}).holds(HERE)
    assert not When.model_validate({name: SECOND[name]}).holds(HERE)


def test_all_must_hold():
    assert When().holds(HERE)
    assert When.model_validate(FIRST).holds(HERE)
    assert not When.model_validate({**FIRST, "hosting": "elsewhere"}).holds(HERE)


def test_a_peer_of_another_server_is_linked():
    there = dataclasses.replace(HERE, peers=(), reaches=("db1",))
    assert When(linked=True).holds(there)
    assert not When(peers=True).holds(there)
