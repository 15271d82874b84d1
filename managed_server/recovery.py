"""Puts a stack's state right after its engine was killed, so that the same command run again finishes.

Pulumi notes each create before it starts. A kill in between leaves a *pending create*: the resource may stand
in AWS without being in the state, and creating it again would fail or make it twice. Each pending create is
looked up in AWS by the name or the tag that this project gives it, and is either taken over or struck out.
(Pulumi's own `refresh --import-pending-creates` marks such operations and then does nothing with them.)
A lock that a dead process left is removed; one that a living process holds is waited for.
"""

import json
import os
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from managed_server import recovery_finders, recovery_state
from managed_server.pulumi_command import PulumiError, pulumi

_WAIT_S = 300
"""Seconds that a living process may hold the lock: a bucket's lifecycle rules alone take 55."""

_WRITE_S = 1
"""Seconds after which a lock that can't be read is no longer being written."""

_PROC = Path("/proc")

_PROVIDER = "pulumi:providers:aws"

Progress = Callable[[str], None]
Resource = dict[str, Any]


class RecoveryError(Exception):
    """The state can't be put right; the message says what to do."""


def recover(root: Path, stack: str, environ: dict[str, str], progress: Progress) -> None:
    """Remove a dead process's lock, and settle pending creates.

    Raises:
        RecoveryError: if somebody else holds the lock, or Pulumi or AWS refuses; the state is then as it was.
    """
    _settle_locks(root, stack, environ, progress)
    exported = export_state(root, stack, environ)
    deployment = exported["deployment"]
    operations = deployment.get("pending_operations") or []
    pending = [operation["resource"] for operation in operations if operation["type"] == "creating"]
    if pending:
        progress(f"{stack}: the last run ended while it created {len(pending)} resources; looking for them")
        resources = deployment.get("resources") or []
        try:
            taken, unsettled = _settle(resources, pending, environ, progress)
        except recovery_finders.LookUpError as error:
            raise RecoveryError(str(error)) from error
        deployment["resources"] = recovery_state.add(resources, taken)
        # Pending updates and deletes stay: the next run does them again.
        deployment["pending_operations"] = [
            operation
            for operation in operations
            if operation["type"] != "creating" or operation["resource"]["urn"] in unsettled
        ]
        import_state(root, stack, exported, environ)
    _read_taken_over(root, stack, environ, deployment)


def _settle(
    resources: list[Resource], pending: list[Resource], environ: dict[str, str], progress: Progress
) -> tuple[list[Resource], set[str]]:
    """Look for pending creates.

    Returns:
        The states of those that stand in AWS, as they were asked for, not yet read; and the URNs of those
        that can't be looked for, which stay pending, so that Pulumi warns of them.
    """
    providers = {f"{r['urn']}::{r.get('id')}": r["inputs"] for r in resources if r["type"] == _PROVIDER}
    # One that was deleted before its replacement had its name, which the replacement has now.
    known = {_identity(r, r.get("id"), providers) for r in resources if not r.get("pendingReplacement")}
    taken: list[Resource] = []
    unsettled: set[str] = set()
    for resource in pending:
        kind, name = resource["type"], stack_name(resource)
        if recovery_state.is_component(kind) or kind.startswith("pulumi:"):
            continue  # made again by the next run, at no cost
        if kind in recovery_finders.PUT_AGAIN:
            progress(f"{name} may be put again")
            continue
        provider = providers.get(resource.get("provider") or "")
        if kind not in recovery_finders.FINDERS or provider is None:
            progress(f"{name} can't be looked for ({kind}): see whether it stands before the next run")
            unsettled.add(resource["urn"])
            continue
        # What the state knows by the same name is what was being replaced.
        found = [
            each
            for each in recovery_finders.find(resource, provider, environ)
            if _identity(resource, each, providers) not in known
        ]
        if len(found) > 1:
            raise RecoveryError(f"{name} stands more than once, as {', '.join(found)}: delete all but one")
        if found:
            progress(f"{name} stands as {found[0]}: taken over")
            taken.append({**resource, "id": found[0], "outputs": _unread(resource, found[0])})
            recovery_finders.finish(taken[-1], provider, environ)
        else:
            progress(f"{name} was not created")
    return taken, unsettled


def _identity(resource: Resource, resource_id: str | None, providers: dict[str, Any]) -> tuple[Any, ...]:
    """Return what only one thing in AWS has: an id is often a name, of which each region has its own."""
    provider = providers.get(resource.get("provider") or "", {})
    return resource["type"], resource_id, provider.get("region"), str(provider.get("assumeRoles"))


