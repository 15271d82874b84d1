"""Entries of the catalogue past the end of their fixes, or near it."""

import datetime
from collections.abc import Iterator

from managed_server import spec
from managed_server.model.catalogue_items import Absent, EndOfLife
from managed_server.project import Project


def warnings(
    project: Project, server: spec.ServerSpec, today: datetime.date
) -> Iterator[tuple[str, EndOfLife]]:
    """Yield (what is said, the fact) for each software, and once for the tools of one end."""
    near = today + datetime.timedelta(days=project.limits.end_of_life_days)
    tools: dict[EndOfLife, list[str]] = {}
    for entry in server.entries:
        ends = project.entries[entry.id].general.end_of_life
        end = None if isinstance(ends, Absent) else ends.get(server.debian)
        if end is None or end.date > near:
            continue
        if entry.id in project.software:
            yield _say(entry.id, end, today), end
        else:
            tools.setdefault(end, []).append(entry.id)
    for end, names in tools.items():
        yield _say(f"Debian {server.debian} ({', '.join(names)})", end, today), end


def _say(what: str, end: EndOfLife, today: datetime.date) -> str:
    when = f"has had no fixes since {end.date}" if end.date < today else f"gets no fixes after {end.date}"
    instead = f"; successor: {end.successor}" if end.successor else ""
    return f"{what} {when} (source: {end.source}){instead}"
