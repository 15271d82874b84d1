"""``managed local``: the local AWS, the engine, and the stacks that stand on them.

State lives in ``.local/``: ``aws.json`` and ``aws.log`` (the server), ``state/`` (Pulumi's file backend) and
``boot-id`` (which start of the local AWS the state speaks of).
"""

import ctypes
import fcntl
import json
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from managed_server.inputs import load_stack, stack_names, stack_path
from managed_server.loading import read_yaml
from managed_server.local import engine as engines
from managed_server.local import hub_addresses
from managed_server.local.aws import process as aws
from managed_server.problems import InputError
from managed_server.pulumi_command import PulumiError, pulumi
from managed_server.recovery import RecoveryError, recover

_LOCAL = ".local"
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PIPED = 240  # columns where nobody looks at a screen: a row stays a line
# The local AWS accepts any credentials; these protect nothing.
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "us-east-1"}
# A shell's real identity must not get mixed into it.
_FOREIGN = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")
_PASSPHRASE = "local"  # noqa: S105 - encrypts the state of a local AWS that holds nothing

console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


class SessionError(Exception):
    """A step failed; the message says which, and what to do."""


_FAILURES = (SessionError, RecoveryError, engines.EngineError, aws.LocalAwsError, OSError)


def _progress(message: str) -> None:
    console.print(f"[dim]·[/] {message}")


def environment(root: Path, engine: engines.Engine, local: aws.LocalAws) -> dict[str, str]:
    """Return what ``pulumi`` and AWS clients need to reach the local AWS."""
    shared = engines.environment(engine)
    path = shared.get("PATH", os.environ.get("PATH", os.defpath))
    return {
        **shared,
        "PATH": os.pathsep.join([path, str(Path(sys.prefix) / "bin")]),  # `managed` itself
        **_CREDENTIALS,
        "AWS_ENDPOINT_URL": local.endpoint,
        "AWS_MAX_ATTEMPTS": "3",  # what the local AWS lacks would be asked for again for minutes
        "MANAGED_SERVER_AWS_ENDPOINT": local.endpoint,
        "PULUMI_BACKEND_URL": engines.backend_url(root / _LOCAL / "state"),
        "PULUMI_CONFIG_PASSPHRASE": _PASSPHRASE,
    }


def up(root: Path, stacks: list[str]) -> int:
    """Provision stacks on the local AWS.

    Returns:
        The exit code: 0, or 1 where a step failed.

    Raises:
        InputError: before anything is started or created.
    """
    from managed_server.reports.check import check_stacks  # noqa: PLC0415 - only `up` renders

    stacks = stacks or stack_names(root)
    checked = check_stacks(root, stacks)
    for problem in checked.problems:
        if problem.severity == "warning":
            console.print("warning: ", style="yellow", end="")
            console.print(str(problem), markup=False)
    if checked.errors:
        raise InputError(checked.problems)
    try:
        with _alone(root):
            environ = _prepare(root)
            stacks = _with_hubs(root, stacks)
            for stack in stacks:
                _up_one(root, stack, environ)
            _print_standing(root, stacks, environ)
    except _FAILURES as error:
        return _failed(error)
    return 0


def _with_hubs(root: Path, stacks: list[str]) -> list[str]:
    """Put hubs first, and add those that don't stand yet: a stack publishes its servers to its hub."""
    wanted = {load_stack(root, stack)[1].hub for stack in stacks} & set(stack_names(root))
    standing = _stack_states(root)
    missing = sorted(hub for hub in wanted if hub not in stacks and not standing.get(hub))
    return [*missing, *(s for s in stacks if s in wanted), *(s for s in stacks if s not in wanted)]


def preview(root: Path, stacks: list[str]) -> int:
    """Show what `up` would do, with the policies; nothing is created but the stack's empty state."""
    stacks = stacks or stack_names(root)
    try:
        with _alone(root):
            environ = _prepare(root)
            for stack in stacks:
                _select(root, stack, environ)
                recover(root, stack, environ, _progress)
                arguments = ["preview", "--diff", "--stack", stack, "--policy-pack", "policies"]
                _pulumi(arguments, root, environ, show=1)
    except _FAILURES as error:
        return _failed(error)
    return 0


def _failed(error: Exception) -> int:
    console.print("error: ", style="red", end="")
    console.print(str(error), markup=False)
    return 1


def _prepare(root: Path) -> dict[str, str]:
    """Start what is needed, and return the environment for Pulumi."""
    engine, local = _start(root)
    _start_over_after_restart(root, local)
    inherited = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return {**inherited, **environment(root, engine, local)}


