"""Who answers the world over HTTP on a server, and who answers whom behind it.

An entry that speaks HTTP says where it stands in a chain: the fact ``http_layer``, from 1 (a load balancer)
to 4 (an application server), and ``backend_port``, the loopback port on which it listens behind another one.
The entry of the lowest layer on a server is the front and has the public ports; each asks the next layer's.
One that is also of use without answering anybody has the setting ``application``: false keeps it out.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from managed_server.resolve_server import Chosen

LAYER, PORT, ASKED = "http_layer", "backend_port", "application"
DERIVED = ("http_front", "http_upstream")
"""Facts that an entry with a layer gets: is it the front; the port of the one behind it, 0 without one."""
_NOWHERE = dict(zip(DERIVED, (False, 0), strict=True))


def chained(chosen: Iterable[Chosen]) -> tuple[Chosen, ...]:
    """Return a server's entries, those with a layer knowing their place."""
    entries = tuple(chosen)
    chain = [entry for entry in entries if LAYER in entry.facts and entry.facts.get(ASKED, True)]
    places = {entry.id: _place(entry, chain) for entry in chain}
    return tuple(
        replace(entry, facts={**entry.facts, **places.get(entry.id, _NOWHERE)})
        if LAYER in entry.facts
        else entry
        for entry in entries
    )


def _place(entry: Chosen, chain: list[Chosen]) -> dict[str, Any]:
    own = entry.facts[LAYER]
    behind = sorted((other for other in chain if other.facts[LAYER] > own), key=lambda one: one.facts[LAYER])
    front = all(own <= other.facts[LAYER] for other in chain)
    return dict(zip(DERIVED, (front, behind[0].facts[PORT] if behind else 0), strict=True))
