"""Lock, lifecycle, snapshots, dump rotation and disk size fit each other.

What the figures of contract/limits.yaml say of one another is held by its model; here, by a server.
"""

import re
from collections.abc import Iterator, Mapping

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


def least_disk_gb(project: Project) -> int:
    """Return the GB of the smallest disk on which a database and its dumps fit, rounded up."""
    retention = project.limits.retention
    dumps, disk = retention.dumps, retention.disk
    hundredths = 100 * disk.system_gb + dumps.least_database_gb * (100 + copies(project) * dumps.share)
    return -(-hundredths // disk.full_percent)


def copies(project: Project) -> int:
    """Return how many dumps of a database are kept on its server, besides the one being made."""
    dumps = project.limits.retention.dumps
    return dumps.daily + dumps.weekly + 1


def largest_database_gb(project: Project, disk_gb: int) -> int:
    """Return the GB of the largest database whose dumps still fit on a disk, rounded down."""
    retention = project.limits.retention
    free = disk_gb * retention.disk.full_percent - 100 * retention.disk.system_gb
    return max(0, free // (100 + copies(project) * retention.dumps.share))


def has_dumps(project: Project, server: spec.ServerSpec) -> bool:
    """Tell whether the server makes local dumps."""
    return any(entry.id == project.limits.retention.dumps.entry for entry in server.entries)


def too_small(project: Project, server: spec.ServerSpec) -> Iterator[str]:
    """Yield whether the disk is too small for the smallest database with its dumps."""
    least = least_disk_gb(project)
    if has_dumps(project, server) and server.disk_gb < least:
        yield (
            f"{server.disk_gb} GB is too small for a database and the {copies(project)} dumps that are kept; "
            f"write {least} or more"
        )


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
