"""`managed-downtimes`: a server's maintenance window pages nobody.

Shortly before a window begins, Nagios is told of it. What it knows already, it says in its status file: so a
second run, a restart of Nagios and a window that has begun come out right without a memory of our own.
"""

import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub import settings as configured
from hub import state as kept
from hub.members import Member

AUTHOR, COMMENT = "managed", "maintenance window"
AHEAD = timedelta(minutes=10)
"""How long before a window Nagios is told; twice the time between two runs."""

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_BLOCK = re.compile(r"^hostdowntime \{\n(.*?)^\s*\}", re.MULTILINE | re.DOTALL)


def begin(member: Member, now: datetime, length: timedelta) -> datetime:
    """When the window begins that `now` is in, or the next one."""
    window = member.fragment.maintenance
    hour, minute = (int(part) for part in window.time.split(":"))
    days = (_DAYS.index(window.day) - now.weekday()) % 7
    found = (now + timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)
    last = found - timedelta(days=7)
    if last <= now < last + length:
        return last
    return found if now < found + length else found + timedelta(days=7)


def known(status: str) -> set[tuple[str, int]]:
    """Host and beginning (seconds since 1970) of every downtime of ours that the status file names."""
    found = set()
    for block in _BLOCK.findall(status):
        values = dict(line.strip().split("=", 1) for line in block.splitlines() if "=" in line)
        if values.get("author") == AUTHOR:
            found.add((values["host_name"], int(values["start_time"])))
    return found


def commands(
    members: Iterable[Member], told: set[tuple[str, int]], now: datetime, length: timedelta
) -> Iterator[str]:
    """What Nagios must be told, a line each: windows that begin soon, or have begun."""
    for member in members:
        first = begin(member, now, length)
        start, end = int(first.timestamp()), int((first + length).timestamp())
        if first - now <= AHEAD and (member.host, start) not in told:
            for command in ("SCHEDULE_HOST_DOWNTIME", "SCHEDULE_HOST_SVC_DOWNTIME"):
                yield (
                    f"[{int(now.timestamp())}] {command};{member.host};{start};{end};1;0;{end - start};"
                    f"{AUTHOR};{COMMENT}\n"
                )


def main() -> int:
    """Tell Nagios; 0 if it was, or if there was nothing to tell."""
    told = configured.load()
    length = timedelta(minutes=told.downtime_minutes)
    members = kept.load(configured.STATE / "state.json").members
    status = Path(told.status_file).read_text(encoding="utf-8", errors="replace")
    lines = list(commands(members.values(), known(status), datetime.fromtimestamp(time.time(), UTC), length))
    if lines:
        # Nobody reads it while Nagios doesn't run: then this must end, and not wait.
        pipe = os.open(told.command_file, os.O_WRONLY | os.O_NONBLOCK)
        with os.fdopen(pipe, "w", encoding="ascii") as out:
            out.writelines(lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
