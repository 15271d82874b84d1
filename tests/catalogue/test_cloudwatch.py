"""What a server tells CloudWatch: heartbeats by its own program, figures and logs by the agent."""

import dataclasses
import datetime
import json
import re

import pytest

from components.server_role import figure_statements
from managed_server.rendering import render_server
from tests.local_aws.support import Aws, running
from tests.releases import RELEASES
from tests.validators.cloudwatch_agent import problems

from .support import customer, files_of, folders_of, run_script, with_the_hosts_network

HERE = "/usr/local/lib/managed-server"
HEARTBEATS = "/var/lib/managed-server/heartbeat"
AGENT = "/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json"
NAMESPACE = "ManagedServer/Heartbeat"
TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


def configuration(root, spec, **changes):
    """The agent's file of a customer's first server, with changes to what CloudWatch is told."""
    server = spec.servers[0]
    server = dataclasses.replace(server, cloudwatch=dataclasses.replace(server.cloudwatch, **changes))
    [content] = [f.content for f in render_server(root / "templates", spec, server) if f.path == AGENT]
    assert problems(AGENT, content) == []
    return json.loads(content)


@pytest.mark.parametrize("release", RELEASES)
def test_the_agents_file_is_what_the_agent_reads(root, tmp_path, release):
    spec = customer(tmp_path, {"disk_gb: 80": f"disk_gb: 80\n        debian: {release}"})
    document = configuration(root, spec)
    metrics = document["metrics"]["metrics_collected"]
    assert metrics["disk"]["resources"] == ["/"]
    assert metrics["disk"]["drop_device"] is True
    assert {"tmpfs", "overlay", "squashfs"} <= set(metrics["disk"]["ignore_file_system_types"])
    files = document["logs"]["logs_collected"]["files"]["collect_list"]
    sent = {file["file_path"] for file in files}
    assert {"/var/log/nginx/access.log", "/var/log/auth.log"} <= sent
    assert {file["log_group_name"] for file in files} == {"/managed-server/acme/servers/web1"}
    looked_for = {entry["exe"] for entry in metrics["procstat"]}
    assert {"^nginx$", "^sshd$", "^nrpe$"} <= looked_for
    assert not any("ossec" in pattern for pattern in looked_for), "which a person installs, or not"


def test_a_server_without_processes_and_logs_has_neither_section(root, tmp_path):
    document = configuration(root, customer(tmp_path), processes=(), logs=())
    assert "logs" not in document
    assert "procstat" not in document["metrics"]["metrics_collected"]


# --- at work ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    with running(tmp_path_factory.mktemp("aws")) as started:
        yield started


@pytest.fixture
def role(local):
    """An account, and the environment of a server there, whose role may publish in one namespace."""
    aws = Aws(local)
    iam = aws.client("iam")

    def document(*statements):
        return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})

    iam.create_role(RoleName="web1", AssumeRolePolicyDocument=document(TRUST))
    figures = document(*figure_statements((NAMESPACE,)))
    iam.put_role_policy(RoleName="web1", PolicyName="server", PolicyDocument=figures)
    iam.create_instance_profile(InstanceProfileName="web1")
    iam.add_role_to_instance_profile(InstanceProfileName="web1", RoleName="web1")
    arn = f"arn:aws:iam::{aws.account}:role/web1"
    given = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="i-1")["Credentials"]
    return aws, {
        "AWS_ENDPOINT_URL": local.endpoint,
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }


