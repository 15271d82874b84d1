"""Facts that software and tools share: one section for each consumer, none of them left silent.

Values may hold ``${name}``, replaced by a fact of the server's Debian release (``releases:``) or by a setting
(``settings:``) before they are checked; ``$${`` stands for a literal ``${``.
"""

from typing import Literal

from pydantic import Field, model_validator

from managed_server.model.base import Bool, Int, Model
from managed_server.model.catalogue_items import (
    Absent,
    Antivirus,
    AptSource,
    Backup,
    CheckIntent,
    CloudWatch,
    Connect,
    DataDirectory,
    Directory,
    Dump,
    EndOfLife,
    Facts,
    File,
    Group,
    Integrity,
    Link,
    Listen,
    Log,
    MuninPlugin,
    Process,
    Removed,
    Secret,
    Section,
    Setting,
    Setup,
    Timer,
    Unit,
)
from managed_server.model.catalogue_memory import Memory
from managed_server.model.conditions import When
from managed_server.model.types import EntryId, PackageName, Text, UserName


class NotInstallable(Model):
    """Why nothing here can install the packages."""

    no: Text = Field(min_length=10)


ReleaseFacts = dict[str, Bool | Int | str]


class Entry(Model):
    """What software and tools have in common."""

    title: Text
    sources: dict[str, Text] = Field(
        min_length=1, description="where each section's facts come from; 'default' for those not named"
    )
    installable: Literal[True] | NotInstallable
    releases: dict[Int, ReleaseFacts] = Field(min_length=1, description="facts by Debian release")
    settings: dict[str, Setting]
    memory: Section[Facts[Memory]]
    accounts: Section[Facts[UserName]] = Field(description="system accounts: nobody's login name")
    groups: Section[Facts[Group]]
    apt: Section[Facts[AptSource]]
    packages: Section[Facts[PackageName]]
    units: Section[Facts[Unit]]
    processes: Section[Facts[Process]]
    listens: Section[Facts[Listen]]
    connects: Section[Facts[Connect]]
    files: Section[Facts[File]]
    directories: Section[Facts[Directory]]
    links: Section[Facts[Link]]
    removed: Section[Facts[Removed]]
    timers: Section[Facts[Timer]]
    setup: Section[Facts[Setup]]
    checks: Section[Facts[CheckIntent]]
    munin: Section[Facts[MuninPlugin]]
    logs: Section[Facts[Log]]
    integrity: Section[Integrity]
    antivirus: Section[Antivirus]
    backup: Section[Backup]
    dumps: Section[Facts[Dump]]
    cloudwatch: Section[CloudWatch]
    secrets: Section[Facts[Secret]]
    end_of_life: Section[dict[Int, EndOfLife]]

    @model_validator(mode="after")
    def _sources_name_sections(self) -> "Entry":
        unknown = sorted(set(self.sources) - set(type(self).model_fields) - {"default"})
        if unknown:
            raise ValueError(
                f"sources: {', '.join(unknown)}: no such section; use section names or 'default'"
            )
        if "default" not in self.sources:
            silent = [
                name
                for name in SECTIONS
                if name not in self.sources and not isinstance(getattr(self, name), Absent)
            ]
            if silent:
                raise ValueError(f"sources: no source for {', '.join(silent)}; add it, or a 'default'")
        return self


SECTIONS = tuple(
    name
    for name in Entry.model_fields
    if name not in {"title", "sources", "installable", "releases", "settings"}
)
"""The names of all consumers' sections."""


class NotSupported(Model):
    """Why a software is outside the service level agreement."""

    no: Text = Field(min_length=10)


class Software(Entry):
    """What a customer chooses: ``catalogue/software/<id>.yaml``."""

    supported: EntryId | NotSupported = Field(
        description="id on the contract's supported list, or why it is not on it"
    )
    hub_only: Bool = Field(
        default=False, description="runs on a hub of provider.yaml, in its own stack, alone"
    )
    requires: Section[Facts[EntryId]] = Field(description="software that must be beside it: all of these")
    requires_any: Section[Facts[EntryId]] = Field(description="software beside it: at least one of these")
    conflicts: Section[Facts[EntryId]] = Field(description="software that must not be beside it")
    data: Section[Facts[DataDirectory]] = Field(
        description="directories of customers' data: on the data volume of a server that has one"
    )


class Tool(Entry):
    """What the contract brings to a server: ``catalogue/tools/<id>.yaml``."""

    fulfils: tuple[EntryId, ...] = Field(min_length=1, description="ids of contract lines")
    when: When = Field(default=When(), description="which servers get it; all, unless something is said")
