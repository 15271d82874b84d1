"""Lock, lifecycle, snapshots, dump rotation and disk size fit each other.

What the figures of contract/limits.yaml say of one another is held by its model; here, by a server.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from managed_server import spec
from managed_server.model.catalogue_items import Absent, Keep
from managed_server.project import Project


def kept(project: Project) -> dict[str, Keep]:
    """Return which backups are kept, by the entry that makes them."""
    found = {}
    for name, entry in project.entries.items():
        backup = entry.general.backup
        if not isinstance(backup, Absent) and backup.keep is not None:
            found[name] = backup.keep
    return found


def least_disk_gb(project: Project, *, system: bool = True) -> int:
    """Return the GB of the smallest disk on which a database and its dumps fit, rounded up.

    Args:
        project: with the figures.
        system: whether the system is on it as well.
    """
    retention = project.limits.retention
    dumps, disk = retention.dumps, retention.disk
    hundredths = 100 * disk.system_gb * system + dumps.least_database_gb * (
        100 + copies(project) * dumps.share
    )
    return -(-hundredths // disk.full_percent)


def copies(project: Project) -> int:
    """Return how many dumps of a database are kept on its server, besides the one being made."""
    dumps = project.limits.retention.dumps
    return dumps.daily + dumps.weekly + 1


def largest_database_gb(project: Project, disk_gb: int, *, system: bool = True) -> int:
    """Return the GB of the largest database whose dumps still fit on a disk, rounded down.

    Args:
        project: with the figures.
        disk_gb: the disk's size.
        system: whether the system is on it as well.
    """
    retention = project.limits.retention
    free = disk_gb * retention.disk.full_percent - 100 * retention.disk.system_gb * system
    return max(0, free // (100 + copies(project) * retention.dumps.share))


def has_dumps(project: Project, server: spec.ServerSpec) -> bool:
    """Tell whether the server makes local dumps."""
    return any(entry.id == project.limits.retention.dumps.entry for entry in server.entries)


@dataclass(frozen=True, slots=True)
class Disk:
    """A server's disk."""

    key: str
    """What the stack file calls its size."""
    gb: int
    system: bool
    """Whether the system is on it."""


def dumps_on(server: spec.ServerSpec) -> Disk:
    """Return the disk that databases and their dumps are on."""
    data = server.data
    if data is not None and server.dumps and all(data.holds(dump.directory) for dump in server.dumps):
        return Disk("data_gb", data.gb, system=False)
    return Disk("disk_gb", server.disk_gb, system=True)


def too_small(project: Project, server: spec.ServerSpec) -> Iterator[tuple[str, str]]:
    """Yield (key of the server, what is wrong) where a disk is too small for a database with its dumps."""
    disk = dumps_on(server)
    least = least_disk_gb(project, system=disk.system)
    if has_dumps(project, server) and disk.gb < least:
        message = f"{disk.gb} GB is too small for a database and the {copies(project)} dumps that are kept"
        yield disk.key, f"{message}; write {least} or more"


def unbounded(
    project: Project, server: spec.ServerSpec, files: Mapping[str, bytes]
) -> Iterator[tuple[str, str]]:
    """Yield (path, what is wrong) where dumps would be kept for ever, or not be taken off the server."""
    if not has_dumps(project, server):
        return
    bounded = project.limits.retention.dumps.bounded
    text = files.get(bounded.path, b"").decode()
    if not re.search(f"(?m)^{re.escape(bounded.line)}$", text):
        yield bounded.path, f"doesn't say {bounded.line}: dumps would be kept until the disk is full"
