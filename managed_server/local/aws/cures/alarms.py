"""CloudWatch: PutCompositeAlarm is not implemented (500), though alarms do keep a rule."""

from moto.cloudwatch.responses import CloudWatchResponse

from managed_server.local.aws.cures.patching import add, require


def apply() -> None:
    """Let PutCompositeAlarm do what PutMetricAlarm does: it reads AlarmRule, too."""
    require(CloudWatchResponse, "put_metric_alarm")
    add(CloudWatchResponse, "put_composite_alarm", CloudWatchResponse.put_metric_alarm)
