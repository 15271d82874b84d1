"""What can't be on one server together, whoever chose it."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from managed_server import spec
from managed_server.model.contract import Priority

SHARE = 3
"""Noticing a fault may take one part in this many of its response objective; the rest is the people's."""


def contradictions(server: spec.ServerSpec, objectives: dict[Priority, int | None]) -> Iterator[str]:
    """Yield what is wrong with a server as a whole. Objectives are minutes; None is none on the clock."""
    yield from _ports(server)
    yield from _paths(server)
    yield from _units(server)
    yield from _detection(server, objectives)


def _ports(server: spec.ServerSpec) -> Iterator[str]:
    clashes: dict[tuple[int, str], set[str]] = defaultdict(set)
    for one, other in combinations(server.listens, 2):
        if one.meets(other):
            clashes[one.port, one.protocol] |= {one.origin, other.origin}
    for (port, protocol), origins in sorted(clashes.items()):
        who = " and ".join(sorted(origins))
        yield (
            f"{who} both listen on {protocol} port {port}; change the port of one by its settings, "
            "or put it on another server"
        )


def _paths(server: spec.ServerSpec) -> Iterator[str]:
    owners: dict[str, str] = {}
    paths = [
        *((file.path, file.origin) for file in server.files),
        *((directory.path, directory.origin) for directory in server.directories),
        *((link.path, link.origin) for link in server.links),
        *((secret.path, secret.origin) for secret in server.secrets),
        *((gone.path, gone.origin) for gone in server.removed),
    ]
    for path, origin in paths:
        if path in owners:
            yield f"{origin} and {owners[path]} both have {path}"
        owners[path] = origin


def _units(server: spec.ServerSpec) -> Iterator[str]:
    units = {unit.name for unit in server.units}
    changes: list[tuple[str, tuple[str, ...]]] = [
        *((file.path, file.notify) for file in server.files),
        *((link.path, link.notify) for link in server.links),
        *((secret.path, secret.notify) for secret in server.secrets),
        *((gone.path, gone.notify) for gone in server.removed),
    ]
    for path, notified in changes:
        for unit in sorted(set(notified) - units):
            yield f"{path} notifies {unit}, which is no unit of the server"


def _detection(server: spec.ServerSpec, objectives: dict[Priority, int | None]) -> Iterator[str]:
    watched: list[tuple[str, Priority, int]] = [
        *((check.name, check.priority, check.detection_s) for check in server.checks),
        *((alarm.id, alarm.priority, alarm.detection_s) for alarm in server.alarms),
    ]
    for name, priority, seconds in watched:
        objective = objectives[priority]
        if objective is not None and seconds * SHARE > objective * 60:
            yield (
                f"{name} takes up to {seconds} s to be noticed, over a third of its objective of "
                f"{objective} minutes; shorten its periods in catalogue/"
            )
