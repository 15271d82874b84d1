"""A copy of the repository with an environment of its own, and what tests do in it."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.conftest import ROOT

PROJECT = "managed-server"
STACK = "example"
UP = ("up", "--skip-preview", "--policy-pack", "policies")


def copy_repository(target: Path) -> Path:
    """Copy what is tracked, as a fresh clone has it; the virtual environment is shared."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    (target / ".venv").symlink_to(ROOT / ".venv")
    return target


@dataclass
class Clone:
    """The copy."""

    path: Path
    environ: dict[str, str]
    stack: str = STACK
    """Which plain ``pulumi`` works on."""
    printed: dict[tuple[str, ...], str] = field(default_factory=dict)
    """What each command printed, the last time that it ran to its end."""

    def of(self, stack: str) -> "Clone":
        """The same copy, with plain ``pulumi`` on another stack."""
        return replace(self, stack=stack)

    def managed(self, *arguments: str, timeout: int = 900) -> subprocess.CompletedProcess:
        """Run ``managed`` as it stands in the copy."""
        return self._run([*self._managed, *arguments], dict(os.environ), timeout)

    def point_at_local_aws(self) -> None:
        """Do what ``eval "$(managed local env)"`` does."""
        done = self.managed("local", "env", "--json")
        assert done.returncode == 0, done.stderr
        self.environ = {**os.environ, **json.loads(done.stdout)}

    def pulumi(self, *arguments: str, timeout: int = 600) -> subprocess.CompletedProcess:
        """Run plain ``pulumi`` on the stack."""
        command = ["pulumi", *arguments, "--stack", self.stack, "--non-interactive"]
        return self._run(command, self.environ, timeout)

    def recover(self) -> subprocess.CompletedProcess:
        """Run ``managed recover``."""
        return self.deploy("recover", self.stack)

    def deploy(self, *arguments: str, timeout: int = 900) -> subprocess.CompletedProcess:
        """Run ``managed`` in the environment that a shell has from ``managed local env``."""
        return self._run([*self._managed, *arguments], self.environ, timeout)

    @property
    def _managed(self) -> tuple[str, ...]:
        return (str(self.path / ".venv" / "bin" / "python"), "-m", "managed_server.cli")

    def _run(
        self, command: Sequence[str], environ: Mapping[str, str], timeout: int
    ) -> subprocess.CompletedProcess:
        done = subprocess.run(
            command,
            cwd=self.path,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        self.printed[tuple(command)] = done.stdout + done.stderr
        return done

    @property
    def checkpoint(self) -> Path:
        """The file that holds the stack's state."""
        return self.path / ".local" / "state" / ".pulumi" / "stacks" / PROJECT / f"{self.stack}.json"

    def deployment(self) -> dict:
        """The stack's state; empty while it is being written."""
        try:
            return json.loads(self.checkpoint.read_text())["checkpoint"]["latest"] or {}
        except (OSError, json.JSONDecodeError, KeyError):
            return {}

    def in_flight(self, operation: str = "creating") -> list[str]:
        """The types of what is being created, updated or deleted just now."""
        pending = self.deployment().get("pending_operations") or []
        return [each["resource"]["type"] for each in pending if each["type"] == operation]

    @property
    def killed(self) -> Path:
        """What killed commands printed, one after another."""
        return self.path / ".local" / "killed.log"

    def kill_while(
        self, operation: str, kind: str, command: tuple[str, ...] = UP, linger: float = 0, timeout: int = 600
    ) -> list[str]:
        """Start ``pulumi``, kill it (SIGKILL) while it creates ``kind``; return what was in flight.

        Args:
            operation: ``creating``, ``updating`` or ``deleting``.
            kind: type of a resource.
            command: what Pulumi is asked for.
            linger: seconds to wait first, so that AWS has made it, for a kind that takes longer to be ready.
            timeout: seconds after which it is no use to wait for it any longer.
        """
        log = self.killed
        output = log.open("a")
        process = subprocess.Popen(
            ["pulumi", *command, "--yes", "--stack", self.stack, "--non-interactive"],
            cwd=self.path,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + timeout
        seen = 0.0
        try:
            while time.monotonic() < deadline:
                changed = self.checkpoint.stat().st_mtime_ns if self.checkpoint.exists() else 0.0
                if changed != seen:
                    seen = changed
                    if kind in self.in_flight(operation):
                        time.sleep(linger)
                        break
                if process.poll() is not None:
                    raise AssertionError(f"it ended before it was {operation} {kind}:\n{log.read_text()}")
                time.sleep(0.001)
            else:
                raise AssertionError(f"{kind} was never in flight")
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            output.close()
        in_flight = self.in_flight(operation)
        assert in_flight, "nothing was in flight when the engine was killed"
        return in_flight

    def processes(self) -> list[str]:
        """Command lines of engine processes that still work on the copy; the local AWS itself is none."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                environ = (folder / "environ").read_bytes()
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            ours = f"PULUMI_BACKEND_URL=file://{self.path}/".encode() in environ
            if ours and state != "Z" and int(folder.name) != os.getpid():
                found.append(command)
        return found

    def wait_for_no_process(self, seconds: float = 10) -> list[str]:
        """Return what is left after a grace period: children need a moment to see that they are alone."""
        deadline = time.monotonic() + seconds
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return left
