"""Start, stop and look at the local AWS of a state folder."""

import fcntl
import http.client
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from managed_server.local.aws import copying, state
from managed_server.local.aws.application import BOOT_ID_PATH

HOST = "127.0.0.1"

# Seconds.
START_TIMEOUT = 60.0  # a start takes two on an idle machine
STOP_TIMEOUT = 5.0  # from SIGTERM to SIGKILL, and again
LOCK_TIMEOUT = 90.0  # longer than another's start
ANSWER_TIMEOUT = 5.0
POLL = 0.02

START_ATTEMPTS = 3  # another program may take the free port first
LOG_LIMIT = 5_000_000  # bytes; a longer log is put aside at the next start

Progress = Callable[[str], None]


class LocalAwsError(RuntimeError):
    """The local AWS can't be started or stopped; the text says why, and names its log."""


@dataclass(frozen=True)
class LocalAws:
    """A healthy local AWS. `boot_id` differs after each start: what was made under another one is lost."""

    endpoint: str
    pid: int
    boot_id: str


def start(state_dir: Path, progress: Progress) -> LocalAws:
    """The local AWS of `state_dir`: the running one, else a new one, on the last one's port if it is free.

    Args:
        state_dir: made if missing; holds aws.json, aws.log and aws.lock.
        progress: told what happens, in single lines.

    Raises:
        LocalAwsError: it doesn't become healthy within START_TIMEOUT, or another start holds the lock.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    with _locked(state_dir):
        if running := _healthy(state_dir):
            return running
        if _end(state_dir):
            progress("the local AWS didn't answer; ended it")
        _rotate_log(state_dir)
        for attempt in range(START_ATTEMPTS):
            port = _free_port(state.last_port(state_dir) if attempt == 0 else None)
            progress(f"starting the local AWS on {HOST}:{port}")
            pid = _spawn(state_dir, port)
            if running := _wait(state_dir, pid):
                progress(f"the local AWS answers at {running.endpoint}")
                return running
    raise LocalAwsError(f"no port in {START_ATTEMPTS} attempts; see {state_dir / state.LOG_FILE}")


def stop(state_dir: Path) -> bool:
    """End the local AWS of `state_dir`, and no other process; return whether one ran.

    Raises:
        LocalAwsError: it survives SIGKILL for STOP_TIMEOUT seconds, or another start holds the lock.
    """
    if not state_dir.is_dir():
        return False
    with _locked(state_dir):
        return _end(state_dir)


def status(state_dir: Path) -> LocalAws | None:
    """The local AWS of `state_dir` if it runs and answers under the boot id that it recorded, else None."""
    return _healthy(state_dir)


def copy(state_dir: Path, target: Path) -> LocalAws:
    """A second local AWS with all that is in the one of `state_dir` now; from now on they differ.

    Args:
        state_dir: of the running one.
        target: state folder of the copy; made if missing.

    Raises:
        LocalAwsError: the first doesn't run, the target's does, or the copy doesn't become healthy.
    """
    for folder in (state_dir, target):
        folder.mkdir(parents=True, exist_ok=True)
    with _locked(state_dir), _locked(target):
        running = state.load(state_dir)
        if running is None or not _healthy(state_dir) or _healthy(target) is not None:
            raise LocalAwsError(f"{state_dir}: its local AWS must run, and none of {target}")
        order = state_dir / state.COPY_FILE
        order.write_text(str(target.resolve()), encoding="utf-8")
        try:
            os.kill(running.pid, copying.SIGNAL)
            deadline = time.monotonic() + START_TIMEOUT
            while time.monotonic() < deadline and state.is_ours(running, state_dir):
                if made := _healthy(target):
                    return made
                time.sleep(POLL)
        finally:
            order.unlink()
    logs = " and ".join(str(folder / state.LOG_FILE) for folder in (state_dir, target))
    raise LocalAwsError(f"no copy within {START_TIMEOUT:.0f} s; see {logs}")


def _healthy(state_dir: Path) -> LocalAws | None:
    running = state.load(state_dir)
    if running is None or not state.is_ours(running, state_dir):
        return None
    if _boot_id(running.host, running.port) != running.boot_id:
        return None
    return LocalAws(running.endpoint, running.pid, running.boot_id)


def _boot_id(host: str, port: int) -> str | None:
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_TIMEOUT)
    try:
        connection.request("GET", BOOT_ID_PATH)
        response = connection.getresponse()
        return response.read(64).decode("ascii", "replace") if response.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


@contextmanager
def _locked(state_dir: Path) -> Iterator[None]:
    """Hold the lock of the folder; the kernel lets go of it if this process dies."""
    with (state_dir / state.LOCK_FILE).open("a") as file:
        deadline = time.monotonic() + LOCK_TIMEOUT
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LocalAwsError(f"another process holds {file.name}") from None
                time.sleep(POLL)
        yield


def _free_port(wanted: int | None) -> int:
    for port in (wanted, 0):
        if port is None:
            continue
        with socket.socket() as probe, suppress(OSError):
            # As the server does: connections of the last run that linger don't hold the port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    raise LocalAwsError(f"no free port on {HOST}")


def _environment() -> dict[str, str]:
    """The caller's, without what would change moto's behaviour or make it read the user's AWS profile."""
    package_root = str(Path(__file__).resolve().parents[3])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MOTO_", "AWS_"))}
    paths = [package_root, *filter(None, [kept.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths)}


def _spawn(state_dir: Path, port: int) -> int:
    """Start the server in a session of its own, so that it outlives this process and its terminal."""
    arguments = [sys.executable, "-P", "-m", state.SERVER_MODULE]  # -P: nothing from the present folder
    arguments += ["--host", HOST, "--port", str(port), "--state", str(state_dir.resolve())]
    log = os.open(state_dir / state.LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return os.posix_spawn(
            sys.executable,
            arguments,
            _environment(),
            setsid=True,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
        )
    finally:
        os.close(log)


def _wait(state_dir: Path, pid: int) -> LocalAws | None:
    """Wait until our own child answers; None if its port was taken."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        running = _healthy(state_dir)
        if running and running.pid == pid:
            return running
        if (code := _exit_code(pid)) is not None:
            if code == state.EXIT_PORT:
                return None
            raise LocalAwsError(f"the local AWS ended with code {code}; see {state_dir / state.LOG_FILE}")
        time.sleep(POLL)
    os.kill(pid, signal.SIGKILL)
    _exit_code(pid, block=True)
    raise LocalAwsError(f"no answer within {START_TIMEOUT:.0f} s; see {state_dir / state.LOG_FILE}")


def _exit_code(pid: int, *, block: bool = False) -> int | None:
    """The exit code of our own child if it has ended; None if it runs, or is nobody's child here."""
    try:
        done, status_word = os.waitpid(pid, 0 if block else os.WNOHANG)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status_word) if done else None


def _end(state_dir: Path) -> bool:
    running = state.load(state_dir)
    ours = running is not None and state.is_ours(running, state_dir)
    if running is not None and ours:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.kill(running.pid, number)
            if _gone(running):
                break
        else:
            raise LocalAwsError(f"process {running.pid} survives SIGKILL")
    if running is not None:
        state.forget(state_dir)
    return ours


def _gone(running: state.Running) -> bool:
    deadline = time.monotonic() + STOP_TIMEOUT
    while time.monotonic() < deadline:
        _exit_code(running.pid)  # collects it, if it is our child
        if state.start_ticks(running.pid) != running.started:
            return True
        time.sleep(POLL)
    return False


def _rotate_log(state_dir: Path) -> None:
    log = state_dir / state.LOG_FILE
    with suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
