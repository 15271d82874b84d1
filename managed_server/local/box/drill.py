"""``managed drill``: the latest backup on a fresh machine, held against its inventory, and recorded.

The machine plays the server's instance, in a session of its own (``.local/drill/``), and may only read:
nothing of the drill reaches the server, its hub, or the backup. Records are lines of ``.local/drills.jsonl``.
"""

import fcntl
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from managed_server import drills
from managed_server.bootstrap import Key
from managed_server.inputs import load_provider
from managed_server.local.aws import process as aws
from managed_server.local.aws.client import session as aws_session
from managed_server.local.box import commands
from managed_server.local.box.commands import console
from managed_server.local.box.machine import Box
from managed_server.local.box.session import Session, SessionError
from managed_server.problems import unknown_server
from managed_server.resolve import load_customer
from managed_server.spec import CustomerSpec

CONVERGE_TIMEOUT = 1200.0  # seconds; a first run downloads and installs everything
RESTORE_TIMEOUT = 6 * 3600.0
_POLL = 1.0
_HEARTBEAT = "/var/lib/managed-server/heartbeat/converge"

# Secrets of software are needed to converge; the passphrase isn't among them, but is taken from its copy.
_READING = ["s3:Get*", "s3:List*", "kms:Decrypt", "ssm:GetParameters"]
READ_ONLY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": _READING, "Resource": "*"}]}
)
"""What the drill's machine may do, of what its server may."""


def drill(root: Path, stack: str, server: str | None, at: str | None, *, as_json: bool) -> int:
    """Drill a customer's servers, one after the other; exit code 0 only where everything was shown of each.

    Raises:
        InputError: the stack file is wrong, or has no such server.
    """
    customer = load_customer(root, stack)
    names = [each.name for each in customer.servers]
    if server is not None and server not in names:
        raise unknown_server(customer.stack_file, server, names)
    local = aws.status(root / commands.LOCAL)
    with commands.failing():
        if local is None:
            raise SessionError(
                "a drill boots its machine on the local AWS, which doesn't run: `managed local up` first. "
                "For the real AWS no drill is built: docs/operate.md, Restore and drill, says what there is"
            )
        with _alone(root) as record:
            done = [
                _drill(root, customer, name, local, at, record) for name in names if server in (None, name)
            ]
    if as_json:
        print(json.dumps([each.as_json() for each in done], indent=1))  # noqa: T201
    else:
        _show(done)
    return 0 if done and all(each.ok for each in done) else 1


