"""What is kept in the state folder of a local AWS (`aws.json`), and whether its process is still that one."""

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

STATE_FILE = "aws.json"
LOG_FILE = "aws.log"
LOCK_FILE = "aws.lock"
COPY_FILE = "aws.copy"
"""Says to which folder a copy is made (copying.py)."""
SERVER_MODULE = "managed_server.local.aws.server"
EXIT_PORT = 3  # the server's exit code when its port can't be bound

# Fields of /proc/PID/stat after the name of the program, which stands in brackets (proc_pid_stat(5)).
_STATE_FIELD = 0
_START_FIELD = 19
_DEAD = ("Z", "X")


@dataclass(frozen=True)
class Running:
    """One run of the server, as it recorded itself once its port was bound."""

    host: str
    port: int
    pid: int
    started: int  # clock ticks since the machine's boot, so that a reused pid is told apart
    boot_id: str
    copy_in: str = ""  # its own folder where it is a copy, as its command line is that of the first one

    @property
    def endpoint(self) -> str:
        """The URL of the API."""
        return f"http://{self.host}:{self.port}"


def start_ticks(pid: int) -> int | None:
    """When process `pid` started, in clock ticks since the machine's boot; None if there is no live one."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[_STATE_FIELD] in _DEAD else int(fields[_START_FIELD])


def is_ours(running: Running, state_dir: Path) -> bool:
    """Whether the recorded process lives, and is a local AWS of this very folder."""
    if start_ticks(running.pid) != running.started:
        return False
    try:
        arguments = Path(f"/proc/{running.pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    if SERVER_MODULE.encode() not in arguments:
        return False
    own = os.fsencode(state_dir.resolve())
    return os.fsencode(running.copy_in) == own if running.copy_in else own in arguments


def _read(state_dir: Path) -> dict[str, object]:
    try:
        data = json.loads((state_dir / STATE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _write(state_dir: Path, data: dict[str, object]) -> None:
    descriptor, name = tempfile.mkstemp(dir=state_dir, prefix=STATE_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(data, file)
    Path(name).replace(state_dir / STATE_FILE)


def load(state_dir: Path) -> Running | None:
    """The recorded run; None if there is none, or the file is unreadable."""
    data = _read(state_dir)
    try:
        return Running(**data)  # type: ignore[arg-type]  # a wrong file raises TypeError
    except TypeError:
        return None


def save(state_dir: Path, running: Running) -> None:
    """Record a run, in one step."""
    _write(state_dir, asdict(running))


def forget(state_dir: Path) -> None:
    """Forget the run, but not its port: the next one should have the same endpoint."""
    port = last_port(state_dir)
    _write(state_dir, {"port": port} if port else {})


def last_port(state_dir: Path) -> int | None:
    """The port of the last run."""
    port = _read(state_dir).get("port")
    return port if isinstance(port, int) and 0 < port < 2**16 else None
