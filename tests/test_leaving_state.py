"""The state of a stack whose servers leave: what is theirs, and what is let go."""

import pytest

from managed_server import retire as retires
from managed_server.leaving import State
from tests.leaving_state import STACK_URN, component, custom, forgotten, names, resources


def test_of_a_server_that_leaves_protection_and_entry_go_and_of_no_other():
    state = State("acme", resources())
    assert state.standing(("web",)) == {"web": {"instance_id": "i-1", "address": "192.0.2.1"}}
    assert state.let_go(("web",)) == 1
    assert state.standing(("web", "web-2")).keys() == {"web-2"}
    protected = [each for each in state.resources if each.get("protect")]
    assert names(protected) == ["acme-web-2-instance", "backups"]
    assert state.let_go(("web",)) == 0


def test_its_data_volume_goes_with_it():
    made = resources()
    server = next(each for each in made if each["urn"].endswith("::acme-web"))
    data = {**component("DataVolume", "acme-web-data"), "parent": server["urn"]}
    volume = custom("aws:ebs/volume:Volume", "acme-web-data-volume", data, protect=True)
    state = State("acme", [*made, data, volume])
    assert state.let_go(("web-2",)) == 1
    assert volume["protect"], "of another server"
    assert state.let_go(("web",)) == 2
    assert not volume["protect"]
    assert "acme-web-data-volume" in names(state.remaining(("web",)))
    known = {"instance_id": "i-1", "address": "192.0.2.1", "data_gb": 50.0}
    assert "all that is on it and on its data volume of 50 GB" in retires._given_up("acme", "web", known)


def test_what_remains_of_a_server_is_below_it_or_has_its_tag():
    state = State("acme", resources())
    assert names(state.remaining(("web-2",))) == [
        "acme-web-2-instance",
        "acme-web-2-hub-fragment",
        "acme-delivery-web-2-pointer",
    ]
    state.forget({each["urn"] for each in state.remaining(("web", "web-2"))})
    assert state.remaining(("web", "web-2")) == []


def test_by_its_name_alone_nothing_is_a_servers():
    state = State("acme", resources())
    assert "acme-web-2-instance" not in names(state.remaining(("web",)))
    state.forget({each["urn"] for each in state.remaining(("web",))})
    assert state.remaining(("web",)) == []
    assert names(state.remaining(("web-2",))) != []


@pytest.mark.parametrize(
    ("parts", "known", "said"),
    [
        (
            ("instance", "address"),
            {"instance_id": "acme-web-instance", "address": "192.0.2.7"},
            "(192.0.2.7) is ended: acme-web-instance is destroyed with all that is on it, and its address is",
        ),
        (
            ("instance", "address", "volume"),
            {"instance_id": "acme-web-instance", "address": "192.0.2.7", "data_gb": 50},
            "all that is on it and on its data volume of 50 GB, and its address is let go",
        ),
        (
            ("instance",),
            {"instance_id": "acme-web-instance"},
            "acme-web (no address) is ended: acme-web-instance is destroyed",
        ),
        (
            ("address",),
            {"instance_id": None, "address": "192.0.2.7"},
            "it has no machine, and its address is let go",
        ),
        (
            ("address", "volume"),
            {"instance_id": None, "address": "192.0.2.7", "data_gb": 50},
            "it has no machine, its data volume of 50 GB is destroyed, and its address is let go",
        ),
    ],
)
def test_what_is_still_protected_stands_whatever_the_outputs_say(parts, known, said):
    state = State("acme", forgotten(resources(), "web", *parts))
    assert state.standing(("web", "web-2"))["web"] == known
    assert said in retires._given_up("acme", "web", known)
    state.let_go(("web",))
    assert state.standing(("web",)) == {}, "somebody has agreed to its end"


def test_what_is_forgotten_is_nobodys_dependency():
    made = resources()
    gone = next(each for each in made if each["id" if "id" in each else "urn"] == "acme-web-hub-fragment")
    made[-1]["dependencies"] = [gone["urn"]]
    made[-1]["propertyDependencies"] = {"bucket": [gone["urn"], STACK_URN]}
    state = State("acme", made)
    state.forget({gone["urn"]})
    assert state.resources[-1]["dependencies"] == []
    assert state.resources[-1]["propertyDependencies"] == {"bucket": [STACK_URN]}
    assert names(state.published(("web", "web-2"))) == ["acme-web-2-hub-fragment"]


def test_buckets_that_are_not_emptied_by_themselves():
    assert names(State("acme", resources()).buckets()) == ["backups"]
