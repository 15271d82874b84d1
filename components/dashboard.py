"""One CloudWatch dashboard a customer: what the alarms watch, server by server."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

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
    """A graph for each metric that an alarm watches, with the alarm's threshold."""

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
    return {
        "title": alarm.metric,
        "region": region,
        "stat": alarm.statistic,
        "period": alarm.period_s,
        "metrics": [[alarm.namespace, alarm.metric, "InstanceId", instance_id]],
        "annotations": {"horizontal": [{"label": alarm.id, "value": alarm.threshold}]},
    }
