"""What a server tells CloudWatch, and what its alarms wait for: one and the same."""

import dataclasses
import json

import pytest

from managed_server.proofs.figures import differences
from managed_server.rendering import render_server
from tests.conftest import ROOT
from tests.proofs.conftest import refused

AGENT = (
    "templates/cloudwatch-agent/server/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json.j2"
)
TABLE = "catalogue/cloudwatch.yaml"
ALARMS = "catalogue/alarms.yaml"


@pytest.fixture(scope="module")
def files(example):
    return {f.path: f.content for f in render_server(ROOT / "templates", example, example.servers[0])}


@pytest.fixture
def said(project, example, files):
    limits, server = project.limits.figures, example.servers[0]

    def of(change=None, server=server, **replaced):
        content = dict(files)
        if change is not None:
            document = json.loads(files[limits.agent])
            change(document)
            content[limits.agent] = json.dumps(document).encode()
        content |= {getattr(limits, name).path: text for name, text in replaced.items()}
        return [message for _, message in differences(limits, server, content)]

    return of


@pytest.mark.parametrize("name", ["example", "hub"])
def test_there_is_none(project, request, name):
    customer = request.getfixturevalue(name)
    server = customer.servers[0]
    rendered = {f.path: f.content for f in render_server(ROOT / "templates", customer, server)}
    assert list(differences(project.limits.figures, server, rendered)) == []
    own = [alarm for alarm in server.alarms if alarm.own]
    assert {"CWAgent", "ManagedServer/Heartbeat"} <= {alarm.namespace for alarm in own}


def test_alarms_and_figures_have_the_same_dimensions(example, files, project):
    """Said once more in plain words: the sets of names in the agent's file, and those of the alarms."""
    agent = json.loads(files[project.limits.figures.agent])["metrics"]
    alarms = [alarm for alarm in example.servers[0].alarms if alarm.namespace == agent["namespace"]]
    assert {frozenset(names) for names in agent["aggregation_dimensions"]} == {
        frozenset({"InstanceId", *(name for name, _ in alarm.dimensions)}) for alarm in alarms
    }


def without(*path):
    def change(document):
        place = document
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return change


def put(value, *path):
    def change(document):
        place = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


COLLECTED = ("metrics", "metrics_collected")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            put([["InstanceId"]], "metrics", "aggregation_dimensions"),
            "disk_used_percent isn't published under InstanceId and path, and an alarm waits for it there",
        ),
        (
            put([["InstanceId"], ["InstanceId", "path"], ["path"]], "metrics", "aggregation_dimensions"),
            "figures are put together by path, and no alarm names these dimensions",
        ),
        (
            put(["used_percent"], *COLLECTED, "disk", "measurement"),
            "disk_inodes_used isn't published under InstanceId and path",
        ),
        (without(*COLLECTED, "mem"), "mem_used_percent isn't published under InstanceId"),
        (without(*COLLECTED, "disk", "drop_device"), "disks are told apart by their device"),
        (put(["/", "/srv"], *COLLECTED, "disk", "resources"), "measures the paths ['/', '/srv']"),
        (put("Mine", "metrics", "namespace"), "publishes in 'Mine', and the alarms look in 'CWAgent'"),
        (put({}, "metrics", "append_dimensions"), "adds other dimensions than InstanceId"),
        (put([], *COLLECTED, "procstat"), "the process nginx isn't counted once"),
        (without("logs"), "doesn't send /var/log/auth.log"),
        (
            put("/x", "logs", "logs_collected", "files", "collect_list", 0, "log_group_name"),
            "/var/log/auth.log goes to another log group than the server's own",
        ),
    ],
)
def test_the_agent_differs(said, change, message):
    assert said() == []
    assert any(line.startswith(message) for line in said(change)), said(change)


def test_an_alarm_differs(said, example):
    server = example.servers[0]
    device = tuple(
        dataclasses.replace(alarm, dimensions=(*alarm.dimensions, ("device", "xvda1")))
        if alarm.id == "disk-full"
        else alarm
        for alarm in server.alarms
    )
    [line] = said(server=dataclasses.replace(server, alarms=device))
    assert line.startswith("disk_used_percent isn't published under InstanceId and device and path, and an")
    fewer = tuple(alarm for alarm in server.alarms if "inodes" not in alarm.id)
    assert said(server=dataclasses.replace(server, alarms=fewer)) == [
        "disk_inodes_total is published, and no alarm looks at it",
        "disk_inodes_used is published, and no alarm looks at it",
    ]


def test_heartbeats_differ(said, files, project):
    text = files[project.limits.figures.heartbeats.path]
    assert said(heartbeats=text.replace(b'"backup-age"', b'"backup-old"')) == [
        "doesn't tell backup-age, and an alarm waits for it",
        "tells backup-old, and no alarm looks at it",
    ]
    assert said(heartbeats=text.replace(b"ManagedServer/Heartbeat", b"Elsewhere")) == [
        "doesn't publish in ManagedServer/Heartbeat, and the alarms look there"
    ]
    assert "doesn't tell converge-age, and an alarm waits for it" in said(heartbeats=b"")


# --- in the catalogue -------------------------------------------------------------------------------


def test_managed_check_says_it(change):
    refused(
        change(AGENT, '"drop_device": true', '"drop_device": false'),
        f"{AGENT}: /opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json: disks are told apart "
        "by their device, whose name changes from boot to boot (example-web1)",
    )


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        (
            TABLE,
            "dimensions: [[InstanceId], [InstanceId, path]]",
            "dimensions: [[InstanceId]]",
            "'disk_used_percent' is not published under InstanceId and path alone",
        ),
        (
            ALARMS,
            "    share_of: disk_inodes_total\n",
            "    share_of: disk_inodes_totals\n",
            "'disk_inodes_totals' is no figure of catalogue/cloudwatch.yaml; did you mean disk_inodes_total",
        ),
        (
            TABLE,
            "  source: >-\n    Sources of amazon",
            "    swap_free: {plugin: swap, measurement: free}\n  source: >-\n    Sources of amazon",
            "no alarm watches it, and each is paid for; take it out",
        ),
        (
            "catalogue/tools/backup.yaml",
            "  heartbeats: [age]",
            "  heartbeats: [aged]",
            "'aged' is no check of this entry; did you mean age",
        ),
        (
            "catalogue/tools/backup.yaml",
            "  heartbeats: [age]",
            "  heartbeats: [result]",
            "checks of the kind 'result' say no age; name one that does",
        ),
        (
            TABLE,
            "  runbook: paging\n",
            "  runbook: pagings\n",
            "docs/runbooks/pagings.md does not exist; write it",
        ),
        (
            ALARMS,
            "  swap:\n",
            "  page:\n",
            "'page' is the id of the alarm that wakes somebody; choose another",
        ),
        (
            ALARMS,
            "  cpu:\n    metric: CPUUtilization\n",
            "  cpu:\n    each: path\n    metric: CPUUtilization\n",
            "only what is published in CWAgent has one",
        ),
    ],
)
def test_the_catalogue_contradicts_itself(change, path, old, new, message):
    done = change(path, old, new)
    assert done.returncode == 2
    assert message in done.stderr
