"""A new machine in the place of a lost one. Run again after it was interrupted, it goes on from there."""

import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from managed_server.inputs import load_stack
from managed_server.pulumi_command import PulumiError, pulumi
from managed_server.recovery import RecoveryError, recover
from managed_server.restore import RestoreError, outputs_of, run

WAIT_S = 3600.0
"""Seconds for boot and first converge, which installs everything."""
_POLL_S = 20.0
_HEARTBEAT = ("sudo", "cat", "/var/lib/managed-server/heartbeat/converge")
_NOTES = Path(".local/new-machine")

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """A server's place in its stack: the instance that is lost, and the one that stands there now."""

    urn: str
    """Of the instance; empty where the state has forgotten it already."""
    lost: str
    now: str
    protected: bool
    tied: tuple[str, ...]
    """URNs of the lost one, while the state has it, and of what names it: an attachment, an address."""
    note: Path
    """Remembers the lost one, until its data are on the new one."""

    @property
    def replaced(self) -> bool:
        """Whether a new machine stands there already."""
        return self.now != self.lost


def restore(
    root: Path, stack: str, server: str, where: str, at: str | None, ssh: str, *,
    agree: Callable[[str], None], progress: Progress, keep_volume: bool = False,
) -> int:  # fmt: skip
    """Make a new machine, wait until it is what its bundle says, and restore to it.

    Args:
        root: the repository.
        stack: the customer.
        server: its name.
        where: user and address, for SSH.
        at: a time (UTC), or None for the latest backup.
        ssh: the SSH program and its options.
        agree: is told what is given up, and ends it all where somebody says no.
        progress: told what happens.
        keep_volume: whether what is on the data volume, which outlives the machine, is left alone.

    Returns:
        The exit code: 0 only where all came back as it was.

    Raises:
        InputError: the stack has no such server.
        RestoreError: it failed; the same command goes on from there.
    """
    try:
        recover(root, stack, dict(os.environ), progress)
    except RecoveryError as error:
        raise RestoreError(str(error)) from error
    place = look(root, stack, server)
    if place.replaced:
        agree(f"{place.lost}, which was lost, has been replaced by {place.now}; {where} gets its data.")
    elif not place.urn:
        agree(f"{place.lost} is gone already; a new machine takes the place of {stack}-{server} ({where}).")
    else:
        agree(f"{stack}-{server} ({where}) is given up: {place.now} is destroyed with all that is on it.")
    replace(root, stack, place, progress)
    ssh = _to_new(place.note, ssh)
    try:
        wait(where, ssh, progress, WAIT_S)
    except RestoreError as error:
        raise RestoreError(
            f"{error}. Without --new-machine, a restore takes it as it is. Where it is lost as well: remove "
            f"{place.note}"
        ) from None
    code = run(where, (), at, ssh, whose=(stack, server), keep_volume=keep_volume)
    if code == 0:
        place.note.unlink(missing_ok=True)
        _host_key(place.note).unlink(missing_ok=True)
        progress(f"{stack}-{server} is back. Its host key is new: ssh-keygen -R {where.rpartition('@')[2]}")
    return code


def look(root: Path, stack: str, server: str) -> Place:
    """Look at what stands, and at what an earlier run has begun.

    Raises:
        InputError: the stack has no such server.
        RestoreError: it has no machine that could be replaced, or Pulumi doesn't tell.
    """
    load_stack(root, stack)
    note = root / _NOTES / f"{stack}-{server}.json"
    resources = _resources(root, stack)
    told = outputs_of(root, stack).get("servers", {}).get(server, {}).get("instance_id", "")
    if note.exists():
        begun = json.loads(note.read_text(encoding="utf-8"))
        urn, lost = str(begun["urn"]), str(begun["lost"])
    elif told:
        # A replacement that was begun elsewhere may be about to delete it; a refresh may have forgotten it.
        urn, lost = next((each["urn"] for each in resources if each.get("id") == told), ""), told
    else:
        raise RestoreError(
            f"{stack} has no machine {server} on AWS: install a Debian where it is hosted, do `managed "
            f"bootstrap {stack} {server}`, and when it has converged, restore without --new-machine"
        )
    # What a replacement is about to delete has the same URN.
    found = [each for each in resources if each["urn"] == urn and not each.get("delete")]
    now = next((each["id"] for each in found if each["id"] != lost), lost) if urn else told or lost
    tied = dict.fromkeys(
        each["urn"]
        for each in resources
        if (each in found and each["id"] == lost) or (each.get("inputs") or {}).get("instanceId") == lost
    )
    return Place(urn, lost, now, any(each.get("protect") for each in found), tuple(tied), note)