@contextmanager
def _alone(root: Path) -> Iterator[Any]:
    """One drill at a time: they have one session. Yields the record, to be added to."""
    with (root / commands.LOCAL / "drills.jsonl").open("a", encoding="utf-8") as record:
        try:
            fcntl.flock(record, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SessionError("another drill is on: wait for it") from None
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
        for number, handler in before.items():
            if handler != signal.SIG_IGN:  # nohup
                signal.signal(number, _end)
        try:
            yield record
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _end(*_: object) -> None:
    """Leave, so that the machine goes as well; a terminal that is lost says it twice, and once is enough."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    sys.exit(1)


def _drill(
    root: Path, customer: CustomerSpec, server: str, local: aws.LocalAws, at: str | None, record: Any
) -> drills.Drill:
    """Do one drill, and record it, whatever comes of it."""
    began, start = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), time.monotonic()

    def minutes() -> float:
        return round((time.monotonic() - start) / 60, 2)

    folder = root / commands.LOCAL
    session = Session(folder / commands.DRILL, folder, commands.progress)
    try:
        session.down()  # what a killed drill has left
        box = _machine(root, session, customer, server, local)
        with ExitStack() as stack:
            if not box.machine.instance_id:
                key = stack.enter_context(_reader(customer, server, local))
                commands.give(root, box, customer, key, replaces=False)
            _wait(box)
            commands.progress("the machine stands; restoring to it")
            times = ["--at", at] if at else []
            done = box.run(
                ["managed-restore", "all", "--passphrase-stdin", *times],
                RESTORE_TIMEOUT,
                input=_passphrase(customer, local) + "\n",
            )
        sys.stderr.write(done.stderr)
        found = drills.judge(
            customer.id, server, began, minutes(), code=done.returncode, out=done.stdout, err=done.stderr,
            dumps=[dump.name for dump in customer.server(server).dumps],
        )  # fmt: skip
    except (*commands.FAILURES, TimeoutExpired, BotoCoreError, ClientError) as error:
        found = drills.failed(customer.id, server, began, minutes(), str(error))
    finally:
        session.down()
    record.write(json.dumps(found.as_json(), sort_keys=True) + "\n")
    record.flush()
    return found


def _machine(root: Path, session: Session, customer: CustomerSpec, server: str, local: aws.LocalAws) -> Box:
    """Boot a fresh machine that plays the server's instance, and may only read."""
    provider = load_provider(root)
    found = [
        each for each in commands.standing(root, provider, local, [customer.id]) if each.server == server
    ]
    if not found:
        raise SessionError(f"{server} of {customer.id} doesn't stand on the local AWS")
    machine = replace(found[0], session_policy=READ_ONLY)
    # A first converge that begins before the boot has ended is waited for with it.
    aliases = {str(provider.mail.relay): commands.RELAY}
    session.up(
        [machine], hub="", office="", aliases=aliases,
        archives=commands.archives(root, [customer.id]), timeout=CONVERGE_TIMEOUT,
    )  # fmt: skip
    return session.box(machine.name)


@contextmanager
def _reader(customer: CustomerSpec, server: str, local: aws.LocalAws) -> Iterator[Key]:
    """A user for as long as the drill takes, who may read what the server that is hosted elsewhere may."""
    iam = aws_session(local, customer.account_id, customer.region).client("iam")
    name, group = f"{customer.access_user(server)}-drill", customer.access_group(server)
    denied = {"Effect": "Deny", "NotAction": _READING, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    _gone(iam, name)  # what a drill that was killed has left
    iam.create_user(UserName=name)
    try:
        iam.put_user_policy(UserName=name, PolicyName="read", PolicyDocument=policy)
        iam.add_user_to_group(GroupName=group, UserName=name)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        yield Key(made["AccessKeyId"], made["SecretAccessKey"])
    finally:
        _gone(iam, name)


def _gone(iam: Any, name: str) -> None:
    """See to it that there is no such user."""
    try:
        keys = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    except iam.exceptions.NoSuchEntityException:
        return
    for each in keys:
        iam.delete_access_key(UserName=name, AccessKeyId=each["AccessKeyId"])
    for each in iam.list_groups_for_user(UserName=name)["Groups"]:
        iam.remove_user_from_group(UserName=name, GroupName=each["GroupName"])
    for each in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=each)
    iam.delete_user(UserName=name)


def _wait(box: Box) -> None:
    """Wait until the machine is what its bundle says.

    Raises:
        SessionError: it doesn't become that.
    """
    deadline = time.monotonic() + CONVERGE_TIMEOUT
    said = ""
    while time.monotonic() < deadline:
        said = box.run(["cat", _HEARTBEAT]).stdout.strip()
        if said.startswith("ok "):
            return
        if said.startswith("critical"):
            break
        time.sleep(_POLL)
    raise SessionError(f"the drill's machine has not converged: {said or 'it says nothing'}")


def _passphrase(customer: CustomerSpec, local: aws.LocalAws) -> str:
    """The backup's passphrase, from the backup region: a drill shows that its copy is worth something."""
    ssm = aws_session(local, customer.backup_account_id, customer.backup_region).client("ssm")
    answer = ssm.get_parameter(Name=customer.passphrase_parameter, WithDecryption=True)
    return str(answer["Parameter"]["Value"])


def _show(done: list[drills.Drill]) -> None:
    figures = ("minutes", "files", "changed", "absent", "tables", "rows", "tampered")
    table = Table("server", "result", "snapshot", "age", *figures, box=None)
    for each in done:
        age = "" if each.age_hours is None else f"{each.age_hours:g} h"
        table.add_row(
            f"{each.customer}-{each.server}", "ok" if each.ok else "FAILED", each.snapshot, age,
            *(f"{getattr(each, figure):g}" for figure in figures),
        )  # fmt: skip
    Console(highlight=False, soft_wrap=True, emoji=False).print(table)
    for each in done:
        for name in each.empty:
            console.print(f"{each.server}: {name} held no row when it was dumped: there was none to compare")
        for problem in each.problems:
            console.print(f"{each.server}: ", style="red", end="")
            console.print(problem, markup=False)
