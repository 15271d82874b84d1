"""S3: moto ignores the Condition of a Deny: a bucket that refuses plain HTTP refuses everything (403).

So a test against the local AWS can't prove that such a Deny works; it can prove the document.
"""

from collections.abc import Callable
from typing import Any

from moto.iam.access_control import IAMPolicyStatement, PermissionResult

from managed_server.local.aws.cures.patching import replace


def _neutral_if_conditional(permitted: Callable[..., Any]) -> Callable[..., Any]:
    def is_action_permitted(self: Any, *arguments: Any, **options: Any) -> Any:
        statement = self._statement
        if statement.get("Effect") == "Deny" and statement.get("Condition"):
            return PermissionResult.NEUTRAL
        return permitted(self, *arguments, **options)

    return is_action_permitted


def apply() -> None:
    """Let a Deny with a Condition neither allow nor refuse."""
    replace(IAMPolicyStatement, "is_action_permitted", _neutral_if_conditional)
