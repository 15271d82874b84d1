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
    ports: tuple[int, ...] = ()
    """TCP ports of what answers the world, which one behind it had as long as it stood in front itself."""
    behind: tuple[str, ...] = ()
    """Units of those, the nearest first."""


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
    before_packages: bool = False
    """Whether it comes before packages are installed."""
    before_units: bool = False
    """Whether it comes before units are started."""


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
class DataMount:
    """A directory that lives on the data volume, and the mount unit that puts it into its place."""

    name: str
    path: str
    source: str
    """Where it is on the volume."""
    owner: str
    """Account of which it is from the beginning; empty: as its package says."""
    mode: str


@dataclass(frozen=True, slots=True)
class DataUser:
    """A unit that isn't started without directories of the data volume."""

    name: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DataVolume:
    """A server's volume for data."""

    gb: int
    device: str
    path: str
    unit: str
    """That mounts it."""
    sources: str
    """The directory on it that holds those of the software."""
    mounts: tuple[DataMount, ...]
    users: tuple[DataUser, ...]

    def holds(self, path: str) -> bool:
        """Tell whether a path is on the volume."""
        return any(f"{path}/".startswith(f"{base}/") for base in (self.path, *(m.path for m in self.mounts)))

    def source_of(self, path: str) -> str | None:
        """Return where on the volume a path of the software's is; None for what is elsewhere."""
        inside = any(f"{path}/".startswith(f"{mount.path}/") for mount in self.mounts)
        return self.sources + path if inside else None


@dataclass(frozen=True, slots=True)
class Dump:
    """A local database dump."""

    name: str
    engine: str
    directory: str
