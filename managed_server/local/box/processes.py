"""Processes by number and start time, and control groups with all processes of a machine or a session."""

import contextlib
import os
import subprocess
from pathlib import Path

from managed_server.local.aws.state import start_ticks

_HERE = Path(__file__).parent
_PRIVATE = ("unshare", "--mount", "--propagation", "slave", "--")
"""Own mounts; what the host unmounts later is unmounted there as well."""

_PPID_FIELD = 1  # of /proc/PID/stat, after the name in brackets: proc_pid_stat(5)


class ProcessError(Exception):
    """Processes can't be ended."""


def private(program: str, *arguments: str) -> list[str]:
    """The command line of a script beside this file, in a mount namespace of its own."""
    return [*_PRIVATE, "bash", str(_HERE / program), *arguments]


def record(file: Path, pid: int | None = None) -> None:
    """Write down a process (this one unless named), so that a later one with its number is told apart."""
    pid = pid or os.getpid()
    new = file.with_suffix(".new")
    new.write_text(f"{pid} {start_ticks(pid)}\n", encoding="ascii")
    new.replace(file)


def recorded(file: Path) -> int | None:
    """The process that was written down, if it lives."""
    try:
        pid, ticks = file.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    with contextlib.suppress(ChildProcessError):
        os.waitpid(int(pid), os.WNOHANG)  # if it was ours, and has ended
    return int(pid) if str(start_ticks(int(pid))) == ticks else None


def children(pid: int) -> list[int]:
    """The processes that `pid` has started, and that live."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            if fields.rpartition(")")[2].split()[_PPID_FIELD] == str(pid):
                found.append(int(entry.name))
    return found


def end_group(group: str) -> None:
    """Kill all processes of a control group and of those below it, and remove it; none is no error.

    Raises:
        ProcessError: some survive.
    """
    done = subprocess.run(
        private("end-processes.sh", group),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise ProcessError(f"processes of {group} can't be ended ({done.returncode}): {done.stderr.strip()}")


def join_group(group: str, pid: int) -> None:
    """Put a process into a control group, which is made if need be.

    Raises:
        ProcessError: it can't.
    """
    script = (
        "umount -R /sys/fs/cgroup 2>/dev/null; mount -t cgroup2 none /sys/fs/cgroup && "
        'mkdir -p "/sys/fs/cgroup/$1" && echo "$2" > "/sys/fs/cgroup/$1/cgroup.procs"'
    )
    argv = [*_PRIVATE, "bash", "-c", script, "join-group", group, str(pid)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise ProcessError(f"process {pid} can't join {group}: {done.stderr.strip()}")
