"""A killed engine, and an AWS that fails for a while: the same command converges, and nothing is orphaned.

Kills while it creates, from nothing, are in test_zz_end; here are those while it updates and destroys. The
moments are recorded: what was in flight is printed.
"""

import json
import re
import signal
import subprocess
import sys
import time

import pytest

from managed_server.local.aws import faults
from tests.e2e.accounts import end_logs, standing, unknown
from tests.e2e.support import UP, Clone, copy_repository

pytestmark = [pytest.mark.engine, pytest.mark.soak]

DESTROY = ("destroy",)
UPDATES = (
    # What is changed in the stack file, and what is in flight when the engine is killed; one after another.
    ("disk_gb: 80", "disk_gb: 100", "updating", "aws:ec2/instance:Instance"),
    (
        "php, redis, percona]",
        "php, redis, percona, openvpn]",
        "creating",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    ),
    (
        "php, redis, percona, openvpn]",
        "php, redis, percona]",
        "deleting",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    ),
    ("memory_limit_mb: 192", "memory_limit_mb: 200", "updating", "aws:s3/bucketObjectv2:BucketObjectv2"),
)
DESTROYS = (
    # In the order in which they go.
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:ec2/instance:Instance",
    "aws:s3/bucket:Bucket",
    "aws:kms/key:Key",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A copy of the repository of its own."""
    clone = Clone(copy_repository(tmp_path_factory.mktemp("bad")), {})
    yield clone
    clone.managed("local", "down")


@pytest.fixture
def built(place):
    """The example stands."""
    done = place.managed("local", "up", "example", timeout=1800)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    place.point_at_local_aws()
    return place


def converges(clone):
    """The same command again: nothing is left to do, and AWS has nothing that the state has not."""
    done = clone.managed("local", "up", "example")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    again = clone.pulumi("preview", "--expect-no-changes", "--policy-pack", "policies")
    assert again.returncode == 0, again.stdout
    assert unknown(clone, "example") == set()


def change(clone, before, after):
    path = clone.path / "stacks" / "Pulumi.example.yaml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def grow(clone, key, step):
    """Change a number in the stack file, whatever it is by now."""
    path = clone.path / "stacks" / "Pulumi.example.yaml"
    text, count = re.subn(
        rf"({key}: )([0-9]+)", lambda m: f"{m[1]}{int(m[2]) + step}", path.read_text(), count=1
    )
    assert count == 1
    path.write_text(text)


def let_go(clone):
    """Everything may be destroyed."""
    done = clone.pulumi("state", "unprotect", "--all", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    end_logs(clone, "example")


def destroyed(clone):
    """The same command again: nothing is left, neither in the state nor in AWS."""
    assert clone.recover().returncode == 0
    done = clone.pulumi("destroy", "--yes")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    assert clone.deployment().get("resources") in (None, [])
    assert standing(clone, "example") == set()


@pytest.mark.parametrize(("before", "after", "operation", "kind"), UPDATES)
def test_killed_while_it_updates(built, before, after, operation, kind):
    change(built, before, after)
    in_flight = built.kill_while(operation, kind)
    sys.stdout.write(f"killed while {operation} {kind}; in flight: {', '.join(in_flight)}\n")
    assert built.wait_for_no_process() == []
    converges(built)


def test_killed_while_it_destroys(built):
    """Killed four times on the way, each time another thing is going; then it ends."""
    let_go(built)
    for kind in DESTROYS:
        assert built.recover().returncode == 0
        in_flight = built.kill_while("deleting", kind, DESTROY)
        sys.stdout.write(f"killed while deleting {kind}; in flight: {', '.join(in_flight)}\n")
        assert built.wait_for_no_process() == []
    destroyed(built)


# --- AWS fails -----------------------------------------------------------------------------------

ANSWERS = pytest.mark.parametrize("answer", ["500", "throttle"])


def fail(clone, every, answer):
    (clone.path / ".local" / faults.FILE).write_text(json.dumps({"every": every, "answer": answer}))


def good_day(clone):
    (clone.path / ".local" / faults.FILE).unlink(missing_ok=True)


def fails_while(clone, operation, kind, command, answer):
    """Run Pulumi; when a thing is in flight, AWS begins to fail every request, until Pulumi gives up."""
    log = clone.path / ".local" / "failed.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["pulumi", *command, "--yes", "--stack", clone.stack, "--non-interactive"],
            cwd=clone.path,
            env=clone.environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + 300
            while kind not in clone.in_flight(operation):
                assert process.poll() is None, f"it ended before it was {operation} {kind}: {log.read_text()}"
                assert time.monotonic() < deadline
                time.sleep(0.005)
            fail(clone, 1, answer)
            code = process.wait(timeout=900)
        finally:
            good_day(clone)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
    assert code != 0, log.read_text()[-4000:]
    return log.read_text()


@ANSWERS
def test_a_failing_create_converges(place, answer):
    place.managed("local", "down")
    hub = place.managed("local", "up", "hub")
    assert hub.returncode == 0, hub.stdout[-4000:] + hub.stderr[-4000:]
    place.point_at_local_aws()
    place.pulumi("stack", "init")
    fails_while(place, "creating", "aws:ec2/instance:Instance", UP, answer)
    converges(place)


@ANSWERS
def test_a_failing_update_converges(built, answer):
    grow(built, "disk_gb", 20)
    fails_while(built, "updating", "aws:ec2/instance:Instance", UP, answer)
    converges(built)


@ANSWERS
def test_a_failing_destroy_converges(built, answer):
    let_go(built)
    fails_while(built, "deleting", "aws:ec2/instance:Instance", DESTROY, answer)
    destroyed(built)


@ANSWERS
def test_an_update_ends_well_where_only_some_requests_fail(built, answer):
    grow(built, "memory_limit_mb", 1)
    fail(built, 3, answer)
    try:
        done = built.pulumi(*UP, "--yes")
    finally:
        good_day(built)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    converges(built)
