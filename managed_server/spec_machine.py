"""What a server is brought to: the parts of `managed_server.spec` that its bundle is made of.

`origin` is the entry of the catalogue that a part belongs to.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Process:
    """A process that must run."""

    origin: str
    name: str
    user: str


@dataclass(frozen=True, slots=True)
class File:
    """A file to be rendered."""

    origin: str
    path: str
    template: str
    copy_of: str | None
    """Path in the repository of what is copied as it stands; the template isn't read then."""
    owner: str
    group: str
    mode: str
    notify: tuple[str, ...]
    validate_with: str | None
    once: bool
    item: Any


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory that no package makes."""

    origin: str
    path: str
    owner: str
    group: str
    mode: str
    once: bool


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link."""

    origin: str
    path: str
    target: str
    notify: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removed:
    """A path that a package brings and that must not be there."""

    origin: str
    path: str
    notify: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A systemd unit; state is ``running`` or ``stopped``."""

    origin: str
    name: str
    state: str
    reload: bool


@dataclass(frozen=True, slots=True)
class Timer:
    """A job that a systemd timer starts."""

    origin: str
    name: str
    calendar: str
    random_delay_minutes: int
    command: str
    user: str
    idle: bool
    timeout_minutes: int
    description: str


@dataclass(frozen=True, slots=True)
class Setup:
    """A step that is carried out unless a command says that it is done."""

    origin: str
    name: str
    command: str
    unless: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of the parameter store, and the file that it is put into."""

    origin: str
    name: str
    parameter: str
    path: str
    text: str
    """Of the file, with ``{secret}`` in the secret's place."""
    owner: str
    group: str
    mode: str
    notify: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AptSource:
    """A vendor's package archive, and how unattended upgrades name it."""

    name: str
    uri: str
    suite: str
    components: tuple[str, ...]
    key_fingerprint: str
    key_url: str
    upgrade_origin: str


@dataclass(frozen=True, slots=True)
class Dump:
    """A local database dump."""

    name: str
    engine: str
    directory: str
