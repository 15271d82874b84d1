"""Who answers the world over HTTP on a server, and who answers whom behind it.

An entry that speaks HTTP says where it stands in a chain: the fact ``http_layer``, from 1 (a load balancer)
to 4 (an application server), and ``backend_port``, the loopback port on which it listens behind another one.
The entry of the lowest layer on a server is the front and has the public ports; each asks the next layer's.
"""

from collections.abc import Iterable
from dataclasses import replace

from managed_server.resolve_server import Chosen

LAYER, PORT = "http_layer", "backend_port"
DERIVED = ("http_front", "http_upstream")
"""Facts that an entry with a layer gets: is it the front; the port of the one behind it, 0 without one."""


def chained(chosen: Iterable[Chosen]) -> tuple[Chosen, ...]:
    """Return a server's entries, those with a layer knowing their place."""
    entries = tuple(chosen)
    layers = sorted({entry.facts[LAYER] for entry in entries if LAYER in entry.facts})
    return tuple(_placed(entry, entries, layers) if LAYER in entry.facts else entry for entry in entries)


def _placed(entry: Chosen, entries: tuple[Chosen, ...], layers: list[int]) -> Chosen:
    own = entry.facts[LAYER]
    behind = next((layer for layer in layers if layer > own), 0)
    upstream = next((other.facts[PORT] for other in entries if other.facts.get(LAYER, -1) == behind), 0)
    place = dict(zip(DERIVED, (own == layers[0], upstream), strict=True))
    return replace(entry, facts={**entry.facts, **place})
