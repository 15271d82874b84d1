"""A server hosted elsewhere, beside the hub that watches it: from a plain Debian to its leaving.

It is provisioned by the real engine, and no instance: nothing tells it who it is. It boots and converges.
Run by `make soak`; up to its bundle, tests/box/test_box_elsewhere.py goes in each CI.
"""

import json
import threading

import pytest

from managed_server.bundle import build
from managed_server.inputs import load_project
from managed_server.local.box import commands, drill
from managed_server.resolve import load_customer
from tests.box.stacks.backups import job
from tests.box.stacks.fleet import Server, until
from tests.box.stacks.standing import OFFICE
from tests.box.stacks.test_checks import outcomes
from tests.box.stacks.watching import NOT_IN_A_BOX, settle
from tests.e2e.support import Clone
from tests.stackfile import FAR, STACK, write_stack

pytestmark = pytest.mark.soak

ADDRESS = "198.51.100.200"  # the local AWS gives out the lower ones
ALONE = STACK[: STACK.index("      web1:")] + FAR.replace("198.51.100.20", ADDRESS).replace("php", "redis")


@pytest.fixture(scope="module")
def far(fleet, hub_server):
    """The machine, converged; in the end it leaves, and the hub forgets it."""
    clone = Clone(fleet.root, {})
    path = write_stack(fleet.root, ALONE)
    done = clone.managed("local", "up", "acme")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    project = load_project(fleet.root)
    machines = commands.standing(fleet.root, project.provider, fleet.local, ["acme"])
    assert [(machine.name, machine.instance_id) for machine in machines] == [("acme-far", "")]
    fleet.session.up(machines, hub=str(project.provider.hubs["hub"].ipv4), office=OFFICE, aliases={})
    commands.bootstrap(fleet.root, fleet.session, fleet.local, machines)
    customer = load_customer(fleet.root, "acme")
    spec = customer.server("far")
    bundle = build(fleet.root / "templates", customer, spec)
    server = Server(fleet, customer, spec, fleet.session.box("acme-far"), bundle)
    server.wait(threading.Event())
    fleet.servers["acme-far"] = server
    yield server
    del fleet.servers["acme-far"]
    path.write_text(ALONE + "        retire: true\n")
    clone.point_at_local_aws()
    done = clone.deploy("retire", "acme", "far", "--without-backup", "far", "--yes")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    fleet.session.remove("acme-far")
    path.unlink()
    asked = "grep -rl acme-far /etc/nagios4 /etc/munin"
    until(lambda: hub_server.box.run(asked).returncode == 1, 300, "the hub still watches it", 5)


def test_nothing_tells_it_who_it_is(far):
    done = far.box.run(["curl", "-sS", "--max-time", "5", "http://169.254.169.254/latest/meta-data/"])
    assert done.returncode == 7, "couldn't connect: " + done.stderr


def test_it_backs_up_and_all_its_checks_are_well(far):
    assert job(far, "backup").startswith("ok ")
    assert job(far, "access-key").startswith("ok ")
    bad = {name: said for name, said in outcomes(far).items() if said[0] != 0 and name not in NOT_IN_A_BOX}
    assert bad == {}


def test_the_hub_finds_all_well_as_on_the_others(fleet, far, hub_server):
    assert far.spec.host_name in fleet.servers
    settle(fleet, hub_server)


@pytest.mark.usefixtures("far")
def test_only_who_is_named_gets_in(foreign, hub):
    assert foreign.reaches(ADDRESS, [22, 80, 5666, 4949]) == {80}
    assert hub.reaches(ADDRESS, [80, 5666, 4949]) == {80, 5666, 4949}


def test_a_second_run_changes_nothing(far):
    done = far.converge()
    assert done.returncode == 0, done.stdout + done.stderr
    assert far.changes() == []


@pytest.mark.usefixtures("far")
def test_a_drill_restores_its_backup(fleet, capsys):
    code = drill.drill(fleet.root, "acme", None, None, as_json=True)
    [found] = json.loads(capsys.readouterr().out)
    assert found["ok"], found
    assert code == 0
