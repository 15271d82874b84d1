"""The program itself, and the project file: without an engine."""

import runpy
import shutil

import pulumi
import pytest
import yaml
from pulumi.runtime import mocks

from managed_server.bundle import build
from managed_server.resolve import load_customer
from tests.components.conftest import RecordingMocks, RecordingMonitor
from tests.conftest import ROOT


def run(program):
    """Run a program as the stack ``example``; return what it registered and exported."""
    answers = RecordingMocks()
    monitor = RecordingMonitor(answers)
    mocks.set_mocks(answers, project="managed-server", stack="example", monitor=monitor)
    exported = {}

    @pulumi.runtime.test
    def start():
        made = runpy.run_path(str(program), run_name="__main__")
        return pulumi.Output.from_input(made["environment"].outputs).apply(exported.update)

    start()
    return [r for r in monitor.registered.values() if r.type.startswith("aws:")], exported


def test_the_example_is_built_from_its_stack_file():
    made, exported = run(ROOT / "__main__.py")
    customer = load_customer(ROOT, "example")
    names = {resource.name for resource in made}
    for server in customer.servers:
        bundle = build(ROOT / "templates", customer, server)
        assert f"example-{server.name}-instance" in names
        assert exported["servers"][server.name]["bundle_sha256"] == bundle.sha256
        rules = {f"example-{server.name}-firewall-{rule.key}" for rule in server.rules}
        assert len(rules) == len(server.rules) > 10
        assert rules == {name for name in names if name.startswith(f"example-{server.name}-firewall-")} - {
            f"example-{server.name}-firewall-group"
        }
    assert exported["backup_bucket"] == customer.backup_bucket


def test_bad_input_is_said_without_a_traceback_and_creates_nothing(inputs):
    shutil.copy(ROOT / "__main__.py", inputs)
    stack = inputs / "stacks" / "Pulumi.example.yaml"
    stack.write_text(stack.read_text().replace("nginx", "ngnix", 1))
    with pytest.raises(pulumi.RunError, match=r"Pulumi.example.yaml:\d+: .*unknown software 'ngnix'"):
        run(inputs / "__main__.py")


def test_the_program_is_short():
    assert len((ROOT / "__main__.py").read_text().splitlines()) < 30


def test_default_providers_are_off_for_every_stack():
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    assert project["name"] == "managed-server"
    assert project["config"]["pulumi:disable-default-providers"]["value"] == ["*"]
    assert project["stackConfigDir"] == "stacks"
    assert project["runtime"]["options"]["virtualenv"] == ".venv"
