"""Nothing is left behind: not by a run, not by a killed one; and nothing asks the network."""

import json
import signal
import time

import pytest

from managed_server.local import engine
from tests.engine.local import WITHOUT

pytestmark = pytest.mark.engine

NUMBER = 40
MANY = f"""
for number in range({NUMBER}):
    aws.ssm.Parameter(f"p{{number}}", type="String", value="x", opts=here)
"""
SLOW = """
import time


def wait(_):
    open("waiting", "w").close()
    time.sleep(600)


aws.ssm.Parameter("first", type="String", value="x", opts=here).id.apply(wait)
"""


def settle(project, seconds=5.0):
    """Wait until nothing works on the project, or give up; return what still does."""
    deadline = time.monotonic() + seconds
    while (left := project.processes()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def wait_for(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(project, *words):
    lines = project.processes()
    return all(any(word in line for line in lines) for word in words)


def is_waiting(project):
    return (project.folder / "waiting").exists() and is_running(project, *PARTS)


def created(project):
    """How many parameters the state knows."""
    latest = json.loads(project.state())["checkpoint"]["latest"] or {}
    return sum(r["type"] == "aws:ssm/parameter:Parameter" for r in latest.get("resources", []))


PARTS = (
    "pulumi-language-python ",
    "pulumi-language-python-exec",
    "pulumi-resource-aws",
    "terraform-provider-aws",
)


def kill_in_flight(project, program, condition, off=()):
    project.write(program)
    project.ok("stack", "init", "t")
    with project.start("up", "--yes", "--skip-preview", "--stack", "t", off=off) as pulumi:
        try:
            wait_for(condition)
        finally:
            pulumi.send_signal(signal.SIGKILL)
            pulumi.stdout.close()


def test_a_killed_engine_takes_all_its_processes_along(project):
    kill_in_flight(project, SLOW, lambda: is_waiting(project))
    assert settle(project) == []


@WITHOUT
def test_without_the_cure_a_killed_engine_leaves_processes(project):
    try:
        kill_in_flight(project, SLOW, lambda: is_waiting(project), off=("orphans",))
        time.sleep(2)
        assert is_running(project, "pulumi-language-python ", "pulumi-resource-aws", "terraform-provider-aws")
    finally:
        project.end_processes()


@WITHOUT
def test_without_the_cure_runs_leave_processes(project):
    """One of a few: whether the last provider ends by itself in time is a race."""
    try:
        for number in range(5):
            assert project.write(f'aws.ec2.Eip("e{number}", opts=here)').up(off=("orphans",)).returncode == 0
            if any("terraform-provider-aws" in line for line in project.processes()):
                return
        pytest.fail("nothing was left behind: is the cure still needed?")
    finally:
        project.end_processes()


@pytest.mark.parametrize("seconds", [0.1, 0.6, 1.1, 1.6, 2.1])
def test_a_kill_at_any_moment_leaves_none(project, seconds):
    begun = time.monotonic()
    kill_in_flight(project, MANY, lambda: time.monotonic() - begun > seconds)
    assert settle(project) == []


def test_a_rerun_works_with_the_state_of_a_killed_one(project):
    kill_in_flight(project, MANY, lambda: created(project) > 3)
    assert settle(project) == []
    assert 3 < created(project) < NUMBER
    project.ok("cancel", "--yes", "--stack", "t")
    project.ok("refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--stack", "t")
    done = project.up()
    assert done.returncode == 0, done.stdout
    project.ok("preview", "--stack", "t", "--expect-no-changes")


def state_files(project):
    return {path.name for path in (project.folder / "state").rglob("*") if path.is_file()}


def test_the_state_has_no_part_that_a_kill_can_cut_short(project):
    assert project.write('pulumi.export("a", "b")', head="import pulumi\n").up().returncode == 0
    assert "t.json" in state_files(project)
    assert not any(name.endswith(".attrs") for name in state_files(project))


@WITHOUT
def test_without_the_cure_a_kill_can_cut_the_states_attributes_short(project):
    """They are emptied first and written then; a kill between the two is imitated here."""
    plain = engine.backend_url(project.folder / "state").split("?")[0]
    project.write('pulumi.export("a", "b")', head="import pulumi\n")
    project.ok("stack", "init", "t", PULUMI_BACKEND_URL=plain)
    assert project.up(PULUMI_BACKEND_URL=plain).returncode == 0
    next((project.folder / "state").rglob("t.json.attrs")).write_text("")
    done = project.up(PULUMI_BACKEND_URL=plain)
    assert done.returncode != 0
    assert "failed to load checkpoint: EOF" in done.stdout


def test_nothing_asks_the_network(project, outside):
    """Whatever is not on this machine would be asked for at the proxy, which answers nothing."""
    _, asked = outside
    project.write('aws.s3.Bucket("b", opts=here)')
    assert project.up().returncode == 0
    project.ok("preview", "--stack", "t", "--diff")
    project.ok("destroy", "--yes", "--skip-preview", "--stack", "t")
    assert asked == []


def test_the_watch_on_the_network_sees_a_program_that_asks(project, outside):
    _, asked = outside
    project.write(
        "import urllib.request\n"
        "try:\n    urllib.request.urlopen('http://pulumi.example/', timeout=5)\nexcept OSError:\n    pass",
        head="import pulumi\n",
    )
    assert project.up().returncode == 0
    assert asked
    asked.clear()


def test_no_plugin_is_taken_from_the_path(project):
    done = project.write('aws.ec2.Eip("e", opts=here)').up()
    assert done.returncode == 0
    assert "warning" not in done.stdout.lower()


def test_a_new_address_of_the_local_aws_is_no_change(project, moto):
    program = 'aws.ec2.Eip("e", opts=here)'
    assert project.write(program).up().returncode == 0
    assert moto not in project.state()
    moved = moto.replace("127.0.0.1", "localhost")
    project.ok("preview", "--stack", "t", "--expect-no-changes", MANAGED_SERVER_AWS_ENDPOINT=moved)
    project.ok(
        *("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--stack", "t"),
        MANAGED_SERVER_AWS_ENDPOINT=moved,
    )
