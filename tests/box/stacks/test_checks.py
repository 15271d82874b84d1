"""Every check of a server, as NRPE runs it: on a server that has just been made, all is well."""

import json
import time

import pytest

from tests.box.stacks.fleet import until

# What a machine without kernel, clock and vendor's signatures of its own can't show (docs/box.md).
NOT_IN_A_BOX = {
    "clamav-definitions",
    "time-clock",
    "nrpe-load",
}  # the load is the whole host's


def outcomes(server, names=None):
    """Exit code and first line of each check, by its name; asked one after another, in one program."""
    checks = {
        check.name: check.command
        for check in server.spec.checks
        if not server.spec.needs(check.origin) and (names is None or check.name in names)
    }
    said = server.box.run(["python3", "-I", "-c", ASK], input=json.dumps(checks), timeout=300, check=True)
    return {name: (code, line) for name, (code, line) in json.loads(said.stdout).items()}


ASK = """
import json, subprocess, sys
as_nagios = ["setpriv", "--reuid=nagios", "--regid=nagios", "--init-groups", "bash", "-c"]
found = {}
for name, command in json.load(sys.stdin).items():
    done = subprocess.run([*as_nagios, command], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    found[name] = (done.returncode, done.stdout.splitlines()[0] if done.stdout else done.stderr)
print(json.dumps(found))
"""


def not_well(server, names=None):
    found = outcomes(server, names).items()
    return {name: said for name, said in found if said[0] != 0 and name not in NOT_IN_A_BOX}


PICTURES = "/var/cache/munin/www"
"""Where Munin's pages are as well."""


def first_munin_round(hub):
    """The one that makes its pages, and which its own check waits for: by cron, it comes within minutes."""
    if hub.box.run(["test", "-s", f"{PICTURES}/index.html"]).returncode:
        munin_round(hub)


def munin_round(hub):
    """One round of Munin at the hub, beside those that cron begins: there is one at a time."""
    run = ["setpriv", "--reuid=munin", "--regid=munin", "--init-groups", "munin-cron"]
    until(lambda: hub.box.run(run, timeout=300).returncode == 0, 300, "Munin has no round", 2)


def test_all_is_well_on_a_server_that_has_just_been_made(server):
    """Within the minute in which Nagios asks thrice before it believes one: a timer may just be at work."""
    if "munin" in server.spec.software:
        first_munin_round(server)
    deadline = time.monotonic() + 60
    bad = not_well(server)
    while bad and time.monotonic() < deadline:
        time.sleep(5)
        bad = not_well(server, set(bad))
    assert not bad, "\n".join(f"{name}: {code} {line}" for name, (code, line) in bad.items())


@pytest.mark.parametrize(
    ("unit", "names"),
    [
        ("nginx.service", {"nginx-status", "nginx-workers", "nginx-http-port", "nginx-https-port"}),
        ("php8.4-fpm.service", {"php-ping", "php-master"}),
        ("ssh.service", {"ssh-greeting"}),
    ],
)
def test_a_service_that_stops_is_seen(web1, unit, names):
    web1.box.run(["systemctl", "stop", unit], check=True)
    try:
        found = outcomes(web1, names)
        assert set(found) == names
        assert {code for code, _ in found.values()} == {2}, found
    finally:
        web1.box.run(["systemctl", "start", unit], check=True)
    assert {code for code, _ in outcomes(web1, names).values()} == {0}


def test_cloudwatch_is_told_of_heartbeats_where_their_alarms_wait(fleet, web1):
    """By the server's own role, in its own account, under the dimensions that the alarms name."""
    web1.box.run(["systemctl", "start", "managed-heartbeats.service"], check=True)
    namespace = web1.spec.cloudwatch.heartbeat_namespace
    cloudwatch = fleet.client("cloudwatch", web1.customer.account_id, web1.customer.region)
    told = {
        metric["MetricName"]: metric["Dimensions"]
        for metric in cloudwatch.list_metrics(Namespace=namespace)["Metrics"]
    }
    waiting = {
        alarm["MetricName"]: alarm["Dimensions"]
        for alarm in cloudwatch.describe_alarms()["MetricAlarms"]
        if alarm.get("Namespace") == namespace
    }
    assert set(waiting) == {heartbeat.metric for heartbeat in web1.spec.cloudwatch.heartbeats}
    assert told == {name: names for name, names in waiting.items() if name not in NOT_IN_A_BOX}
    assert {"backup-age", "converge-age", "dumps-age"} <= set(told)


def test_what_containers_mount_is_no_disk(web1):
    """Below a folder of root's own Nagios' account sees nothing: that would wake somebody again and again."""
    web1.box.run(
        """mkdir -p /var/lib/docker/overlay2/abc/merged && chmod 0710 /var/lib/docker &&
        mount -t overlay -o lowerdir=/usr:/etc overlay /var/lib/docker/overlay2/abc/merged""",
        check=True,
    )
    try:
        found = outcomes(web1, {"nrpe-disk", "nrpe-inodes", "nrpe-disk-full"})
        assert [code for code, _ in found.values()] == [0, 0, 0], found
    finally:
        web1.box.run("umount /var/lib/docker/overlay2/abc/merged; rm -r /var/lib/docker", check=True)
