"""``managed prune``: a person lets old backups go, by the customer's own role, for an hour.

What goes stays in the bucket as an earlier version until its lock and the bucket's lifecycle end: a restore
``--at`` a time before reads it.
"""

import json
import os
import re
import shlex
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from managed_server.deployer import assume
from managed_server.inputs import load_project
from managed_server.model.catalogue_items import Absent, Keep
from managed_server.spec import CustomerSpec

_EARLY, _LATE = timedelta(hours=1), timedelta(hours=48)
"""A snapshot says when it began; it's written at its end."""

_UNUSED = re.compile(r"^total prune: +(?P<blobs>[0-9]+) blobs / (?P<size>.+)$", re.MULTILINE)
"""What restic says of its own accord when it prunes; of that, `--json` says nothing."""

Progress = Callable[[str], None]


class PruneError(Exception):
    """Nothing was let go, or not all; the message says why."""


@dataclass(frozen=True)
class Access:
    """One server's part of the backup bucket, with rights that end by themselves."""

    customer: CustomerSpec
    server: str
    credentials: dict[str, str]
    """As AWS' tools read them from the environment."""
    passphrase: str
    s3: Any


def keep(root: Path) -> Keep:
    """Which backups are kept, by the catalogue.

    Raises:
        InputError: the catalogue is wrong.
        PruneError: it says nothing of it.
    """
    sections = [file.general.backup for file in load_project(root).entries.values()]
    found: list[Keep] = [
        each.keep for each in sections if not isinstance(each, Absent) and each.keep is not None
    ]
    if len(found) != 1:
        raise PruneError(f"the catalogue says {len(found)} times which backups are kept: say it once")
    return found[0]


def access(customer: CustomerSpec, server: str) -> Access:
    """Take on the customer's role for an hour, for one server's backups alone.

    Raises:
        PruneError: AWS refuses.
    """
    import boto3  # noqa: PLC0415 - 0.3 s, and few commands need it
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    region, account, session = customer.backup_region, customer.backup_account_id, f"prune-{server}"
    try:
        given = assume(account, region, customer.provider.deploy_role, session, {})
        narrowed = {"Policy": _narrowed(customer, server)}
        given = assume(account, region, customer.prune_role, session, given, **narrowed)
        ssm = boto3.client("ssm", region_name=region, **given)
        answer = ssm.get_parameter(Name=customer.passphrase_parameter, WithDecryption=True)
        s3 = boto3.client("s3", region_name=region, **given)
    except (BotoCoreError, ClientError) as error:
        raise PruneError(str(error)) from error
    environment = {name.upper(): value for name, value in given.items()}
    return Access(customer, server, environment, str(answer["Parameter"]["Value"]), s3)


def _narrowed(customer: CustomerSpec, server: str) -> str:
    """The policy of the session: of what the role may, this server's prefix alone."""
    bucket = f"arn:aws:s3:::{customer.backup_bucket}"
    listing = {"StringLike": {"s3:prefix": [f"{server}/", f"{server}/*"]}}
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": "s3:*Object", "Resource": f"{bucket}/{server}/*"},
        {"Effect": "Allow", "Action": "s3:ListBucket*", "Resource": bucket, "Condition": listing},
        {"Effect": "Allow", "Action": "s3:GetBucketLocation", "Resource": bucket},
        {"Effect": "Allow", "Action": ["kms:*", "ssm:GetParameter"], "Resource": "*"},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def look(found: Access, restic: str) -> list[dict[str, Any]]:
    """Look whether the repository is what the server alone has written; return its snapshots.

    Raises:
        PruneError: somebody has tampered with it: nothing may go then, as what is newest may be somebody's.
    """
    prefix = f"{found.server}/"
    written: dict[str, datetime] = {}
    versions: Counter[str] = Counter()
    pages = found.s3.get_paginator("list_object_versions")
    for page in pages.paginate(Bucket=found.customer.backup_bucket, Prefix=prefix):
        for version in page.get("Versions", ()):
            versions[version["Key"]] += 1
            written[version["Key"]] = version["LastModified"]
    over = [key for key, count in versions.items() if count > 1 and not key.startswith(f"{prefix}locks/")]
    if over:
        raise PruneError(f"{len(over)} objects were written over, first {over[0]}: take it for an intrusion")
    _restic(found, restic, "unlock")  # of a run that was cut off; a lock that is in use stays
    snapshots = list(json.loads(_restic(found, restic, "snapshots", "--json")))
    for each in snapshots:
        said, at = datetime.fromisoformat(each["time"][:19]), written[f"{prefix}snapshots/{each['id']}"]
        offset = at - said.replace(tzinfo=UTC)
        if not -_EARLY <= offset <= _LATE:
            name = each["short_id"]
            raise PruneError(f"snapshot {name} is of {said}, and was written at {at:%F %H:%M}: whose is it?")
    return snapshots


def forget(found: Access, kept: Keep, restic: str, *, dry_run: bool) -> list[str]:
    """Let snapshots go that need not be kept, and the data that only they had; return their ids and times.

    Args:
        found: the server's backups.
        kept: which are kept.
        restic: the program and its options.
        dry_run: only say which.

    Raises:
        PruneError: restic fails; what is kept is whole even so.
    """
    rules = [f"--keep-daily={kept.daily}", f"--keep-monthly={kept.monthly}", "--group-by=host"]
    what = ["--dry-run"] if dry_run else ["--prune"]
    said = _restic(found, restic, "forget", "--json", f"--host={found.server}", *rules, *what)
    # Of --json, the first line is the answer; what pruning says comes after it.
    groups = json.loads(next((line for line in said.splitlines() if line.startswith("[")), "[]"))
    gone = [each for group in groups for each in group["remove"] or ()]
    return [f"{each['short_id']} of {each['time'][:16]}" for each in sorted(gone, key=lambda e: e["time"])]


def unused(found: Access, restic: str) -> str | None:
    """How much data no snapshot needs, such as ``3.816 MiB``; None where there is nothing to be gained.

    Snapshots go first, and their data after: of a run that was cut off in between, the data are still there,
    and a `forget` that finds no snapshot to let go leaves them.

    Raises:
        PruneError: restic fails, or doesn't say.
    """
    said = _restic(found, restic, "prune", "--dry-run")
    total = _UNUSED.search(said)
    if total is None:
        last = (said.strip().splitlines() or ["nothing"])[-1]
        raise PruneError(f"restic prune --dry-run doesn't say how much would go, but: {last}")
    return None if (total["blobs"], total["size"]) == ("0", "0 B") else total["size"]


def prune(found: Access, restic: str) -> None:
    """Let data go that no snapshot needs.

    Raises:
        PruneError: restic fails; what is kept is whole even so.
    """
    _restic(found, restic, "prune")


def _restic(found: Access, restic: str, *arguments: str) -> str:
    region = found.customer.backup_region
    address = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    where = f"{address or f'https://s3.{region}.amazonaws.com'}/{found.customer.backup_bucket}"
    environment = {
        **{name: value for name, value in os.environ.items() if name != "AWS_PROFILE"},
        **found.credentials,
        "AWS_DEFAULT_REGION": region,
        "RESTIC_REPOSITORY": f"s3:{where}/{found.server}",
        "RESTIC_PASSWORD": found.passphrase,
    }
    command = [*shlex.split(restic), "--no-cache", *arguments]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise PruneError(f"there is no {command[0]} here: install it, or name it with --restic") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit {done.returncode}"]
        raise PruneError(f"restic {arguments[0]}: {said[-1]}")
    return done.stdout
