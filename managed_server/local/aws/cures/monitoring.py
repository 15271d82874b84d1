"""EC2: MonitorInstances and UnmonitorInstances are not implemented (500)."""

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses.monitoring import Monitoring

from managed_server.local.aws.cures.patching import replace


def _set_state(response: Any, state: str) -> ActionResult:
    response.error_on_dryrun()
    instances = response.ec2_backend.get_multi_instances_by_id(response._get_param("InstanceIds", []))  # noqa: SLF001
    for instance in instances:
        instance.monitoring_state = state
    return ActionResult(
        {"InstanceMonitorings": [{"InstanceId": i.id, "Monitoring": {"State": state}} for i in instances]}
    )


def apply() -> None:
    """Keep the state on the instance, where DescribeInstances reads it."""
    replace(Monitoring, "monitor_instances", lambda _: lambda self: _set_state(self, "enabled"))
    replace(Monitoring, "unmonitor_instances", lambda _: lambda self: _set_state(self, "disabled"))
