"""The objects of a server by kind and entry, as the contract's lines count them."""

from collections.abc import Mapping
from dataclasses import dataclass

from managed_server import spec

ANY = "any"
"""Name of a thing of which one would do, and there is none."""

_ONE: Mapping[str, str] = {
    "packages": "package",
    "units": "unit",
    "processes": "process",
    "listens": "socket",
    "timers": "timer",
    "checks": "check",
    "files": "file",
    "groups": "group",
    "setup": "step",
    "munin": "graph",
}


_MANY: Mapping[str, str] = {"listens": "sockets", "setup": "steps", "munin": "graphs"}
"""Where a section's name is not the word for several."""


def how_many(kind: str, number: int) -> str:
    """Say how many things of a kind there are: ``1 check``, ``2 checks``."""
    return f"{number} {_ONE.get(kind, kind) if number == 1 else _MANY.get(kind, kind)}"


@dataclass(frozen=True, slots=True)
class Thing:
    """An object that fulfils a line: its kind, its name, and the entry or component that brings it."""

    kind: str
    name: str
    origin: str

    def __str__(self) -> str:
        kind = _ONE.get(self.kind, self.kind)
        return f"{kind} of {self.origin}" if self.name == ANY else f"{kind} {self.name} of {self.origin}"


def things_on(server: spec.ServerSpec) -> frozenset[Thing]:
    """Return everything that entries bring to a server, but what its Munin node draws."""
    entries = server.entries
    return frozenset(
        [
            *(Thing("packages", package, entry.id) for entry in entries for package in entry.packages),
            *(Thing("groups", group, entry.id) for entry in entries for group in server.groups),
            *(Thing("units", unit.name, unit.origin) for unit in server.units if unit.state == "running"),
            *(Thing("processes", process.name, process.origin) for process in server.processes),
            *(Thing("listens", f"{i.port}/{i.protocol}", i.origin) for i in server.listens),
            *(Thing("timers", timer.name, timer.origin) for timer in server.timers),
            *(Thing("files", file.path, file.origin) for file in server.files),
            *(
                Thing("checks", check.name.removeprefix(f"{check.origin}-"), check.origin)
                for check in server.checks
            ),
            *(
                Thing("setup", step.name.removeprefix(f"{step.origin}-"), step.origin)
                for step in server.setup
            ),
        ]
    )
