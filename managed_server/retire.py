"""``managed retire``: ends servers, or a customer, that the stack file says are to leave.

Run again after it was interrupted, it finishes. Run again when the backups' lock has ended, it lets them go.
"""

import os
import shlex
import subprocess
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from managed_server import kept_backups, recovery, recovery_finders
from managed_server.inputs import load_stack, stack_names
from managed_server.leaving import State
from managed_server.problems import InputError, Problem, unknown_server
from managed_server.pulumi_command import PulumiError, pulumi
from managed_server.resolve import load_customer
from managed_server.spec import CustomerSpec

# What makes dumps has these names by habit; what it makes goes into the backup that follows.
_DUMPS = ("managed-*dumps.service", "managed-*-snapshot.service", "managed-*-backup.service")
LAST_BACKUP = (
    f"for unit in $(systemctl list-unit-files --no-legend --plain {' '.join(map(shlex.quote, _DUMPS))} "
    "| cut -d ' ' -f 1) managed-backup.service; do systemctl start $unit || exit 1; done; "
    "cat /var/lib/managed-server/heartbeat/backup-result"
)
"""As root on a server: all dumps, then the backup; each is waited for."""

Progress = Callable[[str], None]


class RetireError(Exception):
    """It isn't ended, or not wholly; the message says why, and the same command goes on."""


@dataclass(frozen=True)
class Access:
    """How servers are reached for their last backup."""

    ssh: str
    user: str | None
    without: Collection[str]
    """Servers whose machine is dead: no last backup is asked of them."""


def retire(
    root: Path, stack: str, server: str | None, access: Access, *,
    agree: Callable[[str], None], progress: Progress,
) -> None:  # fmt: skip
    """End a server, or the customer with all its servers.

    Args:
        root: the repository.
        stack: the customer.
        server: its name; None for all of a customer that leaves.
        access: to the servers.
        agree: is told what is given up, and ends it all where somebody says no.
        progress: told what happens.

    Raises:
        InputError: the stack file doesn't say that it leaves.
        RetireError: it failed; the same command goes on from there.
    """
    customer = load_customer(root, stack)
    names = _names(root, customer, server)
    try:
        recovery.recover(root, stack, dict(os.environ), progress)
        _end(root, customer, names, access, agree, progress)
        _let_go(root, customer, server, agree, progress)
    except (
        recovery.RecoveryError, recovery_finders.LookUpError, kept_backups.KeptError, PulumiError,
    ) as error:  # fmt: skip
        raise RetireError(str(error)) from error


def _names(root: Path, customer: CustomerSpec, server: str | None) -> tuple[str, ...]:
    """Return the servers that are to end, and refuse those that nobody has agreed on.

    Raises:
        InputError: the stack file doesn't say so.
    """
    wrong = None
    if server is None:
        if not customer.retires:
            wrong = (
                "retire",
                "the customer is not to leave: write `retire: true` here, and have it reviewed",
            )
    elif server not in customer.retiring:
        known = {*customer.retiring, *(each.name for each in customer.servers)}
        if server not in known:
            raise unknown_server(customer.stack_file, server, known)
        wrong = (
            f"servers.{server}.retire",
            "the server is not to leave: write `retire: true`, and have it reviewed",
        )
    if wrong is None and server is None:
        wrong = _needed(root, customer)
    if wrong:
        raise InputError([Problem(customer.stack_file, 0, *wrong)])
    return customer.retiring if server is None else (server,)


def _needed(root: Path, customer: CustomerSpec) -> tuple[str, str] | None:
    """Tell why a customer can't end before others: it is their hub, or their account is its own."""
    others = {s: load_stack(root, s)[1] for s in stack_names(root) if s != customer.id}
    watched = [name for name, other in others.items() if other.hub == customer.id]
    if customer.runs_hub and watched:
        return "retire", f"is the hub of {', '.join(watched)}: move them to another hub first"
    sharing = [name for name, other in others.items() if other.aws.shares_account_with == customer.id]
    if sharing:
        return (
            "retire",
            (
                f"{', '.join(sharing)} shares its account, and has the record of calls from it: take "
                "`shares_account_with` out of that stack file and deploy it first"
            ),
        )
    return None


def _end(
    root: Path, customer: CustomerSpec, names: tuple[str, ...], access: Access,
    agree: Callable[[str], None], progress: Progress,
) -> None:  # fmt: skip
    """Take the last backup of servers that stand, and everything of them away, the backups aside."""
    environ, stack = dict(os.environ), customer.id
    exported, state = _state(root, stack)
    if not state.remaining(names):
        return
    standing = state.standing(names)
    if standing:
        agree("\n".join(_given_up(stack, name, known) for name, known in standing.items()))
    for name, known in standing.items():
        if name in access.without:
            progress(f"{stack}-{name}: no last backup; the latest one that went well is what is left")
        else:
            _last_backup(stack, name, str(known.get("address", "")), access, progress)
    # The backup took its time: somebody may have deployed meanwhile.
    exported, state = _state(root, stack)
    freed = state.let_go(names)
    if freed:
        progress(f"{freed} resources are no longer protected")
    _without_hub(state, names, environ, progress)
    recovery.import_state(root, stack, exported, environ)
    progress(f"pulumi up -s {stack}: all else of {', '.join(names)} goes")
    command = ["up", "--yes", "--skip-preview", "--stack", stack, "--policy-pack", "policies"]
    pulumi(root, command, show=2)


def _state(root: Path, stack: str) -> tuple[dict[str, Any], State]:
    exported = recovery.export_state(root, stack, dict(os.environ))
    return exported, State(stack, exported["deployment"].get("resources") or [])


