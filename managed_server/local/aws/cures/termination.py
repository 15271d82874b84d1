"""EC2: protection set by `Attribute=disableApiTermination, Value=true` stays a text, and doesn't protect."""

from collections.abc import Callable
from typing import Any

from moto.ec2.models.instances import InstanceBackend

from managed_server.local.aws.cures.patching import replace

TRUTH = {"true": True, "false": False}
SWITCHES = ("disable_api_termination", "disable_api_stop", "ebs_optimized", "source_dest_check")


def _as_boolean(modify: Callable[..., Any]) -> Callable[..., Any]:
    def modify_instance_attribute(self: Any, instance_id: str, key: str, value: Any) -> Any:
        if key in SWITCHES:
            value = TRUTH.get(str(value).lower(), value)
        return modify(self, instance_id, key, value)

    return modify_instance_attribute


def apply() -> None:
    """Turn the text into a boolean before moto keeps it."""
    replace(InstanceBackend, "modify_instance_attribute", _as_boolean)
