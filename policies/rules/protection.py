"""Rules on what a slip must not delete: whatever holds data, or opens it."""

from collections.abc import Callable, Iterator
from typing import Any

from pulumi_policy import Severity

from .backup import SETTINGS, is_backup
from .base import (
    Finding,
    Resource,
    ResourceRule,
    Rule,
    Source,
    Undecided,
    Violation,
    resource_rule,
    security_hub,
)
from .reading import UNKNOWN, at
from .settings import PURPOSE_TAG, REPLACEABLE_PURPOSE
from .storage import BUCKETS

_SOURCE = Source(
    "Pulumi IaC",
    "protect",
    "https://www.pulumi.com/docs/iac/concepts/resources/options/protect/",
)


def _protected(
    name: str,
    types: tuple[str, ...],
    what: str,
    concerns: Callable[[Resource], bool | None],
    hangs_on: str = "",
    *,
    source: Source = _SOURCE,
    **more: Any,
) -> ResourceRule:
    @resource_rule(
        name,
        types=types,
        description=f"{what} must be protected against deletion.",
        severity=Severity.CRITICAL,
        source=source,
        remediation="Set protect=True in its ResourceOptions; `pulumi state unprotect` lifts it on purpose.",
        **more,
    )
    def check(resource: Resource) -> Iterator[Finding]:
        answer = concerns(resource)
        if answer is None and not resource.protect:
            yield Undecided(hangs_on)
        elif answer and not resource.protect:
            yield Violation(f"'{resource.name}' can be deleted by a slip: its option protect must be true.")

    return check


def _always(_: Resource) -> bool:
    return True


def _secret(parameter: Resource) -> bool | None:
    """Whether a parameter holds what can't be made again: a password of software can, and goes with it."""
    kind = parameter.at("type")
    if kind is not UNKNOWN and kind != "SecureString":
        return False
    purpose = at(parameter.at("tags"), parameter.setting(PURPOSE_TAG))
    if purpose == parameter.setting(REPLACEABLE_PURPOSE):
        return False
    return None if UNKNOWN in (kind, purpose) else True


RULES: list[Rule] = [
    _protected(
        "s3-backup-bucket-protected", BUCKETS, "A backup bucket", is_backup, "tags", settings=SETTINGS
    ),
    _protected("ec2-volume-protected", ("aws:ebs/volume:Volume",), "A data volume", _always),
    _protected(
        "kms-key-protected",
        ("aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey"),
        "A key that encrypts data",
        _always,
        source=security_hub("KMS.3"),
    ),
    _protected(
        "ssm-parameter-secret-protected",
        ("aws:ssm/parameter:Parameter",),
        "A secret parameter that can't be made again, such as the backup passphrase,",
        _secret,
        "type",
        settings=(PURPOSE_TAG, REPLACEABLE_PURPOSE),
    ),
]
