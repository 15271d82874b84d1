"""IAM: ListServiceSpecificCredentials is not implemented; it is asked for before a user is ended."""

from typing import Any

from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse

from managed_server.local.aws.cures.patching import add


def _none(response: Any) -> ActionResult:
    """Answer none: nothing here makes one. A user that isn't there is an error, as on AWS."""
    response.backend.get_user(response._get_param("UserName"))  # noqa: SLF001
    return ActionResult({"ServiceSpecificCredentials": []})


def apply() -> None:
    """Answer that a user has none."""
    add(IamResponse, "list_service_specific_credentials", _none)
