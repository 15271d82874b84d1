"""EC2: an account's defaults for instances' metadata options can't be set or asked for (500)."""

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response

from managed_server.local.aws.cures.patching import add

_OPTIONS = ("HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint", "InstanceMetadataTags")
_NO_PREFERENCE = ("no-preference", "-1")


def _defaults(response: Any) -> dict[str, Any]:
    """The defaults of the account and region of a request."""
    found: dict[str, Any] = vars(response.ec2_backend).setdefault("metadata_defaults", {})
    return found


def _get(self: Any) -> ActionResult:
    return ActionResult({"AccountLevel": _defaults(self)})


def _modify(self: Any) -> ActionResult:
    defaults = _defaults(self)
    for option in _OPTIONS:
        value = self._get_param(option)
        if value is not None:
            defaults.pop(option, None)
            if str(value) not in _NO_PREFERENCE:
                defaults[option] = int(value) if option == "HttpPutResponseHopLimit" else value
    return ActionResult({"Return": True})


def apply() -> None:
    """Keep what is set, and forget what is set to no preference. Instances don't take it over here."""
    add(EC2Response, "get_instance_metadata_defaults", _get)
    add(EC2Response, "modify_instance_metadata_defaults", _modify)
