"""`managed check` of many customers: by several processes it says what one says, and leaves none behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from managed_server.reading import READER
from managed_server.reports import check, fleet
from tests.conftest import A_DAY, copy_inputs
from tests.fleet import stack_file, write_fleet

CUSTOMERS = 40
PROCESSES = 2
BROKEN = "cust00023"


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Customers, one of which has an unknown software, and one a disk that is warned of."""
    root = copy_inputs(tmp_path_factory.mktemp("fleet") / "inputs")
    for path in (root / "stacks").glob("*.yaml"):
        path.unlink()
    names = write_fleet(root / "stacks", CUSTOMERS)
    path = root / "stacks" / f"Pulumi.{BROKEN}.yaml"
    path.write_text(re.sub(r"software: \[\w+", "software: [ngnix", path.read_text(), count=1))
    path = root / "stacks" / f"Pulumi.{names[30]}.yaml"
    path.write_text(re.sub(r"disk_gb: \d+", "disk_gb: 5000", path.read_text(), count=1))
    return root


def line_of(root: Path, name: str, text: str) -> int:
    lines = (root / "stacks" / f"Pulumi.{name}.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


@pytest.fixture(scope="module")
def alone(many, a_day):  # noqa: ARG001 - on that day
    """What one process says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fleet, "_processors", lambda: 1)
        return check.check_stacks(many, [])


def by(processes: int, monkeypatch, many: int = 4) -> None:
    """Let so many processes share what follows."""
    monkeypatch.setattr(fleet, "_processors", lambda: processes)
    monkeypatch.setattr(fleet, "MANY", many)


def managed(root: Path, *arguments: str) -> subprocess.Popen:
    """Start the command as it is on a machine with so many processors, on `A_DAY`."""
    program = f"""
from datetime import date

from managed_server import resolve
from managed_server.cli import main
from managed_server.reports import fleet

resolve._today = lambda: date.fromisoformat("{A_DAY}")
fleet._processors = lambda: {PROCESSES}
main()
"""
    return subprocess.Popen(
        [sys.executable, "-c", program, "check", "--root", str(root), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def working(process: subprocess.Popen) -> list[int]:
    """Wait until a command has its processes at work, and return them."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        if len(found := children(process.pid)) == PROCESSES:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{PROCESSES} processes never worked: {process.communicate()}")


def gone(pids: list[int]) -> bool:
    """Wait until processes are no more."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.05)
    return False


def test_several_processes_say_what_one_says(many, alone, monkeypatch):
    by(3, monkeypatch)
    found = check.check_stacks(many, [])
    assert found == alone
    assert json.dumps(found.as_json()) == json.dumps(alone.as_json())
    assert [stack.id for stack in found.stacks] == sorted({stack.id for stack in alone.stacks})
    assert len(found.stacks) == CUSTOMERS - 1
    assert not READER.keeps, "what was read for one run is not kept for the next"


def test_an_error_in_one_of_many_stacks_is_told_once_with_its_line(many, alone):
    [error] = [problem for problem in alone.problems if problem.severity == "error"]
    assert error.file == f"stacks/Pulumi.{BROKEN}.yaml"
    assert error.line == line_of(many, BROKEN, "ngnix")
    assert "unknown software 'ngnix'; did you mean nginx?" in error.message
    others = [problem for problem in alone.problems if problem.severity == "warning"]
    assert [problem.file for problem in others if problem.path.endswith(".disk_gb")] == [
        "stacks/Pulumi.cust00030.yaml"
    ]
    assert all(problem.path.endswith(".disk_gb") or " of memory" in problem.message for problem in others)


def test_named_stacks_are_told_in_the_order_in_which_they_are_named(many, monkeypatch):
    by(2, monkeypatch, many=2)
    names = ["cust00009", "cust00001", "cust00030", "cust00002", "cust00028"]
    assert [stack.id for stack in check.check_stacks(many, names).stacks] == names


@pytest.mark.usefixtures("a_day")
def test_what_customers_have_in_common_is_held_against_each_other(many, monkeypatch, tmp_path):
    """Two stacks of two processes: servers that a hub would know by one name."""
    by(2, monkeypatch, many=2)
    drafts = tmp_path / "stacks"
    drafts.mkdir()
    servers = {"acme": "b-app1", "acme-b": "app1", "else": "app1", "other": "app1"}
    for number, (name, server) in enumerate(servers.items(), CUSTOMERS):
        text = stack_file(number)[1].replace("      app1:", f"      {server}:")
        (drafts / f"Pulumi.{name}.yaml").write_text(text)
    [problem] = check.check_stacks(many, [], tmp_path).problems
    assert (problem.file, problem.path) == ("stacks/Pulumi.acme-b.yaml", "servers.app1")
    assert "as acme-b-app1, as it does a server of stacks/Pulumi.acme.yaml; rename it" in problem.message


def test_a_process_that_is_killed_is_told_of(many, monkeypatch):
    by(2, monkeypatch)
    real = fleet.proven

    def killed(project, stack):
        if stack == "cust00031":
            os.kill(os.getpid(), signal.SIGKILL)
        return real(project, stack)

    monkeypatch.setattr(fleet, "proven", killed)
    with pytest.raises(ChildProcessError, match="was killed: is there enough memory"):
        check.check_stacks(many, [])


class TestCommand:
    """The command as a whole."""

    def test_output(self, many, alone):
        process = managed(many)
        out, err = process.communicate(timeout=300)
        assert process.returncode == 2
        assert err.splitlines() == [
            *(f"{problem.severity}: {problem}" for problem in alone.problems),
            "1 error; nothing was created or changed.",
        ]
        rows = [line.split()[:2] for line in out.splitlines()[1:] if not line.startswith("outside the SLA")]
        assert rows == [[stack.id, server.name] for stack in alone.stacks for server in stack.servers]

    def test_a_killed_process_ends_the_command(self, many):
        process = managed(many, "--json")
        workers = working(process)
        os.kill(workers[0], signal.SIGKILL)
        out, err = process.communicate(timeout=300)
        assert (process.returncode, out) == (1, "")
        assert err == "error: a process that checked stacks was killed: is there enough memory?\n"
        assert gone(workers)

    @pytest.mark.parametrize(("number", "everybody"), [(signal.SIGINT, True), (signal.SIGKILL, False)])
    def test_none_is_left_behind(self, many, number, everybody):
        """Ctrl-C reaches all that a terminal runs; a kill reaches the first process alone."""
        process = managed(many, "--json")
        workers = working(process)
        (os.killpg if everybody else os.kill)(process.pid, number)
        process.communicate(timeout=300)
        assert process.returncode != 0
        assert gone(workers)
