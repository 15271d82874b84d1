"""Alarms of a server: what they watch, whom they tell, and the one that wakes somebody."""

import re

import pytest

from components.dashboard import DashboardArgs, widgets
from components.server_alarms import SUPPRESSOR
from managed_server.model.contract import Priority
from tests import factories
from tests.components.conftest import environment

PAGE, TICKET = "arn:aws:acme-alarms-page", "arn:aws:acme-alarms-ticket"
INSTANCE = {"InstanceId": "acme-web1-instance-id"}
SHARE = factories.alarm(
    "inodes",
    Priority.NORMAL,
    metric="disk_inodes_used",
    share_of="disk_inodes_total",
    namespace="CWAgent",
    dimensions=(("path", "/"),),
    statistic="Maximum",
    threshold=90,
)
ALONE = factories.alarm(
    "alive", Priority.URGENT, wakes="itself", namespace="ManagedServer/Hub", metric="Alive", threshold=1
)


@pytest.fixture(scope="module")
def web1():
    """A server with an alarm of each kind."""
    return environment(factories.server(alarms=(*factories.ALARMS, SHARE, ALONE)))


def alarms(recorded):
    return {r.inputs["name"].removeprefix("acme-web1-alarms-"): r.inputs for r in recorded.of("MetricAlarm")}


def test_every_alarm_of_the_spec_stands_once_as_it_says(acme):
    found = alarms(acme)
    assert set(found) == {alarm.id for alarm in factories.ALARMS} | {"maintenance"}
    for alarm in factories.ALARMS:
        inputs = found[alarm.id]
        assert inputs["dimensions"] == INSTANCE
        assert (inputs["metricName"], inputs["namespace"], inputs["statistic"]) == (
            alarm.metric,
            alarm.namespace,
            alarm.statistic,
        )
        assert (inputs["comparisonOperator"], inputs["threshold"]) == (alarm.comparison, alarm.threshold)
        assert (inputs["period"], inputs["evaluationPeriods"], inputs["datapointsToAlarm"]) == (300, 3, 2)
        assert inputs["treatMissingData"] == alarm.missing
        assert f"docs/runbooks/{alarm.runbook}.md" in inputs["alarmDescription"]


def test_a_share_is_watched_by_metric_math(web1):
    inputs = alarms(web1)["inodes"]
    assert not {"metricName", "dimensions", "period"} & set(inputs)
    part, whole, share = inputs["metricQueries"]
    for query, metric in ((part, "disk_inodes_used"), (whole, "disk_inodes_total")):
        assert query["returnData"] is False
        assert query["metric"] == {
            "namespace": "CWAgent",
            "metricName": metric,
            "dimensions": {**INSTANCE, "path": "/"},
            "stat": "Maximum",
            "period": 300,
        }
    assert share["expression"] == f"100*{part['id']}/{whole['id']}"
    assert share["returnData"] is True


def test_all_tell_the_support_team_and_one_wakes_somebody(web1):
    told = {name: (a.get("alarmActions"), a.get("okActions")) for name, a in alarms(web1).items()}
    recover = "arn:aws:automate:eu-west-2:ec2:recover"
    assert told == {
        "cpu": ([TICKET], [TICKET]),
        "credits": ([TICKET], [TICKET]),
        "inodes": ([TICKET], [TICKET]),
        "status-system": ([TICKET, recover], [TICKET]),
        "alive": ([PAGE], [PAGE]),
        "maintenance": (None, None),
    }
    page = web1.one("CompositeAlarm").inputs
    assert page["alarmName"] == "acme-web1-alarms-page"
    assert (page["alarmActions"], page["okActions"]) == ([PAGE], [PAGE])
    assert "docs/runbooks/paging.md" in page["alarmDescription"]