def _unread(resource: Resource, resource_id: str) -> dict[str, Any]:
    """Return the outputs of what was taken over and not read: none, but for those that AWS does not tell."""
    inputs = resource.get("inputs") or {}
    kept = {
        name: inputs[name] for name in recovery_finders.NOT_TOLD.get(resource["type"], ()) if name in inputs
    }
    return {"id": resource_id, **kept} if kept else {}


def _is_unread(resource: Resource) -> bool:
    outputs, kept = resource.get("outputs") or {}, recovery_finders.NOT_TOLD.get(resource["type"], ())
    return not outputs or (bool(kept) and set(outputs) <= {"id", *kept})


def _read_taken_over(root: Path, stack: str, environ: dict[str, str], deployment: dict[str, Any]) -> None:
    """Let Pulumi read what was taken over, now or by a recovery that was killed.

    What was asked for stays as it was recorded: it is exact, and its secrets are encrypted, while a reading
    leaves out what AWS does not tell.
    """
    asked = {
        resource["urn"]: resource["inputs"]
        for resource in deployment.get("resources") or []
        # No other type is ever taken over, and each of these has outputs once it is read.
        if resource["type"] in recovery_finders.FINDERS
        and _is_unread(resource)
        and not resource.get("delete")
    }
    if not asked:
        return
    targets = [argument for urn in asked for argument in ("--target", urn)]
    _pulumi(["refresh", "--yes", "--skip-preview", "--stack", stack, *targets], root, environ)
    exported = export_state(root, stack, environ)
    for resource in exported["deployment"]["resources"]:
        if resource["urn"] in asked and not resource.get("delete"):
            resource["inputs"] = asked[resource["urn"]]
    import_state(root, stack, exported, environ)


def export_state(root: Path, stack: str, environ: dict[str, str]) -> dict[str, Any]:
    """Return a stack's state.

    Raises:
        RecoveryError: if Pulumi refuses.
    """
    return dict(json.loads(_pulumi(["stack", "export", "--stack", stack], root, environ)))


def import_state(root: Path, stack: str, exported: dict[str, Any], environ: dict[str, str]) -> None:
    """Put a state in the place of a stack's.

    Raises:
        RecoveryError: if Pulumi refuses; the state is then as it was.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:  # secrets in it are encrypted
        json.dump(exported, file)
        file.flush()
        _pulumi(["stack", "import", "--stack", stack, "--file", file.name], root, environ)


def stack_name(resource: dict[str, Any]) -> str:
    """Return a resource's name in its stack."""
    return str(resource["urn"]).rpartition("::")[2]


def _settle_locks(root: Path, stack: str, environ: dict[str, str], progress: Progress) -> None:
    backend = urlsplit(environ.get("PULUMI_BACKEND_URL", ""))
    if backend.scheme != "file":
        return  # a shared backend's lock is somebody's: `pulumi cancel` is theirs to decide
    # Pulumi takes `file://~` and relative paths, too.
    folder = root / Path(backend.netloc + backend.path).expanduser() / ".pulumi" / "locks"
    for lock in sorted(folder.glob(f"**/{stack}/*.json")):
        _settle_lock(lock, stack, progress)


def _settle_lock(lock: Path, stack: str, progress: Progress) -> None:
    deadline = time.monotonic() + _WAIT_S
    told = False
    while held := _lock(lock):
        if held.get("hostname") != socket.gethostname():
            raise RecoveryError(f"{stack} is locked by {held.get('username')} on {held.get('hostname')}")
        if not _lives(held["pid"]):
            break
        if time.monotonic() > deadline:
            raise RecoveryError(f"{stack} is locked by process {held['pid']}; wait for it, or end it")
        if not told:
            progress(f"{stack}: waiting for process {held['pid']}, which is still at work")
            told = True
        time.sleep(0.1)
    if lock.is_file():
        lock.unlink(missing_ok=True)
        progress(f"{stack}: removed the lock of a process that is gone")


def _lock(lock: Path) -> dict[str, Any] | None:
    """Return what a lock says; None where it is gone, or stays half written."""
    deadline = time.monotonic() + _WRITE_S
    while True:
        try:
            held = json.loads(lock.read_text())
        except FileNotFoundError:
            return None
        except ValueError:
            held = None
        if isinstance(held, dict) and isinstance(held.get("pid"), int):
            return held
        if time.monotonic() > deadline:
            return None
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    """Tell whether Pulumi runs under a number, and not a later process that got it."""
    if not _PROC.is_dir():  # no Linux: the number is all there is
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True
    try:
        name = (_PROC / str(pid) / "comm").read_text().strip()
        state = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return name.startswith("pulumi") and state != "Z"


def _pulumi(arguments: list[str], root: Path, environ: dict[str, str]) -> str:
    try:
        return pulumi(root, arguments, environ)
    except PulumiError as error:
        raise RecoveryError(str(error)) from error
