"""A machine is lost, and comes back in one command; the last of these tests, as it gives web1's machine up.

By `make soak`: two machines are converged, and Pulumi's engine replaces an instance.
"""

import json
import os
import subprocess

import pytest

from managed_server.inputs import load_provider
from managed_server.local import session as local_session
from managed_server.local.box import commands
from tests.box.stacks.backups import ROWS, back_up, fill, state
from tests.box.stacks.fleet import until

pytestmark = pytest.mark.soak

OFFICE = "203.0.113.1"  # as at the start of the fleet


def standing(fleet):
    """The machine that plays the server's instance, as it stands now."""
    [found] = commands.standing(fleet.root, load_provider(fleet.root), fleet.local, ["example"])
    return found


def test_a_lost_machine_is_back_by_one_command_run_twice(fleet, web1, admin):
    """It is killed while it waits, and begun again."""
    fill(web1)
    before, lost = state(web1), web1.box.machine
    web1.box.power_off()
    engine = local_session.engines.find_or_build(lambda _: None)
    environment = {**os.environ, **local_session.environment(fleet.root, engine, fleet.local)}
    ssh = f"ip netns exec {admin.namespace} ssh -F none -o IdentitiesOnly=yes -i {fleet.keys / 'alice'}"
    command = [str(fleet.root / ".venv/bin/python"), "-m", "managed_server.cli", "restore", "example", "web1"]
    command += ["--new-machine", "--user", "alice", "--ssh", ssh]

    def begin(output, *more):
        return subprocess.Popen(
            [*command, *more], cwd=fleet.root, env=environment, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    log = fleet.work / "restore.log"
    with log.open("w") as output, begin(output) as refused:
        assert refused.wait(120) == 1, "nobody said yes"
    assert standing(fleet) == lost
    with log.open("w") as output, begin(output, "--yes") as first:
        until(lambda: "waiting for" in log.read_text() or first.poll(), 600, "it isn't replaced")
        first.kill()
    assert first.returncode < 0, log.read_text()
    new = standing(fleet)
    assert new.instance_id != lost.instance_id
    assert new.addresses[0] == lost.addresses[0], "the address stays"
    commands.remove_replaced(fleet.session, [new])
    fleet.session.up([new], hub=fleet.session.plan().pages, office=OFFICE, aliases={})
    with log.open("w") as output, begin(output, "--yes") as second:
        assert second.wait(2400) == 0, log.read_text()
    said = log.read_text()
    assert f"{lost.instance_id}, which was lost, has been replaced by {new.instance_id}" in said
    answer = json.loads(next(line for line in said.splitlines() if line.startswith("{")))
    assert (answer["problems"], answer["rows"]) == ([], sum(ROWS.values()))
    assert standing(fleet) == new, "it was replaced once"
    web1.box = fleet.session.box(new.name)
    assert state(web1) == before
    back_up(web1)  # it goes on with the backups of the lost one
    assert not (fleet.root / ".local/new-machine/example-web1.json").exists()
    urn = subprocess.run(
        ["pulumi", "stack", "export", "--stack", "example"], cwd=fleet.root, env=environment, check=True,
        capture_output=True, text=True,
    ).stdout  # fmt: skip
    resources = json.loads(urn)["deployment"]["resources"]
    assert [
        (r["id"], r["protect"]) for r in resources if r.get("id") in (lost.instance_id, new.instance_id)
    ] == [(new.instance_id, True)]