@contextmanager
def _alone(root: Path, *, wait: bool = True) -> Iterator[bool]:
    """Let one command at a time change what stands; yields whether this is the one.

    The lock goes with the process that holds it, however it ends.
    """
    (root / _LOCAL).mkdir(parents=True, exist_ok=True)
    with (root / _LOCAL / "session.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                yield False
                return
            lock.seek(0)
            _progress(
                f"waiting for process {lock.read().strip() or '?'}, which is at work on the same stacks"
            )
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield True


def _start(root: Path) -> tuple[engines.Engine, aws.LocalAws]:
    (root / _LOCAL / "state").mkdir(parents=True, exist_ok=True)
    engine = engines.find_or_build(_progress)
    local = aws.start(root / _LOCAL, _progress)
    hub_addresses.allocate(root, local)
    return engine, local


def _start_over_after_restart(root: Path, local: aws.LocalAws) -> None:
    """Forget a state whose resources were lost with an earlier start of the local AWS."""
    marker, state = root / _LOCAL / "boot-id", root / _LOCAL / "state"
    known = marker.read_text() if marker.is_file() else None
    if known != local.boot_id:
        if any(state.iterdir()):
            console.print(
                "[yellow]The local AWS was restarted and has lost its resources; "
                "starting over with an empty state."
            )
            shutil.rmtree(state)
            state.mkdir()
        marker.write_text(local.boot_id)


def _end_with_parent() -> None:
    """Ask the kernel to tell a child when this process is gone, so that a killed command leaves none behind.

    SIGTERM lets Pulumi finish what is in flight and write its state.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _pulumi(arguments: list[str], root: Path, environ: dict[str, str], *, show: int | None = None) -> str:
    """Run Pulumi; it ends with this process."""
    try:
        # One system call, and no lock is taken: safe between fork and exec.
        return pulumi(root, arguments, environ, show=show, first=_end_with_parent)
    except PulumiError as error:
        raise SessionError(str(error)) from error


def _up_one(root: Path, stack: str, environ: dict[str, str]) -> None:
    _select(root, stack, environ)
    recover(root, stack, environ, _progress)
    _progress(f"pulumi up -s {stack}")
    _pulumi(
        ["up", "--yes", "--skip-preview", "--stack", stack, "--policy-pack", "policies"],
        root,
        environ,
        show=1,
    )


def _select(root: Path, stack: str, environ: dict[str, str]) -> None:
    """Select a stack, or make it.

    Making it, Pulumi adds its salt to the stack file and formats all of it anew: what people wrote is kept.
    A file that names a key for its secrets, as that of a deployed customer does, gets no salt.
    """
    path = stack_path(root, stack)
    before = path.read_text()
    data = read_yaml(path, root).data
    provider = data.get("secretsprovider") if isinstance(data, dict) else None
    secrets = ["--secrets-provider", provider] if isinstance(provider, str) else []
    _pulumi(["stack", "select", "--create", stack, *secrets], root, environ)
    after = path.read_text()
    if after != before:
        added = [line for line in after.splitlines() if line.startswith("encryptionsalt: ")]
        kept = [line for line in before.splitlines() if not line.startswith("encryptionsalt: ")]
        path.write_text("\n".join([*kept, *added]) + "\n")


def _outputs(root: Path, stack: str, environ: dict[str, str]) -> dict[str, Any]:
    return dict(json.loads(_pulumi(["stack", "output", "--json", "--stack", stack], root, environ)))


def _print_standing(root: Path, stacks: list[str], environ: dict[str, str]) -> None:
    for stack in stacks:
        table = Table(
            "what", "where", title=f"{stack} stands on the local AWS", title_justify="left", box=None
        )
        for name, value in _flat(_outputs(root, stack, environ)):
            table.add_row(name, str(value))
        Console(emoji=False, width=None if sys.stdout.isatty() else _PIPED).print(table)


def _flat(value: Any, name: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [row for key in value for row in _flat(value[key], f"{name}.{key}" if name else key)]
    return [(name, value)]


def down(root: Path) -> int:
    """Stop the local AWS, and forget the state of what stood on it."""
    try:
        with _alone(root):
            stopped = aws.stop(root / _LOCAL)
            for gone in ("state", "boot-id"):
                path = root / _LOCAL / gone
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    except _FAILURES as error:
        return _failed(error)
    console.print("The local AWS is stopped." if stopped else "The local AWS was not running.")
    return 0


def status(root: Path, *, as_json: bool) -> int:
    """Print what runs and what stands; exit code 1 where the local AWS does not run."""
    local = aws.status(root / _LOCAL)
    stacks = _stack_states(root)
    marker = root / _LOCAL / "boot-id"
    lost = (
        local is not None and bool(stacks) and (not marker.is_file() or marker.read_text() != local.boot_id)
    )
    if as_json:
        found = {"running": local is not None, "endpoint": local.endpoint if local else None, "lost": lost}
        print(json.dumps({**found, "stacks": stacks}, indent=1))  # noqa: T201
    else:
        out = Console(highlight=False, soft_wrap=True, emoji=False)
        out.print(f"local AWS: {local.endpoint} (pid {local.pid})" if local else "local AWS: not running")
        if lost:
            out.print(
                "[yellow]It was restarted and has lost the resources below; `managed local up` starts over."
            )
        for stack, count in stacks.items():
            out.print(f"stack {stack}: {count} resources")
    return 0 if local else 1


def _stack_states(root: Path) -> dict[str, int]:
    counts = {}
    for path in sorted((root / _LOCAL / "state" / ".pulumi" / "stacks" / "managed-server").glob("*.json")):
        try:
            deployment = json.loads(path.read_text()).get("checkpoint", {}).get("latest") or {}
        except (OSError, ValueError):  # just being replaced
            deployment = {}
        counts[path.stem] = len(deployment.get("resources") or [])
    return counts


def env(root: Path, *, as_json: bool) -> int:
    """Print the environment for plain ``pulumi``, starting what it points at."""
    try:
        engine, local = _start(root)
        with _alone(root, wait=False) as alone:
            if alone:  # else whoever is at work has looked already
                _start_over_after_restart(root, local)
    except _FAILURES as error:
        return _failed(error)
    found = environment(root, engine, local)
    if as_json:
        print(json.dumps(found, indent=1))  # noqa: T201
    else:
        sys.stdout.write(f"unset {' '.join(_FOREIGN)}\n")
        sys.stdout.write("".join(f"export {name}={shlex.quote(value)}\n" for name, value in found.items()))
    return 0
