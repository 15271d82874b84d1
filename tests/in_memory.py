"""A folder in memory for what tests write, where the machine has enough of it.

Tests make a million files. On a disk each costs ten times the processor's time that it costs in memory, and
Debian's packages are installed with a wait for each. Whoever sets TMPDIR has it their way.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - tmpfs(5); what is below it is made as mkdtemp(3) does
PREFIX = "ms-"  # short: a socket's path is limited
ENOUGH = 12 * 2**30
"""Bytes that must be free: all lanes of .ci/test took 4 GB, `make soak` 4.5; what they run took as much."""


def use() -> Path | None:
    """Have temporary files in memory, in this process and those that it starts; None if it can't be."""
    folder = make(os.getpid())
    if folder is not None:
        os.environ["TMPDIR"], tempfile.tempdir = str(folder), None
    return folder


def make(owner: int) -> Path | None:
    """Make a folder in memory that goes some time after that process has ended; None if it can't be."""
    if "TMPDIR" in os.environ or not _fit():
        return None
    for left in MEMORY.glob(f"{PREFIX}*-*"):  # of runs that have ended, with what failed in them
        if not Path("/proc", left.name.split("-")[1]).exists():
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{owner}-", dir=MEMORY))


def _fit() -> bool:
    """Whether there is enough of it, for whoever this is, and programs may be run there."""
    try:
        there = os.statvfs(MEMORY)
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = int(dict(line.split(":", 1) for line in lines)["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, KeyError):
        return False
    enough = min(free, there.f_bavail * there.f_frsize) >= ENOUGH
    return enough and not there.f_flag & os.ST_NOEXEC and os.access(MEMORY, os.W_OK)


if __name__ == "__main__":
    print(make(int(sys.argv[1])) or tempfile.mkdtemp())  # noqa: T201 - for .ci/test
