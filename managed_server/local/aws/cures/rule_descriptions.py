"""EC2: a rule of a security group that names another group comes without its description: drift for good."""

from typing import Any

from moto.ec2.models.security_groups import SecurityGroupRule

from managed_server.local.aws.cures.patching import replace


def _of_either(ranges_only: property) -> property:
    def description(self: Any) -> str | None:
        told: str | None = ranges_only.fget(self) if ranges_only.fget else None
        return told if told is not None else self.source_group.get("Description")

    return property(description)


def apply() -> None:
    """Look for it where the call that made the rule has put it."""
    replace(SecurityGroupRule, "description", _of_either)
