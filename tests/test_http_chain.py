"""Who answers the world over HTTP, and who stands behind whom."""

import pytest

from managed_server import spec
from managed_server.http_chain import chained, in_turn
from managed_server.resolve_server import Chosen


def chosen(*layers):
    made = [
        Chosen(f"e{layer}", None, {"http_layer": layer, "backend_port": 8000 + layer}) for layer in layers
    ]
    return (*made, Chosen("other", None, {}))


def places(*layers):
    found = chained(chosen(*layers))
    assert found[-1].facts == {}, "what speaks no HTTP has no place"
    return {entry.id: (entry.facts["http_front"], entry.facts["http_upstream"]) for entry in found[:-1]}


@pytest.mark.parametrize(
    ("layers", "wanted"),
    [
        ((), {}),
        ((3,), {"e3": (True, 0)}),
        ((1, 3), {"e1": (True, 8003), "e3": (False, 0)}),
        ((4, 2, 3, 1), {"e1": (True, 8002), "e2": (False, 8003), "e3": (False, 8004), "e4": (False, 0)}),
    ],
)
def test_each_asks_the_next(layers, wanted):
    assert places(*layers) == wanted


def test_an_application_that_nobody_asked_for_is_no_part_of_it():
    runtime = Chosen("e4", None, {"http_layer": 4, "backend_port": 8004, "application": False})
    found = chained((*chosen(3), runtime))
    assert found[0].facts["http_upstream"] == 0
    assert (found[-1].facts["http_front"], found[-1].facts["http_upstream"]) == (False, 0)
    asked = Chosen("e4", None, {**runtime.facts, "application": True})
    assert chained((*chosen(3), asked))[0].facts["http_upstream"] == 8004
    assert chained([runtime])[0].facts["http_front"] is False


def test_two_of_the_lowest_layer_are_both_in_front():
    """And so they want the same ports, which is refused."""
    assert [entry.facts["http_front"] for entry in chained(chosen(3, 3))[:-1]] == [True, True]


def brought_up(*layers):
    entries = chained(chosen(*layers))
    made = [spec.Unit(f"e{layer}", f"e{layer}.service", "running", reload=True) for layer in layers]
    listens = [
        spec.Listen("e1", port, protocol, "any", "world", "", None, each_address=False)
        for port, protocol in ((443, "tcp"), (80, "tcp"), (443, "udp"))
    ]
    return in_turn([spec.Unit("other", "other.service", "running", reload=False), *made], listens, entries)


def test_the_front_is_brought_up_last_and_knows_from_whom_it_takes_its_ports():
    found = brought_up(1, 3, 4, 2)
    assert [unit.name[:2] for unit in found] == ["ot", "e4", "e3", "e2", "e1"]
    assert (found[-1].ports, found[-1].behind) == ((80, 443), ("e2.service", "e3.service", "e4.service"))
    assert {(unit.ports, unit.behind) for unit in found[:-1]} == {((), ())}


def test_a_front_alone_takes_its_ports_from_nobody():
    assert {(unit.ports, unit.behind) for unit in brought_up(1)} == {((), ())}
