"""The CloudWatch alarms of one server, and the one among them that wakes somebody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from managed_server import maintenance_clock
from managed_server.model.cloudwatch import INSTANCE
from managed_server.spec import AccountAlarm, Alarm, ServerSpec

SUPPRESSOR = "suppressor"
"""Value of the tag ``purpose`` of an alarm that tells nobody, on purpose: it keeps another one quiet."""

SHARE = "100*part/whole"
"""Metric math of a percentage."""


@dataclass(frozen=True)
class ServerAlarmsArgs:
    """Which server, what is watched, and who is told."""

    server: ServerSpec
    region: str
    instance_id: pulumi.Input[str]
    topics: Mapping[str, pulumi.Input[str]]
    """ARN of each topic, by route: ``page`` wakes somebody, ``ticket`` waits for working hours."""


class ServerAlarms(pulumi.ComponentResource):
    """One alarm for each that the spec has; whoever is told is told of the end as well.

    Those that wake somebody open a ticket each, and are the children of one alarm that pages: so nobody is
    woken twice. In the maintenance window, which CloudWatch knows by itself, that one is quiet.
    """

    def __init__(self, name: str, args: ServerAlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("managed-server:index:ServerAlarms", name, None, opts)
        self._prefix, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        made = {alarm.id: self._alarm(alarm) for alarm in args.server.alarms}
        waking = [made[alarm.id] for alarm in args.server.alarms if alarm.wakes == "server"]
        if waking:
            self._page(waking, self._maintenance())
        self.register_outputs({})

    def _alarm(self, alarm: Alarm) -> aws.cloudwatch.MetricAlarm:
        args, name = self._args, f"{self._prefix}-{alarm.id}"
        topic = args.topics["page" if alarm.wakes == "itself" else "ticket"]
        return aws.cloudwatch.MetricAlarm(
            name,
            name=name,
            alarm_description=told_first(alarm),
            **watched(alarm, args.instance_id),
            comparison_operator=alarm.comparison,
            threshold=alarm.threshold,
            evaluation_periods=alarm.evaluate,
            datapoints_to_alarm=alarm.breaching,
            treat_missing_data=alarm.missing,
            alarm_actions=[topic, *_ec2_actions(args.region, alarm)],
            ok_actions=[topic],
            tags={"Name": name, "server": args.server.name},
            opts=self._child,
        )

    def _maintenance(self) -> aws.cloudwatch.MetricAlarm:
        """The clock: an alarm that is on in the maintenance window, by metric math alone.

        Without figures it is off: better a page too many than one too few.
        """
        args, name = self._args, f"{self._prefix}-maintenance"
        minute, within = args.server.cloudwatch.quiet
        clock = _metric(
            maintenance_clock.METRIC,
            "AWS/EC2",
            args.server.cloudwatch.paging.clock_metric,
            {INSTANCE: args.instance_id},
            "Average",
            60,
        )
        return aws.cloudwatch.MetricAlarm(
            name,
            name=name,
            alarm_description=f"On in the weekly maintenance window of {args.server.host_name}, and a little "
            "before: pages of its other alarms wait until it is over",
            metric_queries=[
                clock,
                _expression(maintenance_clock.MINUTE, minute, "minute of the week, UTC", returned=False),
                _expression("window", within, "in the maintenance window"),
            ],
            comparison_operator="GreaterThanOrEqualToThreshold",
            threshold=1,
            evaluation_periods=1,
            datapoints_to_alarm=1,
            treat_missing_data="notBreaching",
            tags={"Name": name, "server": args.server.name, "purpose": SUPPRESSOR},
            opts=self._child,
        )

    def _page(
        self, waking: Sequence[aws.cloudwatch.MetricAlarm], clock: aws.cloudwatch.MetricAlarm
    ) -> aws.cloudwatch.CompositeAlarm:
        args, name, paging = self._args, f"{self._prefix}-page", self._args.server.cloudwatch.paging
        page = args.topics["page"]
        return aws.cloudwatch.CompositeAlarm(
            name,
            alarm_name=name,
            alarm_description=f"Something urgent or high of {args.server.host_name}: the alarms that are on "
            f"say what. Runbook: docs/runbooks/{paging.runbook}.md",
            # By the alarms' own names, so that it is made after them and goes before them.
            alarm_rule=pulumi.Output.all(*(alarm.name for alarm in waking)).apply(rule),
            actions_suppressor=aws.cloudwatch.CompositeAlarmActionsSuppressorArgs(
                alarm=clock.name, wait_period=paging.wait_s, extension_period=paging.extension_s
            ),
            alarm_actions=[page],
            ok_actions=[page],
            tags={"Name": name, "server": args.server.name},
            opts=self._child,
        )


def rule(names: Sequence[str]) -> str:
    """Return the rule of an alarm that is on while any of these is."""
    return " OR ".join(f'ALARM("{name}")' for name in names)


def dimensions(alarm: Alarm, instance_id: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    """Return exactly what the metric is published under: an alarm that names anything else never goes off."""
    return {INSTANCE: instance_id, **dict(alarm.dimensions)}


def watched(alarm: Alarm, instance_id: pulumi.Input[str]) -> dict[str, Any]:
    """Return what an alarm looks at: a metric, or the share of another that it is."""
    names = dimensions(alarm, instance_id)
    if alarm.share_of is None:
        return {
            "namespace": alarm.namespace,
            "metric_name": alarm.metric,
            "dimensions": names,
            "statistic": alarm.statistic,
            "period": alarm.period_s,
        }
    part, whole = (
        _metric(query, alarm.namespace, metric, names, alarm.statistic, alarm.period_s)
        for query, metric in (("part", alarm.metric), ("whole", alarm.share_of))
    )
    return {"metric_queries": [part, whole, _expression("share", SHARE, f"{alarm.metric}, percent")]}


def _metric(
    query: str, namespace: str, metric: str, names: Mapping[str, Any], statistic: str, period_s: int
) -> aws.cloudwatch.MetricAlarmMetricQueryArgs:
    return aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id=query,
        return_data=False,
        metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
            namespace=namespace, metric_name=metric, dimensions=names, stat=statistic, period=period_s
        ),
    )


def _expression(
    query: str, expression: str, label: str, *, returned: bool = True
) -> aws.cloudwatch.MetricAlarmMetricQueryArgs:
    return aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id=query, expression=expression, label=label, return_data=returned
    )


def _ec2_actions(region: str, alarm: Alarm) -> list[str]:
    return [f"arn:aws:automate:{region}:ec2:{alarm.ec2_action}"] if alarm.ec2_action else []


def told_first(alarm: Alarm | AccountAlarm) -> str:
    """Return what the person who is woken reads first."""
    return f"[{alarm.priority}] {alarm.description}. Runbook: docs/runbooks/{alarm.runbook}.md"
