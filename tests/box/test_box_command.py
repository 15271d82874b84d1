"""`managed box`, as a person uses it, for a server of the example's stack that stands on a local AWS."""

import json
import os
import subprocess
import sys

import pytest

from managed_server.local.aws import process
from managed_server.local.box.session import Session
from tests.conftest import copy_inputs

from .support import Cloud

pytestmark = pytest.mark.machine

ACCOUNT = "111122223333"  # of stacks/Pulumi.example.yaml


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A repository of its own: nothing that stands in another one is touched."""
    copied = copy_inputs(tmp_path_factory.mktemp("root") / "inputs")
    yield copied
    Session(copied / ".local" / "box", copied / ".local", lambda _: None).down()
    process.stop(copied / ".local")


def managed(root, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "managed_server.cli", "box", *arguments]
    env = {**os.environ, "MANAGED_SERVER_ROOT": str(root), **variables}
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300, env=env, input="")


def test_what_is_missing_is_said(root):
    said = managed(root, "up")
    assert (said.returncode, "managed local up" in said.stderr) == (1, True)
    assert (managed(root, "status").returncode, managed(root, "down").returncode) == (1, 0)
    assert managed(root, "shell", "example-web1").returncode == 2
    process.start(root / ".local", lambda _: None)
    said = managed(root, "up", "example")
    assert (said.returncode, "example doesn't stand on the local AWS" in said.stderr) == (1, True)
    assert managed(root, "up", "nobody").returncode == 2
    Cloud(root / ".local", process.status(root / ".local"), ACCOUNT).machine("web1", stack="example")
    said = managed(root, "up", PATH="/nowhere")
    assert said.returncode == 1
    assert "apt-get install" in said.stderr
    assert "systemd-container" in said.stderr


def test_without_root(root):
    """The command's own answer; the copy of the repository can't be read by another user."""
    script = (
        "import os; os.geteuid = lambda: 1000\n"
        "from managed_server.local.box import commands\n"
        "from pathlib import Path\n"
        f"commands.up(Path({str(root)!r}), [])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (said.returncode, "needs root" in said.stderr) == (1, True)


def test_from_up_to_down(root):
    said = managed(root, "up")
    assert said.returncode == 0, said.stderr
    assert "example-web1: running" in said.stderr
    [found] = json.loads(managed(root, "status", "--json").stdout)["machines"]
    assert (found["name"], found["running"]) == ("example-web1", True)
    assert found["addresses"][0].startswith("198.51.100.")
    assert found["addresses"][1].startswith("2001:db8:ec2::")
    assert "example-web1" in managed(root, "status").stdout
    shell = managed(root, "shell", "example-web1", "--", "sh", "-c", "cat /etc/debian_version; exit 7")
    assert (shell.returncode, shell.stdout[:3]) == (7, "13.")
    logs = managed(root, "logs", "example-web1")
    assert (logs.returncode, "Cloud-init" in logs.stdout) == (0, True)
    assert managed(root, "logs", "example-web2").returncode == 2
    assert managed(root, "down").returncode == 0
    assert managed(root, "status").returncode == 1
    assert not (root / ".local" / "box").exists()


@pytest.mark.parametrize("lost", [False, True])
def test_down_ends_what_a_killed_drill_has_left(root, lost):
    left = Session(root / ".local" / "drill", root / ".local", lambda _: None)
    left.folder.mkdir(parents=True)
    left.network.start()
    if lost:
        left.folder.rmdir()
    assert managed(root, "down").returncode == 0
    assert (left.network.is_up(), left.folder.exists()) == (False, False)


def test_down_where_no_machine_can_have_been(root):
    said = managed(root, "down", PATH="/nowhere")
    assert (said.returncode, said.stderr) == (0, "There were no machines.\n")
    (root / ".local" / "drill").mkdir(parents=True)
    try:
        said = managed(root, "down", PATH="/nowhere")
        assert (said.returncode, "systemd-container" in said.stderr) == (1, True)
    finally:
        (root / ".local" / "drill").rmdir()
