"""EC2: revoking a rule whose id is gone is refused under another name than AWS': no rerun gets past it."""

from collections.abc import Callable
from typing import Any

from moto.ec2.exceptions import InvalidPermissionNotFoundError, InvalidSecurityGroupRuleIdNotFoundError
from moto.ec2.models.security_groups import SecurityGroupBackend

from managed_server.local.aws.cures.patching import replace


def _by_its_id(revoke: Callable[..., None]) -> Callable[..., None]:
    def revoked(self: Any, *args: Any, security_rule_ids: list[str] | None = None, **more: Any) -> None:
        try:
            revoke(self, *args, security_rule_ids=security_rule_ids, **more)
        except InvalidPermissionNotFoundError:
            if not security_rule_ids:
                raise
            raise InvalidSecurityGroupRuleIdNotFoundError(", ".join(security_rule_ids)) from None

    return revoked


def apply() -> None:
    """Refuse it by AWS' name, `InvalidSecurityGroupRuleId.NotFound` (EC2 API reference, error codes)."""
    replace(SecurityGroupBackend, "revoke_security_group_ingress", _by_its_id)
    replace(SecurityGroupBackend, "revoke_security_group_egress", _by_its_id)
