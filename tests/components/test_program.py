"""The program itself, and the project file: without an engine."""

import runpy
import shutil

import pulumi
import pytest
import yaml
from pulumi.runtime import mocks

import components.standing
from managed_server.bundle import build
from managed_server.resolve import load_customer
from tests.components.conftest import RecordingMocks, RecordingMonitor
from tests.conftest import ROOT


class Standing(RecordingMocks):
    """Says as well what stands of the stack, as the engine does."""

    def __init__(self, servers):
        super().__init__()
        self.servers = servers

    def call(self, args):
        if args.token != "pulumi:pulumi:readStackOutputs":
            return super().call(args)
        assert args.args == {"name": "organization/managed-server/example"}
        return {**args.args, "outputs": {"servers": self.servers} if self.servers else {}}


def run(program, standing=None, *, preview=False):
    """Run a program as the stack ``example``; return what it registered and exported."""
    answers = Standing(standing)
    monitor = RecordingMonitor(answers)
    mocks.set_mocks(
        answers, "managed-server", "example", preview=preview, monitor=monitor, organization="organization"
    )
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


WEB1 = {
    "instance_id": "i-1", "debian": 13, "instance_type": "t3.large", "architecture": "amd64", "disk_gb": 80,
}  # fmt: skip


def test_what_stands_as_written_is_built_again():
    made, exported = run(ROOT / "__main__.py", {"web1": WEB1})
    assert len(made) > 50
    facts = ("debian", "instance_type", "architecture", "disk_gb")
    assert {key: exported["servers"]["web1"][key] for key in facts} == {key: WEB1[key] for key in facts}


@pytest.mark.parametrize("preview", [True, False])
def test_a_renamed_server_is_refused_before_anything_is_registered(preview):
    with pytest.raises(pulumi.RunError, match=r"Pulumi.example.yaml: servers.www1: stands.*isn't renamed"):
        run(ROOT / "__main__.py", {"web1": WEB1, "www1": WEB1}, preview=preview)


@pytest.mark.parametrize("preview", [True, False])
def test_another_debian_is_refused_before_a_pointer_moves(preview):
    with pytest.raises(pulumi.RunError, match=r"servers.web1: debian: it runs Debian 12, and refuses"):
        run(ROOT / "__main__.py", {"web1": {**WEB1, "debian": 12}}, preview=preview)


def test_another_size_is_shown_by_a_preview_and_not_made(monkeypatch):
    said = []
    monkeypatch.setattr(pulumi, "warn", said.append)
    other = {"web1": {**WEB1, "instance_type": "t3.medium"}}
    when = components.standing.datetime.datetime(2026, 12, 8, 12, tzinfo=components.standing.datetime.UTC)
    monkeypatch.setattr(components.standing, "_now", lambda: when)
    made, _ = run(ROOT / "__main__.py", other, preview=True)
    assert len(made) > 50
    assert len(said) == 1
    assert "an update is refused now" in said[0]
    with pytest.raises(pulumi.RunError, match=r"t3\.medium becomes t3.large, which stops the server"):
        run(ROOT / "__main__.py", other)


def test_the_program_is_short():
    assert len((ROOT / "__main__.py").read_text().splitlines()) < 30


def test_default_providers_are_off_for_every_stack():
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    assert project["name"] == "managed-server"
    assert project["config"]["pulumi:disable-default-providers"]["value"] == ["*"]
    assert project["stackConfigDir"] == "stacks"
    assert project["runtime"]["options"]["virtualenv"] == ".venv"
