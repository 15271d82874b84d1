"""Puts a stack's state right after its engine was killed, so that the same command run again finishes.

Pulumi notes each create before it starts. A kill in between leaves a *pending create*: the resource may stand
in AWS without being in the state, and creating it again would fail or make it twice. Each pending create is
looked up in AWS by the name or the tag that this project gives it, and is either taken over or struck out.
(Pulumi's own `refresh --import-pending-creates` marks such operations and then does nothing with them.)
A lock that a dead process left is removed; one that a living process holds is waited for.
"""

import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from managed_server.recovery_finders import find

_WAIT_S = 300
"""Seconds that a living process may hold the lock: a bucket's lifecycle rules alone take 55."""

_PROVIDER = "pulumi:providers:aws"

Progress = Callable[[str], None]


class RecoveryError(Exception):
    """The state can't be put right; the message says what to do."""


def recover(root: Path, stack: str, environ: dict[str, str], progress: Progress) -> None:
    """Remove a dead process's lock, and settle pending creates.

    Raises:
        RecoveryError: if somebody else holds the lock, or Pulumi refuses.
    """
    _settle_locks(stack, environ, progress)
    exported = _export(root, stack, environ)
    deployment = exported["deployment"]
    pending = [
        operation["resource"]
        for operation in deployment.get("pending_operations") or []
        if operation["type"] == "creating"
    ]
    if pending:
        progress(f"{stack}: the last run ended while it created {len(pending)} resources; looking for them")
        deployment["resources"] += _standing(deployment, pending, environ, progress)
        # Only pending updates and deletes are left: the next run does them again.
        deployment["pending_operations"] = [
            operation for operation in deployment["pending_operations"] if operation["type"] != "creating"
        ]
        _import(root, stack, exported, environ)
    _read_taken_over(root, stack, environ, deployment)


def _standing(
    deployment: dict[str, Any], pending: list[dict[str, Any]], environ: dict[str, str], progress: Progress
) -> list[dict[str, Any]]:
    """Return the states of those pending creates that stand in AWS, as they were asked for, not yet read."""
    resources = deployment.get("resources") or []
    known = {(resource["type"], resource.get("id")) for resource in resources}
    urns = {resource["urn"] for resource in resources}
    providers = {r["urn"]: r["inputs"] for r in resources if r["type"] == _PROVIDER}
    standing = []
    for resource in pending:
        if not (resource.get("custom") and resource["type"].startswith("aws:")) or resource["urn"] in urns:
            continue  # a component, or a provider: made again by the next run, at no cost
        resource_id = find(resource, providers[resource["provider"].rpartition("::")[0]], environ)
        if resource_id is None or (resource["type"], resource_id) in known:
            progress(f"{stack_name(resource)} was not created, or may be put again")
        elif resource.get("parent") not in urns:
            raise RecoveryError(
                f"{resource['urn']} stands as {resource_id}, but its parent is not in the state"
            )
        else:
            progress(f"{stack_name(resource)} stands as {resource_id}: taken over")
            standing.append({**resource, "id": resource_id, "outputs": {}})
    return standing


def _read_taken_over(root: Path, stack: str, environ: dict[str, str], deployment: dict[str, Any]) -> None:
    """Let Pulumi read what was taken over.

    What was asked for stays as it was recorded: it is exact, and its secrets are encrypted, while a reading
    leaves out what AWS does not tell.
    """
    asked = {
        resource["urn"]: resource["inputs"]
        for resource in deployment.get("resources") or []
        if resource.get("custom") and resource["type"].startswith("aws:") and not resource.get("outputs")
    }
    if not asked:
        return
    targets = [argument for urn in asked for argument in ("--target", urn)]
    _pulumi(["refresh", "--yes", "--skip-preview", "--stack", stack, *targets], root, environ)
    exported = _export(root, stack, environ)
    for resource in exported["deployment"]["resources"]:
        if resource["urn"] in asked:
            resource["inputs"] = asked[resource["urn"]]
    _import(root, stack, exported, environ)


def _export(root: Path, stack: str, environ: dict[str, str]) -> dict[str, Any]:
    return dict(json.loads(_pulumi(["stack", "export", "--stack", stack], root, environ)))


def _import(root: Path, stack: str, exported: dict[str, Any], environ: dict[str, str]) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:  # secrets in it are encrypted
        json.dump(exported, file)
        file.flush()
        _pulumi(["stack", "import", "--stack", stack, "--file", file.name], root, environ)


def stack_name(resource: dict[str, Any]) -> str:
    """Return a resource's name in its stack."""
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
