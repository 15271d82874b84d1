"""What the catalogue says of a server is so on its machine, and each software that can be had runs on one."""

import re

from managed_server.inputs import load_project
from tests.box.stacks.standing import STACK_FILES, servers
from tests.conftest import ROOT


def test_whatever_can_be_had_runs_on_some_machine():
    """What can't, or by a stand-in alone, stands in docs/not-run-here.md."""
    elsewhere = re.findall(r"^\| ([a-z-]+) \|", (ROOT / "docs/not-run-here.md").read_text(), re.MULTILINE)
    here = {name for server in servers(STACK_FILES).values() for name in server["software"]}
    assert set(load_project(ROOT).software) - here - set(elsewhere) == set()


def test_its_processes_run_as_the_catalogue_says(server):
    """But those of vendors, which a stand-in has in its own way."""
    vendors = {source.name for source in server.spec.apt_sources}
    said = server.box.run(["ps", "-e", "-o", "user:32=,comm="], check=True).stdout
    running = {tuple(line.split(maxsplit=1)) for line in said.splitlines()}
    wanted = {
        (process.user, process.name)
        for process in server.spec.processes
        if process.origin not in vendors and not server.spec.needs(process.origin)
    }
    assert wanted - running == set()


def test_secrets_are_where_their_software_reads_them(fleet, server):
    ssm = fleet.client("ssm", server.customer.account_id, server.customer.region)
    for secret in server.spec.secrets:
        value = ssm.get_parameter(Name=secret.parameter, WithDecryption=True)["Parameter"]["Value"]
        assert server.box.read(secret.path) == secret.text.replace("{secret}", value)
        said = server.box.run(["stat", "-c", "%U %G %a", secret.path], check=True).stdout.split()
        assert said == [secret.owner, secret.group, secret.mode.lstrip("0")]
