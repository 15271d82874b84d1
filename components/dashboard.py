"""One CloudWatch dashboard a customer: what the alarms watch, server by server."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.server_alarms import SHARE, dimensions
from managed_server.spec import Alarm, ServerSpec

_COLUMNS, _WIDTH, _HEIGHT = 4, 6, 6
"""CloudWatch's grid is 24 units wide."""


@dataclass(frozen=True)
class DashboardArgs:
    """Which servers, and where."""

    region: str
    servers: tuple[tuple[ServerSpec, pulumi.Input[str]], ...]
    """Each server with its instance id."""


class Dashboard(pulumi.ComponentResource):
    """A graph for each alarm: what it watches, with its threshold."""

    link: pulumi.Output[str]

    def __init__(self, name: str, args: DashboardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("managed-server:index:Dashboard", name, None, opts)
        dashboard = aws.cloudwatch.Dashboard(
            f"{name}-graphs",
            dashboard_name=name,
            dashboard_body=pulumi.Output.json_dumps({"widgets": widgets(args)}),
            opts=pulumi.ResourceOptions(parent=self),
        )
        console = f"https://{args.region}.console.aws.amazon.com/cloudwatch/home?region={args.region}"
        self.link = pulumi.Output.concat(console, "#dashboards/dashboard/", dashboard.dashboard_name)
        self.register_outputs({"link": self.link})


def widgets(args: DashboardArgs) -> list[dict[str, Any]]:
    """Return the graphs, a heading for each server, and below it its metrics in the alarms' order."""
    found: list[dict[str, Any]] = []
    row = 0
    for server, instance_id in args.servers:
        heading = {"markdown": f"## {server.host_name}"}
        found.append({"type": "text", "x": 0, "y": row, "width": 24, "height": 1, "properties": heading})
        for index, alarm in enumerate(server.alarms):
            found.append(
                {
                    "type": "metric",
                    "x": index % _COLUMNS * _WIDTH,
                    "y": row + 1 + index // _COLUMNS * _HEIGHT,
                    "width": _WIDTH,
                    "height": _HEIGHT,
                    "properties": _graph(args.region, alarm, instance_id),
                }
            )
        row += 1 + -(-len(server.alarms) // _COLUMNS) * _HEIGHT
    return found


def _graph(region: str, alarm: Alarm, instance_id: pulumi.Input[str]) -> dict[str, Any]:
    names = [part for pair in dimensions(alarm, instance_id).items() for part in pair]
    metrics: list[list[Any]] = [[alarm.namespace, metric, *names] for metric in alarm.metrics]
    if alarm.share_of is not None:
        for query, metric in zip(("part", "whole"), metrics, strict=True):
            metric.append({"id": query, "visible": False})
        metrics.append([{"expression": SHARE, "label": f"{alarm.metric}, percent"}])
    return {
        "title": " ".join([alarm.metric, *(value for _, value in alarm.dimensions)]),
        "region": region,
        "stat": alarm.statistic,
        "period": alarm.period_s,
        "metrics": metrics,
        "annotations": {"horizontal": [{"label": alarm.id, "value": alarm.threshold}]},
    }
