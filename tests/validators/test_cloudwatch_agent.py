"""The format of the CloudWatch agent's configuration: what is right passes, everything else is named."""

import copy
import json

import pytest

from .cloudwatch_agent import problems

PATH = "/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json"
WHOLE = {
    "agent": {"metrics_collection_interval": 60, "region": "eu-west-2"},
    "metrics": {
        "namespace": "CWAgent",
        "append_dimensions": {"InstanceId": "${aws:InstanceId}"},
        "aggregation_dimensions": [["InstanceId"], []],
        "metrics_collected": {
            "mem": {"measurement": ["mem_used_percent", "available"]},
            "disk": {"measurement": ["used_percent"], "resources": ["/", "/srv"], "drop_device": True},
            "procstat": [{"exe": "^nginx$", "pid_finder": "pgrep", "measurement": ["pid_count"]}],
        },
    },
    "logs": {
        "logs_collected": {
            "files": {
                "collect_list": [
                    {"file_path": "/var/log/a", "log_group_name": "/a/b", "log_stream_name": "/var/log/a"}
                ]
            }
        }
    },
}


def said(document):
    return problems(PATH, json.dumps(document).encode())


def test_a_whole_one():
    assert said(WHOLE) == []


def test_no_json():
    assert problems(PATH, b"{")[0].startswith("not JSON")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("agent/metrics_collection_interval", "60", "'60' is no int"),
        ("agent/metrics_collection_interval", 0, "not within 1 and 172800"),
        ("agent/colour", "red", "agent: colour: no such key"),
        ("metrics/namespace", "AWS/EC2", "is not namespace"),
        ("metrics/append_dimensions/ImageName", "x", "no such key"),
        ("metrics/aggregation_dimensions", [], "is no list, or an empty one"),
        ("metrics/aggregation_dimensions", [["InstanceId"], ["InstanceId"]], "has something twice"),
        ("metrics/metrics_collected/mem", {}, "measurement is missing"),
        ("metrics/metrics_collected/mem/measurement", ["used_percentage"], "is not mem"),
        ("metrics/metrics_collected/disk/drop_device", "yes", "is no bool"),
        ("metrics/metrics_collected/disk/resources", ["sda1"], "is not path"),
        ("metrics/metrics_collected/procstat", {"exe": "a"}, "is no list"),
        ("metrics/metrics_collected/procstat", [{"measurement": ["pid_count"]}], "exe is missing"),
        ("logs/logs_collected/files/collect_list", [], "is no list, or an empty one"),
        ("logs/retention", 7, "logs: retention: no such key"),
    ],
)
def test_what_is_wrong_is_named(path, value, message):
    document = copy.deepcopy(WHOLE)
    *folders, last = path.split("/")
    place = document
    for key in folders:
        place = place[key]
    place[last] = value
    assert any(message in line for line in said(document)), said(document)


def test_a_section_that_must_be_there():
    document = copy.deepcopy(WHOLE)
    del document["metrics"]["metrics_collected"]
    assert said(document) == ["the file: metrics: metrics_collected is missing"]
