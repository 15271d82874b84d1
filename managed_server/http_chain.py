"""Who answers the world over HTTP on a server, and who answers whom behind it.

An entry that speaks HTTP says where it stands in a chain: the fact ``http_layer``, from 1 (a load balancer)
to 4 (an application server), and ``backend_port``, the loopback port on which it listens behind another one.
The entry of the lowest layer on a server is the front and has the public ports; each asks the next layer's.
One that is also of use without answering anybody has the setting ``application``: false keeps it out.
Where several could answer the one before them, the stack file's ``served_by`` says which does. Software whose
pages a web server serves by FastCGI is such a choice as well: only one can have what is no file.

Who comes in front takes the public ports from who had them: units are started and reloaded from the back to
the front, and the front's are told for whose ports they wait (puppet/take-ports).
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

from managed_server import spec
from managed_server.resolve_server import Chosen

LAYER, PORT, ASKED = "http_layer", "backend_port", "application"
PAGES, WEB_SERVER = "fastcgi_index", 3
"""What answers for pages that are no file, without a layer of its own, and the layer that serves it."""
DERIVED = ("http_front", "http_upstream", "http_asks")
"""What an entry with a layer is told: is it the front; port and id of the one behind it, or 0 and nothing."""
_FARTHEST = 5
_NOWHERE = dict(zip(DERIVED, (False, 0, ""), strict=True))


def chained(chosen: Iterable[Chosen], served_by: Collection[str] = ()) -> tuple[Chosen, ...]:
    """Return a server's entries, those with a layer knowing their place."""
    entries = tuple(chosen)
    places = {entry.id: _place(entry, entries, served_by) for entry in _chain(entries)}
    return tuple(
        replace(entry, facts={**entry.facts, **places.get(entry.id, _NOWHERE)})
        if LAYER in entry.facts
        else entry
        for entry in entries
    )


def in_turn(
    units: Iterable[spec.Unit], listens: Iterable[spec.Listen], chosen: Iterable[Chosen]
) -> tuple[spec.Unit, ...]:
    """Return a server's units in the order in which they are brought up: the front comes last."""
    chain = {entry.id: entry.facts for entry in _chain(chosen)}

    def turn(unit: spec.Unit) -> tuple[int, str]:
        return (-chain[unit.origin][LAYER] if unit.origin in chain else -_FARTHEST, unit.name)

    ordered = sorted(units, key=turn)
    fronts = {origin for origin, facts in chain.items() if facts[DERIVED[0]]}
    behind = tuple(unit.name for unit in reversed(ordered) if unit.origin in chain.keys() - fronts)
    ports = {
        origin: tuple(sorted({it.port for it in listens if (it.origin, it.protocol) == (origin, "tcp")}))
        for origin in fronts
    }
    return tuple(
        replace(unit, ports=ports[unit.origin], behind=behind) if unit.origin in fronts and behind else unit
        for unit in ordered
    )


def undecided(chosen: Iterable[Chosen], served_by: Collection[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield who passes requests on to one of several, and these."""
    entries, seen = tuple(chosen), set()
    for entry in _chain(entries):
        found = tuple(each.id for each in _asked(_candidates(entry, entries), served_by))
        if len(found) > 1 and found not in seen:
            seen.add(found)
            yield entry.id, found


def behind_others(chosen: Iterable[Chosen]) -> set[str]:
    """Return all that somebody could pass requests on to."""
    entries = tuple(chosen)
    return {each.id for entry in _chain(entries) for each in _candidates(entry, entries)}


def _chain(entries: Iterable[Chosen]) -> list[Chosen]:
    return [entry for entry in entries if LAYER in entry.facts and entry.facts.get(ASKED, True)]


def _candidates(entry: Chosen, entries: tuple[Chosen, ...]) -> list[Chosen]:
    """Return who could answer for what an entry doesn't answer itself."""
    own = entry.facts[LAYER]
    behind = [other for other in _chain(entries) if other.facts[LAYER] > own]
    next_layer = min((other.facts[LAYER] for other in behind), default=None)
    pages = [other for other in entries if PAGES in other.facts] if own == WEB_SERVER else []
    return [other for other in behind if other.facts[LAYER] == next_layer] + pages


def _asked(candidates: list[Chosen], served_by: Collection[str]) -> list[Chosen]:
    return [each for each in candidates if each.id in served_by] or candidates


def _place(entry: Chosen, entries: tuple[Chosen, ...], served_by: Collection[str]) -> dict[str, Any]:
    front = all(entry.facts[LAYER] <= other.facts[LAYER] for other in _chain(entries))
    asked = [each for each in _asked(_candidates(entry, entries), served_by)[:1] if LAYER in each.facts]
    port, name = (asked[0].facts[PORT], asked[0].id) if asked else (0, "")
    return dict(zip(DERIVED, (front, port, name), strict=True))
