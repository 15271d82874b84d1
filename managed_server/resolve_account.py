"""Which stack sets what for an AWS account as a whole: one does, and the others say whose account it is."""

from collections.abc import Iterator
from pathlib import Path as FilePath

from managed_server import spec
from managed_server.inputs import read_stack, stack_names
from managed_server.loading import nearest
from managed_server.model.customer import Aws
from managed_server.problems import InputError, Path
from managed_server.project import Project

_AT: Path = ("aws", "shares_account_with")


def problems(project: Project, stack: str, aws: Aws) -> Iterator[tuple[Path, str]]:
    """Yield what is wrong with a stack's accounts: another customer's, or shared without a word."""
    yield from _of_backups(project, stack, aws)
    for other, theirs in _others(project, stack, "backup_account_id", aws.account_id):
        if theirs.account_id != aws.account_id:  # else it is told of that file
            message = (
                f"is where the stack {other!r} has its backups; write the customer's own account here, or an "
                "account for backups alone there"
            )
            yield ("aws", "account_id"), message
    first = aws.shares_account_with
    if first is None:
        for other, theirs in _others(project, stack, "account_id", aws.account_id):
            if theirs.shares_account_with != stack:
                message = (
                    f"is the account of the stack {other!r} as well; if both are one customer's, write "
                    f"shares_account_with: {other}, else the customer's own account"
                )
                yield ("aws", "account_id"), message
        return
    if first == stack:
        yield _AT, "is the stack itself; name the other one, or take the line out"
        return
    try:
        found = _read(project.root, first)
    except InputError:
        yield _AT, f"there is no stack {first!r}{nearest(first, stack_names(project.root))}"
        return
    if found is None:
        return  # what is wrong with its file is told of that file
    if found.account_id != aws.account_id:
        yield _AT, f"the stack {first!r} is in another account, {found.account_id!r}"
    if found.shares_account_with is not None:
        yield _AT, f"the stack {first!r} shares one itself; write {found.shares_account_with!r}, as it does"


def baseline(project: Project, aws: Aws) -> spec.Baseline:
    """Return what a stack sets for its account: of a shared one, only what the first stack doesn't reach."""
    wanted, whole = aws.baseline, aws.shares_account_with is None
    regions = _regions(aws)
    if not whole:
        found = _aws_of(project.root, str(aws.shares_account_with))
        regions -= _regions(found) if found else set()
    here = tuple(sorted(regions))
    alarms = tuple(
        spec.AccountAlarm(
            id=alarm_id,
            pattern=alarm.pattern,
            threshold=alarm.threshold,
            period_s=alarm.period_s,
            priority=alarm.priority,
            runbook=alarm.runbook,
            description=alarm.description,
        )
        for alarm_id, alarm in sorted(project.account_alarms.alarms.items())
    )
    trail = wanted.trail and whole
    return spec.Baseline(
        ebs_encryption=here if wanted.ebs_encryption else (),
        instance_metadata=here if wanted.instance_metadata else (),
        access_analyzer=here if wanted.access_analyzer else (),
        public_access_block=wanted.public_access_block and whole,
        password_policy=wanted.password_policy and whole,
        trail=trail,
        alarms=alarms if trail else (),
    )


def _of_backups(project: Project, stack: str, aws: Aws) -> Iterator[tuple[Path, str]]:
    """Yield whose account that of the backups is: whoever has rights there could read and end them."""
    account = aws.backup_account_id
    if account is None:
        return
    at: Path = ("aws", "backup_account_id")
    if account == aws.account_id:
        yield at, "is the account of the servers; name another one, or leave it out"
        return
    hubs = [name for name, hub in project.provider.hubs.items() if hub.account_id == account]
    whose = [f"the hub {name!r} in provider.yaml" for name in hubs]
    for one in whose or [f"the stack {name!r}" for name, _ in _others(project, stack, "account_id", account)]:
        yield at, f"is the account of {one}; name one for backups alone, or leave it out"


def _others(project: Project, stack: str, key: str, account: str) -> Iterator[tuple[str, Aws]]:
    """Yield the other stacks whose file has an account below a key."""
    for other in project.stacks_by_account[key].get(account, ()):
        found = _aws_of(project.root, other) if other != stack else None
        if found and getattr(found, key) == account:
            yield other, found


def _regions(aws: Aws) -> set[str]:
    """Return where a stack has something in the account of its servers."""
    return {aws.region} if aws.backup_account_id else {aws.region, aws.backup_region}


def _read(root: FilePath, stack: str) -> Aws | None:
    customer = read_stack(root, stack)[1]
    return customer.aws if customer else None


def _aws_of(root: FilePath, stack: str) -> Aws | None:
    try:
        return _read(root, stack)
    except InputError:
        return None
