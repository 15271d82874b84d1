"""``managed restore``: an engineer restores on a server, over SSH, what its off-site backup holds."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from managed_server.inputs import load_project, load_stack
from managed_server.problems import InputError, Problem, unknown_server
from managed_server.pulumi_command import PulumiError, pulumi

PROGRAM = (
    *("sudo", "systemd-run", "--quiet", "--collect", "--wait", "--pipe"),
    "/usr/local/sbin/managed-restore",
)
"""As a unit, with the environment that the server's own jobs have."""
_IDENTITY = "/etc/managed-server/identity"
_IS_MEANT = (
    f'here=$(sed -n "s/^MANAGED_CUSTOMER=//p; s/^MANAGED_SERVER=//p" {_IDENTITY} | paste -sd " "); '
    '[ "$here" = "$1 $2" ] || { echo "restore: nothing was touched: the machine is '
    '${here:-no managed server}, not $1 $2. Name the address of $2 with --address" >&2; exit 1; }'
)
"""As root on a machine: it must be the customer's server that is named, whatever address somebody wrote."""
RULE = "individual-file-restores"
"""Of the terms: who pays for files that somebody deleted by accident."""


class RestoreError(Exception):
    """It can't be restored; the message says why."""


def must_be_there(root: Path, stack: str, server: str) -> None:
    """Refuse a server that is in no stack file, wherever it is said to be reached.

    Raises:
        InputError: the stack has no such server, or its file is wrong.
    """
    document, customer = load_stack(root, stack)
    if server not in customer.servers:
        raise unknown_server(document.file, server, customer.servers)


def address_of(root: Path, stack: str, server: str) -> str:
    """The address of a server, as its stack knows it.

    Raises:
        RestoreError: its address isn't known.
    """
    found = outputs_of(root, stack).get("servers", {}).get(server, {}).get("address")
    if not found:
        raise RestoreError(
            f"{stack} has no address of {server}, so it isn't deployed yet: name it with --address"
        )
    return str(found)


def must_have_volume(root: Path, stack: str, server: str) -> None:
    """Refuse to keep what is on a data volume of a server that has none.

    Raises:
        InputError: it has none, or isn't there.
    """
    _, customer = load_stack(root, stack)
    if server not in customer.servers or customer.servers[server].data_gb is None:
        said = "has no data volume (data_gb): leave --keep-volume out"
        raise InputError([Problem(f"stacks/Pulumi.{stack}.yaml", 0, f"servers.{server}", said)])


def outputs_of(root: Path, stack: str) -> dict[str, Any]:
    """The outputs of a stack.

    Raises:
        RestoreError: Pulumi doesn't tell them.
    """
    try:
        told = pulumi(root, ["stack", "output", "--json", "--stack", stack])
    except PulumiError as error:
        raise RestoreError(f"{error}\nNobody tells the server's address: name it with --address") from error
    return dict(json.loads(told))


def price(root: Path) -> str:
    """What a restore of single files costs, by the terms.

    Raises:
        InputError: the contract is wrong.
    """
    contract = load_project(root).contract
    rate = contract.fees.hourly
    least = next((each.minimum_hours for each in rate.applies_to if each.rule == RULE), None)
    rule = next(each for each in contract.boundary.rules if each.id == RULE)
    minimum = f", at least {least} h" if least else ""
    return f"{rule.text} {contract.fees.currency} {rate.amount} an hour{minimum} ({rule.source})."


def run(
    where: str, paths: Sequence[str], at: str | None, ssh: str, *,
    whose: tuple[str, str], keep_volume: bool = False,
) -> int:  # fmt: skip
    """Restore on a server; what it tells, and its answer, are shown as they come.

    Args:
        where: user and address, for SSH.
        paths: files and folders; none for everything.
        at: a time (UTC), or None for the latest backup.
        ssh: the SSH program and its options.
        whose: customer and server that the machine must be.
        keep_volume: whether what is on the data volume is left alone.

    Returns:
        The exit code: 0 only where all went well.
    """
    arguments = ["paths", *paths] if paths else ["all"]
    arguments += ["--at", at] if at else []
    arguments += ["--keep-volume"] if keep_volume else []
    script = (
        f"{shlex.join(['sudo', 'sh', '-c', _IS_MEANT, 'sh', *whose])} && {shlex.join([*PROGRAM, *arguments])}"
    )
    command = [*shlex.split(ssh), where, script]
    sys.stderr.flush()
    code = subprocess.run(command, stdin=subprocess.DEVNULL, env=dict(os.environ), check=False).returncode
    return 0 if code == 0 else 1
