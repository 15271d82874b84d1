"""EC2: RunInstances drops DisableApiTermination and MaintenanceOptions: what should be protected isn't."""

from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.instances import Instance
from moto.ec2.responses.instances import InstanceResponse

from managed_server.local.aws.cures.patching import add, replace

DEFAULT_RECOVERY = "default"


def _keeping_options(run: Callable[[Any], ActionResult]) -> Callable[[Any], ActionResult]:
    def run_instances(self: Any) -> ActionResult:
        result = run(self)
        # Only the instances of this very request are touched: requests run side by side.
        protect = self._get_bool_param("DisableApiTermination", if_none=False)
        maintenance = self._get_param("MaintenanceOptions", {})
        for instance in result.result.instances:
            instance.disable_api_termination = protect
            instance.maintenance_options = {"AutoRecovery": maintenance.get("AutoRecovery", DEFAULT_RECOVERY)}
        return result

    return run_instances


def apply() -> None:
    """Read both options after the launch; AWS reports the second for every instance."""
    add(Instance, "maintenance_options", {"AutoRecovery": DEFAULT_RECOVERY})
    replace(InstanceResponse, "run_instances", _keeping_options)
