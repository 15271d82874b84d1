"""Conditions of the catalogue: on which servers a part of an entry applies."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from managed_server.model.base import Bool, Int, Model
from managed_server.model.types import EntryId


@dataclass(frozen=True)
class Circumstances:
    """What conditions may ask of a server."""

    memory_mb: int
    hosting: str
    burstable: bool
    data_volume: bool
    """Whether it has a volume of its own for data."""
    software: Collection[str]
    dumps: Collection[str]
    """Engines of the databases of its software."""
    peers: Collection[str]
    """Servers of the customer that may reach it."""
    reaches: Collection[str]
    """Servers of the customer whose peer it is."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Settings and release facts of the entry that asks; empty for questions about the whole server."""


class When(Model):
    """Conditions on the server; all that are given must hold."""

    memory_mb_min: Int | None = None
    memory_mb_max: Int | None = None
    hosting: Literal["aws", "elsewhere"] | None = None
    burstable: Bool | None = Field(default=None, description="an EC2 type that spends CPU credits")
    data_volume: Bool | None = Field(default=None, description="it has a volume of its own for data")
    with_software: EntryId | None = None
    without_software: EntryId | None = None
    peers: Bool | None = Field(default=None, description="other servers of the customer may reach it")
    linked: Bool | None = Field(
        default=None, description="it has peers, or is one: some other server of the customer matters to it"
    )
    with_dump: EntryId | None = Field(
        default=None, description="some software of the server has a database dump of this engine"
    )
    facts: dict[str, Bool | Int | str] = Field(
        default={}, description="settings or release facts of the same entry, with these values"
    )

    def holds(self, here: Circumstances) -> bool:
        """Tell whether it holds on a server."""
        if not self.model_fields_set:  # nothing is asked, as of most things
            return True
        checks = (
            self.memory_mb_min is None or here.memory_mb >= self.memory_mb_min,
            self.memory_mb_max is None or here.memory_mb <= self.memory_mb_max,
            self.hosting is None or self.hosting == here.hosting,
            self.burstable is None or self.burstable == here.burstable,
            self.data_volume is None or self.data_volume == here.data_volume,
            self.with_software is None or self.with_software in here.software,
            self.without_software is None or self.without_software not in here.software,
            self.with_dump is None or self.with_dump in here.dumps,
            self.peers is None or self.peers == bool(here.peers),
            self.linked is None or self.linked == bool(here.peers or here.reaches),
            all(here.facts.get(name) == value for name, value in self.facts.items()),
        )
        return all(checks)
