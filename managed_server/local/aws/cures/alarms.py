"""CloudWatch: PutCompositeAlarm is not implemented (500); alarms do keep a rule, and know no suppressor."""

from typing import Any

from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse

from managed_server.local.aws.cures.patching import add, require

_SUPPRESSOR = {
    "ActionsSuppressor": "actions_suppressor",
    "ActionsSuppressorWaitPeriod": "actions_suppressor_wait_period",
    "ActionsSuppressorExtensionPeriod": "actions_suppressor_extension_period",
}
"""What a request says of the suppressor: the alarm's attribute, from which DescribeAlarms takes it."""


def _put_composite_alarm(self: Any) -> Any:
    """Do what PutMetricAlarm does, which reads AlarmRule too, and keep the suppressor beside it."""
    answer = self.put_metric_alarm()
    [alarm] = self.cloudwatch_backend.get_alarms_by_alarm_names([self._get_param("AlarmName")])
    for parameter, attribute in _SUPPRESSOR.items():
        setattr(alarm, attribute, self._get_param(parameter))
    return answer


def apply() -> None:
    """Let composite alarms be put, and told as they were put. Nothing evaluates a rule, nor an expression."""
    require(CloudWatchResponse, "put_metric_alarm")
    require(CloudWatchBackend, "get_alarms_by_alarm_names")
    add(CloudWatchResponse, "put_composite_alarm", _put_composite_alarm)