def test_the_one_is_made_of_those_that_wake_somebody_and_of_no_other(web1):
    """Whoever tells the page topic by itself isn't among them: nobody would be woken twice for one alarm."""
    page = web1.one("CompositeAlarm")
    children = re.findall(r'ALARM\("acme-web1-alarms-([a-z-]+)"\)', page.inputs["alarmRule"])
    assert children == ["cpu", "status-system"]
    assert page.inputs["alarmRule"] == " OR ".join(f'ALARM("acme-web1-alarms-{name}")' for name in children)
    assert {f"acme-web1-alarms-{name}" for name in (*children, "maintenance")} <= page.depends_on


def test_it_is_quiet_in_the_maintenance_window(web1):
    page, clock = web1.one("CompositeAlarm").inputs, alarms(web1)["maintenance"]
    assert page["actionsSuppressor"] == {
        "alarm": "acme-web1-alarms-maintenance",
        "waitPeriod": 60,
        "extensionPeriod": 120,
    }
    metric, minute, window = clock["metricQueries"]
    assert metric["metric"] == {
        "namespace": "AWS/EC2",
        "metricName": "CPUUtilization",
        "dimensions": INSTANCE,
        "stat": "Average",
        "period": 60,
    }
    assert (minute["expression"], window["expression"]) == factories.CLOUDWATCH.quiet
    assert [q["returnData"] for q in (metric, minute, window)] == [False, False, True]
    assert (metric["id"], minute["id"]) == ("clock", "minute"), "the names that the expressions use"
    assert (clock["comparisonOperator"], clock["threshold"]) == ("GreaterThanOrEqualToThreshold", 1)
    assert clock["treatMissingData"] == "notBreaching", "without figures it silences nothing"
    assert clock["tags"]["purpose"] == SUPPRESSOR


def test_a_server_without_urgent_alarms_needs_neither():
    quiet = factories.server(alarms=(factories.alarm("credits", Priority.NORMAL),))
    recorded = environment(quiet)
    assert set(alarms(recorded)) == {"credits"}
    assert not [r for r in recorded.aws if r.type.endswith("CompositeAlarm")]


# --- the dashboard ----------------------------------------------------------------------------------


def test_the_dashboard_shows_every_alarms_metric_of_every_server():
    servers = ((factories.server("a"), "i-a"), (factories.server("b", alarms=factories.ALARMS * 2), "i-b"))
    found = widgets(DashboardArgs("eu-west-2", servers))
    graphs = [one["properties"] for one in found if one["type"] == "metric"]
    shown = [(one["metrics"][0][1], one["metrics"][0][3]) for one in graphs]
    assert shown == [(alarm.metric, i) for server, i in servers for alarm in server.alarms]
    taken = set()
    for one in found:
        cells = {
            (x, y)
            for x in range(one["x"], one["x"] + one["width"])
            for y in range(one["y"], one["y"] + one["height"])
        }
        assert not cells & taken, "no graph lies on another"
        assert one["x"] + one["width"] <= 24
        taken |= cells


def test_the_dashboard_shows_a_share_as_its_alarm_sees_it():
    [graph] = [
        one["properties"]
        for one in widgets(DashboardArgs("eu-west-2", ((factories.server(alarms=(SHARE,)), "i-a"),)))
        if one["type"] == "metric"
    ]
    part, whole, share = graph["metrics"]
    names = ["InstanceId", "i-a", "path", "/"]
    assert part == ["CWAgent", "disk_inodes_used", *names, {"id": "part", "visible": False}]
    assert whole == ["CWAgent", "disk_inodes_total", *names, {"id": "whole", "visible": False}]
    assert share == [{"expression": "100*part/whole", "label": "disk_inodes_used, percent"}]
    assert graph["title"] == "disk_inodes_used /"


# --- logs -------------------------------------------------------------------------------------------


def test_logs_have_a_group_of_the_servers_own_that_forgets(acme):
    group = acme.one("LogGroup", "acme-web1-logs-group").inputs
    assert group["name"] == "/managed-server/acme/servers/web1"
    assert group["retentionInDays"] == 90
