"""What building the local engine shares: where things are, its errors, and running one step with a log."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "engine"

Progress = Callable[[str], None]

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_STILL = 30.0  # seconds between two lines of progress of one step
_TAIL = 12  # lines of the log in an error


class EngineError(Exception):
    """The engine can't be found or built; the text says why and what to do, and names the log."""


def cache_directory() -> Path:
    """Where engines are kept: below MANAGED_SERVER_CACHE, else XDG_CACHE_HOME, else ~/.cache."""
    own = os.environ.get("MANAGED_SERVER_CACHE")
    if own:
        return Path(own).expanduser().resolve() / "engine"
    shared = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(shared).resolve() / "managed-server" / "engine"


def run_step(
    what: str,
    command: Sequence[str | Path],
    *,
    folder: Path,
    environ: Mapping[str, str],
    log: Path,
    progress: Progress,
) -> None:
    """Run a command to its end, its output in a log, with a line of progress at the start and now and then.

    Raises:
        EngineError: the command can't be started, or ends with another code than 0.
    """
    progress(what)
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - one system call; no lock is taken
            )
        except OSError as error:
            raise EngineError(f"{what}: {command[0]} can't be started: {error.strerror}") from error
        with process:
            while True:
                try:
                    code = process.wait(_STILL)
                    break
                except subprocess.TimeoutExpired:
                    progress(f"{what}: {time.monotonic() - started:.0f} s so far")
    if code:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL:])
        raise EngineError(f"{what} failed with exit code {code}; all of its output is in {log}\n{tail}")


def _end_with_parent() -> None:
    """Ask the kernel to end a child with this process, so that a killed build leaves none behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
