"""Puts a stack's state right after its engine was killed, so that the same command run again finishes.

Pulumi notes each create before it starts. A kill in between leaves a *pending create*: the resource may stand
in AWS without being in the state, and creating it again would fail or make it twice. Each pending create is
looked up in AWS by the name or the tag that this project gives it, and is either imported or struck out.
A lock that a dead process left is removed; one that a living process holds is waited for.
"""

import json
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from managed_server.recovery_finders import find

_WAIT_S = 300
"""Seconds that a living process may hold the lock: a bucket's lifecycle rules alone take 55."""

Progress = Callable[[str], None]


class RecoveryError(Exception):
    """The state can't be put right; the message says what to do."""


def recover(root: Path, stack: str, environ: dict[str, str], progress: Progress) -> None:
    """Remove a dead process's lock, and settle pending creates.

    Raises:
        RecoveryError: if somebody else holds the lock, or Pulumi refuses.
    """
    _settle_locks(stack, environ, progress)
    deployment = json.loads(_pulumi(["stack", "export", "--stack", stack], root, environ))["deployment"]
    pending = [
        operation["resource"]
        for operation in deployment.get("pending_operations") or []
        if operation["type"] == "creating"
    ]
    custom = [
        resource for resource in pending if resource.get("custom") and resource["type"].startswith("aws:")
    ]
    if not pending:
        return
    progress(f"{stack}: the last run was killed while it created {len(pending)} resources; looking for them")
    known = {resource.get("id") for resource in deployment.get("resources") or []}
    providers = {
        r["urn"]: r for r in deployment.get("resources") or [] if r["type"] == "pulumi:providers:aws"
    }
    found: list[str] = []
    for resource in custom:
        provider = providers[resource["provider"].rpartition("::")[0]]
        resource_id = find(resource, provider["inputs"], environ)
        if resource_id is not None and resource_id not in known:
            progress(f"{stack}: {_name(resource)} stands as {resource_id}: taken over")
            found += ["--import-pending-creates", resource["urn"], "--import-pending-creates", resource_id]
        else:
            progress(f"{stack}: {_name(resource)} was not created")
    arguments = ["refresh", "--yes", "--skip-preview", "--stack", stack, "--clear-pending-creates"]
    _pulumi([*arguments, *found], root, environ)


def _name(resource: dict[str, Any]) -> str:
    return str(resource["urn"]).rpartition("::")[2]


def _settle_locks(stack: str, environ: dict[str, str], progress: Progress) -> None:
    backend = environ.get("PULUMI_BACKEND_URL", "")
    if not backend.startswith("file://"):
        return  # a shared backend's lock is somebody's: `pulumi cancel` is theirs to decide
    folder = Path(backend.removeprefix("file://")) / ".pulumi" / "locks"
    deadline = time.monotonic() + _WAIT_S
    for lock in sorted(folder.glob(f"**/{stack}/*.json")):
        told = False
        while lock.is_file():
            try:
                held = json.loads(lock.read_text())
            except (OSError, json.JSONDecodeError):  # removed, or written half by a process that was killed
                held = {}
            if held and held.get("hostname") != socket.gethostname():
                raise RecoveryError(f"{stack} is locked by {held.get('username')} on {held.get('hostname')}")
            if not held or not _is_pulumi(int(held.get("pid", 0))):
                progress(f"{stack}: removed the lock of a process that is gone")
                lock.unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                raise RecoveryError(f"{stack} is locked by process {held['pid']}; wait for it, or end it")
            elif not told:
                progress(f"{stack}: waiting for process {held['pid']}, which is still at work")
                told = True
            else:
                time.sleep(0.5)


def _is_pulumi(pid: int) -> bool:
    """Tell whether a living process of that id is Pulumi, not a later one that took the number."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return name.startswith("pulumi") and state != "Z"


def _pulumi(arguments: list[str], root: Path, environ: dict[str, str]) -> str:
    done = subprocess.run(
        ["pulumi", *arguments, "--non-interactive"],
        cwd=root,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RecoveryError(f"pulumi {' '.join(arguments[:2])} failed:\n{done.stderr or done.stdout}")
    return done.stdout
