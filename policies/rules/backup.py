"""Rules on the bucket that holds the off-site backups."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from pulumi_policy import Severity

from .base import (
    Finding,
    Resource,
    Rule,
    Source,
    Stack,
    StackRule,
    Undecided,
    Violation,
    security_hub,
    stack_rule,
    unless,
)
from .reading import UNKNOWN, at, every, items, some
from .settings import BACKUP_PURPOSE, LOCK_DAYS, PURPOSE_TAG
from .storage import BUCKETS

SETTINGS = (PURPOSE_TAG, BACKUP_PURPOSE)
_SERVERS = ("aws:ec2/instance:Instance", "aws:iam/user:User")
"""Instances; a server that is hosted elsewhere has a user with keys in the region of its stack."""
_VERSIONING = ("aws:s3/bucketVersioning:BucketVersioning", "aws:s3/bucketVersioningV2:BucketVersioningV2")
_LOCK = (
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    "aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2",
)
_LIFECYCLE = (
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
)
_ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
)
_YEAR = 365
_TERMS = Source(
    "Service terms",
    "off-site back-ups",
    "https://docs.aws.amazon.com/wellarchitected/latest/reliability-pillar/rel_backing_up_data_secured_backups_data.html",
)


def is_backup(bucket: Resource) -> bool | None:
    """Whether a bucket holds backups: by its purpose tag, or because it locks objects. None: not known."""
    tag = bucket.setting(PURPOSE_TAG)
    purposes = [at(bucket.at(key), tag) for key in ("tags", "tagsAll")]
    if bucket.setting(BACKUP_PURPOSE) in purposes or bucket.at("objectLockEnabled") is True:
        return True
    return None if purposes[0] is UNKNOWN else False


def _on_backups(
    check: Callable[[Stack, Resource], Iterator[Finding]],
) -> Callable[[Stack], Iterator[Finding]]:
    """Makes a check of a backup bucket one of the stack; Undecided where a bucket may be one."""

    @wraps(check)
    def checked(stack: Stack) -> Iterator[Finding]:
        for bucket in stack.of(*BUCKETS):
            answer = is_backup(bucket)
            if answer is None:
                yield Undecided("tags")
            elif answer:
                yield from check(stack, bucket)

    return checked


_Accepts = Callable[[Resource], bool | None]


def _attached_rule(
    name: str,
    kinds: tuple[str, ...],
    accepts: _Accepts,
    must: str,
    **metadata: Any,
) -> StackRule:
    """A rule that a backup bucket has one of `kinds` attached that is accepted."""

    @stack_rule(name, types=BUCKETS, settings=SETTINGS, **{"severity": Severity.CRITICAL, **metadata})
    @_on_backups
    def check(stack: Stack, bucket: Resource) -> Iterator[Finding]:
        accepted = some(*map(accepts, stack.attached(bucket, "bucket", *kinds)))
        yield from unless(accepted, f"Backup bucket '{bucket.name}' {must}.", "bucket", bucket.urn)

    return check


def _equals(value: Any, *wanted: Any) -> bool | None:
    return None if value is UNKNOWN else value in wanted


def _versions(one: Resource) -> bool | None:
    return _equals(one.at("versioningConfiguration", "status"), "Enabled")


def _locks(one: Resource, least: int) -> bool | None:
    retention = one.at("rule", "defaultRetention")
    if UNKNOWN in (retention, at(retention, "days"), at(retention, "years"), at(retention, "mode")):
        return None
    days = (at(retention, "days") or 0) + (at(retention, "years") or 0) * _YEAR
    return at(retention, "mode") in ("GOVERNANCE", "COMPLIANCE") and days >= least


def _encrypts(one: Resource) -> bool | None:
    rules = items(one.at("rules"))
    answers = [
        _equals(at(rule, "applyServerSideEncryptionByDefault", "sseAlgorithm"), "aws:kms", "aws:kms:dsse")
        for rule in rules
    ]
    return every(bool(answers), *answers)


def _tidies(one: Resource) -> bool | None:
    return some(*map(_tidy_rule, items(one.at("rules"))))


def _tidy_rule(rule: Any) -> bool | None:
    status, upload = at(rule, "status"), at(rule, "abortIncompleteMultipartUpload", "daysAfterInitiation")
    return None if UNKNOWN in (rule, status, upload) else status == "Enabled" and bool(upload)


versioned = _attached_rule(
    "s3-backup-bucket-versioned",
    _VERSIONING,
    _versions,
    "must have a BucketVersioning whose status is Enabled",
    description="A backup bucket must keep versions, so that no object can be overwritten.",
    source=security_hub("S3.14"),
    remediation="Add aws.s3.BucketVersioning(bucket=bucket.id) with status='Enabled'.",
)
encrypted = _attached_rule(
    "s3-backup-bucket-encrypted",
    _ENCRYPTION,
    _encrypts,
    "must encrypt with aws:kms in a BucketServerSideEncryptionConfiguration",
    description="A backup bucket must encrypt with a key of the customer's account.",
    source=security_hub("S3.17"),
    remediation=(
        "Add aws.s3.BucketServerSideEncryptionConfiguration with sse_algorithm='aws:kms' and the backup key."
    ),
)


@stack_rule(
    "s3-backup-bucket-locked",
    types=BUCKETS,
    description="A backup bucket must lock its objects for a time, so that no backup can be destroyed.",
    severity=Severity.CRITICAL,
    source=security_hub("S3.15"),
    remediation=(
        "Set object_lock_enabled=True on the bucket, and add aws.s3.BucketObjectLockConfiguration "
        "with a default_retention of mode GOVERNANCE and the days that the contract keeps."
    ),
    settings=(*SETTINGS, LOCK_DAYS),
)
@_on_backups
def locked(stack: Stack, bucket: Resource) -> Iterator[Finding]:
    """What is locked for a day is gone on the next."""
    least = int(stack.setting(LOCK_DAYS))
    kept = some(*(_locks(one, least) for one in stack.attached(bucket, "bucket", *_LOCK)))
    message = (
        f"Backup bucket '{bucket.name}' must have a BucketObjectLockConfiguration with a default retention "
        f"of {least} days or more."
    )
    yield from unless(kept, message, "bucket", bucket.urn)


tidied = _attached_rule(
    "s3-backup-bucket-lifecycle",
    _LIFECYCLE,
    _tidies,
    "must have a BucketLifecycleConfiguration that ends uploads that were left",
    description="A backup bucket must have a lifecycle, which removes parts of uploads that never ended.",
    severity=Severity.LOW,
    source=security_hub("S3.13"),
    remediation=(
        "Add aws.s3.BucketLifecycleConfiguration with an enabled rule that has "
        "abort_incomplete_multipart_upload."
    ),
)


@stack_rule(
    "s3-backup-bucket-never-expires",
    types=(*_LIFECYCLE, *BUCKETS),
    description="No lifecycle rule of a backup bucket must remove what is current.",
    severity=Severity.CRITICAL,
    source=_TERMS,
    remediation="Give noncurrent_version_expiration alone: what a person lets go is an earlier version then.",
    settings=SETTINGS,
)
@_on_backups
def never_expires(stack: Stack, bucket: Resource) -> Iterator[Finding]:
    """Backups share their data: what is old may be of use to the newest."""
    for one in stack.attached(bucket, "bucket", *_LIFECYCLE):
        yield from _expires(one, "rules")
    # Where the program gives it none, the provider says what it finds there: a first preview can't know that.
    if bucket.at("lifecycleRules") is not UNKNOWN:
        yield from _expires(bucket, "lifecycleRules")


def _expires(one: Resource, key: str) -> Iterator[Finding]:
    for rule in items(one.at(key)):
        listed = [*items(at(rule, "expiration")), *items(at(rule, "expirations"))]  # BucketV2 has several
        ends = [at(ending, when) for ending in listed for when in ("days", "date")]
        if UNKNOWN in ends:
            yield Undecided(key)
        elif any(ends):
            message = f"Lifecycle '{one.name}' removes backups by their age: expiration must go."
            yield Violation(message, one.urn)


@stack_rule(
    "s3-backup-bucket-off-site",
    types=BUCKETS,
    description="A stack with servers must have a backup bucket, in another region than every server.",
    severity=Severity.CRITICAL,
    source=_TERMS,
    remediation="Make the bucket with the provider of the backup region, and tag it purpose=backup.",
    settings=SETTINGS,
)
def off_site(stack: Stack) -> Iterator[Finding]:
    """Without a tagged bucket, the other rules on backups would have nothing to judge."""
    servers = stack.of(*_SERVERS)
    buckets = [(bucket, is_backup(bucket)) for bucket in stack.of(*BUCKETS)]
    if servers:
        message = "A stack with servers must have a bucket tagged as backup."
        yield from unless(some(*(answer for _, answer in buckets)), message, "tags")
    for bucket in (bucket for bucket, answer in buckets if answer):
        home = _region(bucket)
        for server in servers:
            place = _region(server)
            if UNKNOWN in (home, place):
                yield Undecided("region")
            elif home is None or home == place:
                where = home or "no region of its own"
                message = (
                    f"Backup bucket '{bucket.name}' is in {where}: it must be away from '{server.name}'."
                )
                yield Violation(message, bucket.urn)


def _region(resource: Resource) -> Any:
    own = resource.at("region")
    return own if isinstance(own, str) else resource.provider_props.get("region")


@stack_rule(
    "s3-backup-bucket-kept",
    types=BUCKETS,
    description="A backup bucket must not be emptied when it is deleted.",
    severity=Severity.CRITICAL,
    source=_TERMS,
    remediation="Leave force_destroy out.",
    settings=SETTINGS,
)
@_on_backups
def kept(_: Stack, bucket: Resource) -> Iterator[Finding]:
    """A destroy stops at a bucket with objects in it, and that is the point."""
    emptied = bucket.at("forceDestroy")
    message = f"Backup bucket '{bucket.name}' would be emptied by a destroy: forceDestroy must be false."
    yield from unless(None if emptied is UNKNOWN else not emptied, message, "forceDestroy", bucket.urn)


RULES: list[Rule] = [versioned, locked, encrypted, tidied, never_expires, off_site, kept]
