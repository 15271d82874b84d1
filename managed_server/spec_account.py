"""What a stack sets for its AWS account as a whole: a part of `managed_server.spec`."""

from dataclasses import dataclass

from managed_server.model.contract import Priority


@dataclass(frozen=True, slots=True)
class AccountAlarm:
    """An alarm on what CloudTrail records of the account. Period in seconds."""

    id: str
    pattern: str
    threshold: int
    period_s: int
    priority: Priority
    runbook: str
    description: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the stack sets; the rest the account has of its own, or by another stack."""

    ebs_encryption: tuple[str, ...]
    """Regions in which it does."""
    instance_metadata: tuple[str, ...]
    access_analyzer: tuple[str, ...]
    public_access_block: bool
    password_policy: bool
    trail: bool
    alarms: tuple[AccountAlarm, ...]
    """On what the trail records; none without one."""

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """What is set, and where: the part's name in a stack file, and a region or ``all regions``."""
        found: list[tuple[str, str]] = []
        for part in ("ebs_encryption", "instance_metadata", "access_analyzer"):
            found += [(part, region) for region in getattr(self, part)]
        for part in ("public_access_block", "password_policy", "trail"):
            found += [(part, "all regions")] if getattr(self, part) else []
        return tuple(found)
