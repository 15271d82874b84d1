"""Alarms on what an account's trail records."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.server_alarms import told_first
from managed_server.model.contract import Priority
from managed_server.spec import AccountAlarm

_NAMESPACE = "LogMetrics"
"""That Security Hub's instructions name, so that all of an account's are together."""


@dataclass(frozen=True)
class AccountAlarmsArgs:
    """What is looked at, for what, and who is told."""

    log_group: pulumi.Input[str]
    alarms: tuple[AccountAlarm, ...]
    topics: Mapping[Priority, pulumi.Input[str]]
    """ARN of the topic that is told, by an alarm's priority."""


class AccountAlarms(pulumi.ComponentResource):
    """A metric filter and an alarm for each (Security Hub CloudWatch.1 to .14)."""

    def __init__(
        self, name: str, args: AccountAlarmsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("managed-server:index:AccountAlarms", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        for alarm in args.alarms:
            metric = f"{name}-{alarm.id}"
            aws.cloudwatch.LogMetricFilter(
                f"{name}-{alarm.id}-filter",
                name=metric,
                log_group_name=args.log_group,
                pattern=alarm.pattern,
                metric_transformation=aws.cloudwatch.LogMetricFilterMetricTransformationArgs(
                    namespace=_NAMESPACE, name=metric, value="1", default_value="0"
                ),
                opts=child,
            )
            topic = args.topics[alarm.priority]
            aws.cloudwatch.MetricAlarm(
                f"{name}-{alarm.id}",
                name=metric,
                alarm_description=told_first(alarm),
                namespace=_NAMESPACE,
                metric_name=metric,
                statistic="Sum",
                comparison_operator="GreaterThanOrEqualToThreshold",
                threshold=alarm.threshold,
                period=alarm.period_s,
                evaluation_periods=1,
                treat_missing_data="notBreaching",
                # No word of its end: a change isn't over when nothing more is changed.
                alarm_actions=[topic],
                tags={"Name": metric},
                opts=child,
            )
        self.register_outputs({})