def _given_up(stack: str, name: str, known: dict[str, Any]) -> str:
    where = known.get("address", "no address")
    if "instance_id" not in known:
        return f"{stack}-{name} ({where}) is looked after no more. Its machine is its owner's, and stays."
    volume = f"its data volume of {known['data_gb']:.0f} GB" if "data_gb" in known else ""
    if known["instance_id"] is None:  # its first update came to no end
        lost = "it has no machine" + (f", {volume} is destroyed" if volume else "")
    else:
        lost = f"{known['instance_id']} is destroyed with all that is on it{volume and f' and on {volume}'}"
    return f"{stack}-{name} ({where}) is ended: {lost}, and its address is let go. Its off-site backups stay."


def _last_backup(stack: str, name: str, address: str, access: Access, progress: Progress) -> None:
    """Have a server's dumps and backup taken now.

    Raises:
        RetireError: it isn't reached, or the backup lacks something.
    """
    where = f"{access.user}@{address}" if access.user else address
    advice = (
        "Put it right (docs/runbooks/backup.md) or leave it out, where the machine is dead: --without-backup "
        f"{name}"
    )
    if not address:
        raise RetireError(f"{stack}-{name}: no last backup without an address. {advice}")
    progress(f"{stack}-{name}: the last backup, on {where}")
    command = [*shlex.split(access.ssh), where, shlex.join(["sudo", "sh", "-c", LAST_BACKUP])]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    said = ((done.stdout if done.returncode == 0 else done.stderr).strip().splitlines() or ["nothing"])[-1]
    if done.returncode or not said.startswith("ok "):
        raise RetireError(f"{stack}-{name}: the last backup didn't go well: {said}. {advice}")
    progress(f"{stack}-{name}: {said}")


def _without_hub(state: State, names: tuple[str, ...], environ: dict[str, str], progress: Progress) -> None:
    """Forget what servers have told a hub whose bucket is no more, or can't be reached."""
    published = state.published(names)
    for bucket in sorted({str(each["inputs"]["bucket"]) for each in published}):
        told = [each for each in published if each["inputs"]["bucket"] == bucket]
        provider = state.provider_of(told[0])
        reason = kept_backups.why_not(partial(_s3, provider, environ), bucket)
        if reason is not None:
            state.forget({each["urn"] for each in told})
            keys = ", ".join(sorted(str(each["inputs"]["key"]) for each in told))
            progress(
                f"the hub's bucket {bucket} can't be reached ({reason}): it isn't told that they leave. If "
                f"it comes back, delete in it: {keys}"
            )


def _s3(provider: dict[str, Any], environ: dict[str, str]) -> Any:
    return recovery_finders.clients(provider, environ)("s3")


def _let_go(
    root: Path, customer: CustomerSpec, server: str | None, agree: Callable[[str], None], progress: Progress
) -> None:
    """Say what is left and until when; delete it where its lock has ended."""
    exported, state = _state(root, customer.id)
    prefix = f"{server}/" if server else ""
    found = []
    for bucket in state.buckets():
        if server is None or bucket["id"] == customer.backup_bucket:
            s3 = _s3(state.provider_of(bucket), dict(os.environ))
            found.append((s3, kept_backups.look(s3, bucket["id"], prefix)))
    who = customer.id if server is None else f"{customer.id}-{server}"
    locked = [kept for _, kept in found if kept.until and kept.until > datetime.now(tz=UTC)]
    if locked:
        last = max(kept.until for kept in locked if kept.until)
        progress(
            f"{who}: the off-site backups stay, locked until {last:%Y-%m-%d %H:%M} UTC, with what they need "
            "to be read. Keep the stack file as it is. After that, run this command again: it lets them go"
        )
        return
    there = [(s3, kept) for s3, kept in found if kept.versions]
    if there or (server is None and state.resources):
        agree(
            "\n".join([f"Deleted for good: {kept.text}" for _, kept in there])
            + (
                ""
                if server
                else f"\nThe keys of {who}, the passphrase of its backups, the record of calls to its "
                "account, and all else go as well."
            )
        )
    if server is None:
        _no_more_records(state, progress)
        for s3, kept in found:
            kept_backups.no_more_logs(s3, kept.bucket)
        # What was written until now, such as logs of having looked.
        there = [(s3, kept_backups.look(s3, kept.bucket)) for s3, kept in found]
    for s3, kept in there:
        if kept.versions:
            kept_backups.remove(s3, kept)
            progress(f"{who}: deleted {kept.text}")
    if server is None:
        _destroy(root, customer.id, exported, state, progress)
        progress(f"nothing is left of {who}: remove {customer.stack_file}")
    else:
        progress(f"nothing is left of {who}: take its lines out of {customer.stack_file}")


def _no_more_records(state: State, progress: Progress) -> None:
    """End the record of calls: its bucket can't be emptied while there are new ones.

    Raises:
        KeptError: AWS refuses.
    """
    for trail in state.trails():
        cloudtrail = recovery_finders.clients(state.provider_of(trail), dict(os.environ))("cloudtrail")
        kept_backups.no_more_records(cloudtrail, trail["id"])
        progress(f"{trail['id']}: nothing more is recorded")


def _destroy(root: Path, stack: str, exported: dict[str, Any], state: State, progress: Progress) -> None:
    if state.resources:
        state.let_all_go()
        recovery.import_state(root, stack, exported, dict(os.environ))
        progress(f"pulumi destroy -s {stack}: nothing is protected any more")
        pulumi(root, ["destroy", "--yes", "--skip-preview", "--stack", stack], show=2)
    pulumi(root, ["stack", "rm", "--yes", "--preserve-config", "--stack", stack])
