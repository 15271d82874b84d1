"""EC2: ModifyInstanceMaintenanceOptions is not implemented (500), so automatic recovery can't be changed."""

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses.instances import InstanceResponse

from managed_server.local.aws.cures.patching import add


def _modify(self: Any) -> ActionResult:
    instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
    instance.maintenance_options = {"AutoRecovery": self._get_param("AutoRecovery", "default")}
    return ActionResult({"InstanceId": instance.id, **instance.maintenance_options})


def apply() -> None:
    """Keep the option on the instance, where DescribeInstances reads it."""
    add(InstanceResponse, "modify_instance_maintenance_options", _modify)