def replace(root: Path, stack: str, place: Place, progress: Progress) -> None:
    """Make the new machine, or finish making it.

    Raises:
        RestoreError: Pulumi can't; the same command goes on from there.
    """
    place.note.parent.mkdir(parents=True, exist_ok=True)
    if not place.note.exists():  # one that was given up has left the key of its machine, for the same address
        _host_key(place.note).unlink(missing_ok=True)
    place.note.write_text(json.dumps({"urn": place.urn, "lost": place.lost}), encoding="utf-8")
    more: list[str] = []
    stands = _stands(root, stack, place)
    if place.replaced:
        progress(f"{place.lost} was replaced by {place.now}; going on from there")
    elif stands:
        if place.protected:
            progress(f"{place.lost} is no longer protected")
            _pulumi(root, ["state", "unprotect", place.urn, "--yes", "--stack", stack])
        more = ["--replace", place.urn]
    else:
        progress(f"{place.lost} has been terminated")
    progress("a new machine takes its address, its role and its bundle")
    command = ["up", "--yes", "--skip-preview", "--stack", stack, "--policy-pack", "policies", *more]
    _pulumi(root, command, show=2)


def _stands(root: Path, stack: str, place: Place) -> bool:
    """Whether AWS still has the lost machine. If not, the state forgets it, and what names it.

    An instance that was terminated can't be stopped for its data volume: Pulumi would fail at that. Somebody
    may terminate it at any time, also after the new one was made.
    """
    if not place.tied:  # without targets, the whole stack would be refreshed
        return False
    targets = [option for urn in place.tied for option in ("--target", urn)]
    _pulumi(root, ["refresh", "--yes", "--skip-preview", "--stack", stack, *targets])
    return any(each.get("id") == place.lost and not each.get("delete") for each in _resources(root, stack))


def _host_key(note: Path) -> Path:
    """Where SSH keeps the host key of the new machine, beside the note."""
    return note.with_suffix(".known_hosts")


def _to_new(note: Path, ssh: str) -> str:
    """The SSH program for a machine whose host key nobody knows yet: the first one is taken, and then kept.

    Args:
        note: of the place.
        ssh: the program and its options, which go before these.
    """
    known = shlex.quote(str(_host_key(note).resolve()))
    return f"{ssh} -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile={known} -o ConnectTimeout=10"


def wait(where: str, ssh: str, progress: Progress, seconds: float) -> None:
    """Wait until the machine has become what its bundle says.

    Args:
        where: user and address, for SSH.
        ssh: the program and its options.
        progress: told what the machine says, where that changes.
        seconds: after which it's no use to wait any longer.

    Raises:
        RestoreError: it takes longer; the message says what was said last.
    """
    progress(f"waiting for {where}: it boots, and installs what its bundle says")
    last, deadline = "", time.monotonic() + seconds
    command = [*shlex.split(ssh), where, shlex.join(_HEARTBEAT)]
    while time.monotonic() < deadline:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        said = ((done.stdout if done.returncode == 0 else done.stderr).strip().splitlines() or [""])[-1]
        if said != last:
            last = said
            progress(f"it says: {said}")
        if done.returncode == 0 and said.startswith("ok "):
            return
        time.sleep(_POLL_S)
    raise RestoreError(f"the new machine is not ready after {seconds / 60:.0f} minutes; it last said: {last}")


def _resources(root: Path, stack: str) -> list[dict[str, Any]]:
    exported = json.loads(_pulumi(root, ["stack", "export", "--stack", stack]))
    return list((exported["deployment"] or {}).get("resources") or [])


def _pulumi(root: Path, arguments: list[str], *, show: int | None = None) -> str:
    try:
        return pulumi(root, arguments, show=show)
    except PulumiError as error:
        raise RestoreError(str(error)) from error
