"""The CloudWatch alarms of one server."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from managed_server.model.contract import Priority
from managed_server.spec import Alarm


@dataclass(frozen=True)
class ServerAlarmsArgs:
    """Which server, what is watched, and who is told."""

    server: str
    region: str
    instance_id: pulumi.Input[str]
    alarms: tuple[Alarm, ...]
    topics: Mapping[Priority, pulumi.Input[str]]
    """ARN of the topic that is told, by the alarm's priority."""


class ServerAlarms(pulumi.ComponentResource):
    """One alarm for each that the catalogue has for the server; its topic is told of the end as well."""

    def __init__(self, name: str, args: ServerAlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("managed-server:index:ServerAlarms", name, None, opts)
        for alarm in args.alarms:
            topic = args.topics[alarm.priority]
            aws.cloudwatch.MetricAlarm(
                f"{name}-{alarm.id}",
                name=f"{name}-{alarm.id}",
                alarm_description=description(alarm),
                namespace=alarm.namespace,
                metric_name=alarm.metric,
                # The only dimension that EC2 publishes: an alarm that names another one never goes off.
                dimensions={"InstanceId": args.instance_id},
                statistic=alarm.statistic,
                comparison_operator=alarm.comparison,
                threshold=alarm.threshold,
                period=alarm.period_s,
                evaluation_periods=alarm.evaluate,
                datapoints_to_alarm=alarm.breaching,
                treat_missing_data=alarm.missing,
                alarm_actions=[topic, *_ec2_actions(args.region, alarm)],
                ok_actions=[topic],
                tags={"Name": f"{name}-{alarm.id}", "server": args.server},
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})


def _ec2_actions(region: str, alarm: Alarm) -> list[str]:
    return [f"arn:aws:automate:{region}:ec2:{alarm.ec2_action}"] if alarm.ec2_action else []


def description(alarm: Alarm) -> str:
    """Return what the person who is woken reads first."""
    return f"[{alarm.priority}] {alarm.description}. Runbook: docs/runbooks/{alarm.runbook}.md"