@pytest.mark.machine
def test_heartbeats_arrive_with_their_ages(root, tmp_path, machines, role, monkeypatch):
    """By Debian's own client of each release, with the rights of the server's role."""
    with_the_hosts_network(monkeypatch)
    release, tree = machines
    aws, environment = role
    changes = {
        "disk_gb: 80": f"disk_gb: 80\n        debian: {release}",
        "software: [nginx, php]": "software: [nginx, php, percona]",
    }
    spec = customer(tmp_path, changes)
    server = spec.servers[0]
    origins = ["heartbeats", "nrpe", "clamav"]
    script = f"""
{folders_of(spec, origins)}
mkdir -p /var/lib/cloud/data /var/lib/clamav
echo i-0123456789abcdef0 >/var/lib/cloud/data/instance-id
for name in converge backup dumps; do echo 'ok all' >{HEARTBEATS}/$name; done
touch -d '-3 hours' {HEARTBEATS}/backup
setpriv --reuid=nagios --regid=nagios --init-groups {HERE}/heartbeats
echo "first $?"
printf 'ClamAV-VDB:x:1:1:90:x:y:z:%s' $(($(date +%s) - 7200)) >/var/lib/clamav/daily.cld
rm -f {HEARTBEATS}/*
: >/etc/machine-id
setpriv --reuid=nagios --regid=nagios --init-groups {HERE}/heartbeats
echo "second $?"
sed -i 's,{NAMESPACE},ManagedServer/Other,' {HERE}/heartbeats
{HERE}/heartbeats
echo "elsewhere $?"
"""
    files = files_of(root, spec, origins)
    result = run_script(tree, script, files, 120, environment, users=("nagios",))
    first, second, elsewhere = result.stdout.splitlines()[-3:]
    assert (first, second) == ("first 0", "second 0"), result
    assert elsewhere.startswith("elsewhere "), result
    assert elsewhere != "elsewhere 0", "the role opens one namespace"
    assert "heartbeats: clamav-definitions is not told: CRITICAL - no daily signatures" in result.stderr
    assert "AccessDenied" in result.stderr

    found = {}
    cloudwatch = aws.client("cloudwatch")
    for metric in cloudwatch.list_metrics()["Metrics"]:
        assert metric["Namespace"] == NAMESPACE
        assert metric["Dimensions"] == [{"Name": "InstanceId", "Value": "i-0123456789abcdef0"}]
        now, day = datetime.datetime.now(tz=datetime.UTC), datetime.timedelta(days=1)
        told = cloudwatch.get_metric_statistics(
            **metric, StartTime=now - day, EndTime=now + day, Period=86400, Statistics=["Maximum"]
        )["Datapoints"]
        found[metric["MetricName"]] = max(point["Maximum"] for point in told)
    alarms = {alarm.metric: alarm for alarm in server.alarms if alarm.namespace == NAMESPACE}
    assert set(found) == set(alarms) == {"backup-age", "clamav-definitions", "converge-age", "dumps-age"}
    assert found["backup-age"] == pytest.approx(3 * 3600, abs=120)
    assert found["clamav-definitions"] == 7200
    assert found["converge-age"] < 120, "the machine's own age, before the first time"
    assert all(age < alarms[metric].threshold for metric, age in found.items())


@pytest.mark.machine
def test_processes_are_found_by_their_names(root, tmp_path, machine):
    """By pgrep, which the agent asks: whole names, and no other that begins or goes on like one."""
    names = ("nginx", "php-fpm8.4", "systemd-resolve", "mysqld")
    document = configuration(root, customer(tmp_path), processes=names)
    patterns = [entry["exe"] for entry in document["metrics"]["metrics_collected"]["procstat"]]
    running_ones = ("nginx", "nginxx", "php-fpm8.4", "php-fpm8x4", "systemd-resolved", "mysqld_exporter")
    asked = "\n".join(f"pgrep -l '{pattern}'; echo ." for pattern in patterns)
    script = f"""
for name in {" ".join(running_ones)}; do
    cp /bin/sleep /tmp/$name
    /tmp/$name 60 &
done
for _ in $(seq 600); do pgrep mysqld_exporter >/dev/null && break; sleep 0.1; done
{asked}
"""
    result = run_script(machine[1], script, {})
    answers = [re.findall(r"^\d+ (\S+)$", part, re.MULTILINE) for part in result.stdout.split(".\n")]
    assert answers[:-1] == [["nginx"], ["php-fpm8.4"], ["systemd-resolve"], []], result
