"""`managed retire`, with Pulumi, SSH and buckets played."""

import json
import os
import stat

import pytest

from managed_server import retire as retires
from managed_server.leaving import State
from managed_server.problems import InputError
from tests.leaving_state import PROVIDER, forgotten, names, resources
from tests.stackfile import STACK, write_stack

RETIRE = "        retire: true\n"
PULUMI = """#!/bin/sh
echo "$@" >>"$PLACE/asked"
case "$1 $2" in
"stack export") cat "$PLACE/state" ;;
"stack import") while [ "$1" != --file ]; do shift; done; cp "$2" "$PLACE/state" ;;
up*)
    [ ! -e "$PLACE/fails" ] || exit 255
    cp "$PLACE/after" "$PLACE/state" ;;
destroy*) cp "$PLACE/nothing" "$PLACE/state" ;;
esac
"""
SSH = """#!/bin/sh
echo "ssh $*" >>"$PLACE/asked"
cat "$PLACE/says"
exit $(cat "$PLACE/code")
"""


class NoBuckets:
    """Buckets that can be reached and are empty."""

    def why_not(self, _client, _bucket):
        return None

    def no_more_logs(self, _s3, _bucket):
        pass

    def look(self, _s3, bucket, prefix=""):
        return retires.kept_backups.Kept(bucket, prefix, (), None)


@pytest.fixture
def place(tmp_path, monkeypatch, inputs):
    for name, text in {"pulumi": PULUMI, "ssh": SSH}.items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    write_stack(inputs, STACK.replace("web1:", "web:") + RETIRE)
    kept = [each for each in resources() if "acme-web-2" not in each["urn"]]
    kept[0]["outputs"]["servers"].pop("web-2")
    for name, left in {"state": resources(), "after": [kept[0], PROVIDER, *kept[-3:]], "nothing": []}.items():
        (tmp_path / name).write_text(json.dumps({"version": 3, "deployment": {"resources": left}}))
    (tmp_path / "says").write_text("ok snapshot 0123 of 7 files\n")
    (tmp_path / "code").write_text("0")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("PLACE", str(tmp_path))
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    monkeypatch.setattr(retires.kept_backups, "why_not", NoBuckets().why_not)
    monkeypatch.setattr(retires.kept_backups, "look", NoBuckets().look)
    monkeypatch.setattr(retires.kept_backups, "no_more_logs", NoBuckets().no_more_logs)
    return tmp_path


def command(inputs, server="web", without=(), answer=None):
    said = []

    def agree(text):
        said.append(text)
        if answer:
            raise answer

    access = retires.Access("ssh -v", "ann", without)
    retires.retire(inputs, "acme", server, access, agree=agree, progress=said.append)
    return said


def asked(place, what):
    path = place / "asked"
    return [line for line in path.read_text().splitlines() if what in line] if path.exists() else []


def test_a_server_is_backed_up_let_go_and_ended(place, inputs):
    said = command(inputs)
    assert said[0] == (
        "acme-web (192.0.2.1) is ended: i-1 is destroyed with all that is on it, and its address is let go. "
        "Its off-site backups stay."
    )
    [ssh] = asked(place, "ssh -v")
    assert "ann@192.0.2.1 sudo sh -c" in ssh
    assert "managed-*dumps.service" in ssh
    assert "acme-web: ok snapshot 0123 of 7 files" in said
    [up] = asked(place, "up --yes")
    assert "--policy-pack policies" in up
    order = [line.split()[0] for line in asked(place, "") if line.split()[0] in ("ssh", "up")]
    assert order == ["ssh", "up"]
    assert said[-1] == "nothing is left of acme-web: take its lines out of stacks/Pulumi.acme.yaml"


def test_run_again_it_does_nothing_twice(place, inputs):
    command(inputs)
    (place / "asked").unlink()
    said = command(inputs)
    assert said == ["nothing is left of acme-web: take its lines out of stacks/Pulumi.acme.yaml"]
    assert asked(place, "ssh") == asked(place, "up --yes") == asked(place, "import") == []


def test_after_a_failed_update_the_same_command_goes_on(place, inputs):
    (place / "fails").touch()
    with pytest.raises(retires.RetireError, match="pulumi up --yes failed"):
        command(inputs)
    state = State("acme", json.loads((place / "state").read_text())["deployment"]["resources"])
    assert state.standing(("web",)) == {}
    assert names(e for e in state.resources if e.get("protect")) == ["acme-web-2-instance", "backups"]
    (place / "fails").unlink()
    said = command(inputs)
    assert len(asked(place, "ssh -v")) == 1, "one last backup is enough"
    assert said[-1].startswith("nothing is left of acme-web:")


def test_another_server_whose_name_begins_alike_is_left_alone(place, inputs):
    """Run again for its backups, long after it has gone; nothing of what the checkout holds is deployed."""
    left = [each for each in resources() if "acme-web-2" in each["urn"]]
    made = [PROVIDER, *left, *resources()[-3:]]
    (place / "state").write_text(json.dumps({"version": 3, "deployment": {"resources": made}}))
    said = command(inputs)
    assert said == ["nothing is left of acme-web: take its lines out of stacks/Pulumi.acme.yaml"]
    assert asked(place, "import") == asked(place, "up --yes") == []


@pytest.fixture
def begun(place):
    """Its first update came to no end: the machine stands, and the outputs don't know of it."""

    def begin(*parts):
        left = forgotten(resources(), "web", *parts)
        (place / "state").write_text(json.dumps({"version": 3, "deployment": {"resources": left}}))

    return begin


def test_a_server_whose_first_update_came_to_no_end_is_ended_like_any_other(place, inputs, begun):
    begun("instance", "address")
    said = command(inputs)
    assert said[0].startswith("acme-web (192.0.2.7) is ended: acme-web-instance is destroyed with all")
    [ssh] = asked(place, "ssh -v")
    assert "ann@192.0.2.7 sudo sh -c" in ssh
    assert "2 resources are no longer protected" in said


def test_without_consent_or_backup_it_stays(place, inputs, begun):
    begun("instance", "address")
    with pytest.raises(KeyboardInterrupt):
        command(inputs, answer=KeyboardInterrupt())
    assert asked(place, "ssh") == []
    (place / "code").write_text("255")
    with pytest.raises(retires.RetireError, match=r"last backup didn't go well: .*--without-backup web"):
        command(inputs)
    begun("instance")
    with pytest.raises(
        retires.RetireError, match=r"no last backup without an address\. .*--without-backup web"
    ):
        command(inputs)
    assert len(asked(place, "ssh -v")) == 1
    assert asked(place, "import") == asked(place, "up --yes") == []
    assert command(inputs, without=("web",))[-1].startswith("nothing is left of acme-web:")


@pytest.mark.parametrize(("says", "code"), [("warning 3 files couldn't be read\n", "0"), ("", "255")])
def test_without_a_good_last_backup_nothing_is_touched(place, inputs, says, code):
    (place / "says").write_text(says)
    (place / "code").write_text(code)
    with pytest.raises(retires.RetireError, match=r"last backup didn't go well: .*--without-backup web"):
        command(inputs)
    assert asked(place, "import") == asked(place, "up --yes") == []


def test_a_dead_machine_is_asked_for_nothing(place, inputs):
    said = command(inputs, without=("web",))
    assert asked(place, "ssh") == []
    assert "acme-web: no last backup; the latest one that went well is what is left" in said


def test_nothing_happens_where_somebody_says_no(place, inputs):
    with pytest.raises(KeyboardInterrupt):
        command(inputs, answer=KeyboardInterrupt())
    assert asked(place, "ssh") == asked(place, "import") == asked(place, "up --yes") == []


def test_a_dead_hub_is_told_of_and_blocks_nothing(place, inputs, monkeypatch):
    monkeypatch.setattr(retires.kept_backups, "why_not", lambda *_: "no such bucket")
    (place / "fails").touch()
    with pytest.raises(retires.RetireError):
        command(inputs)
    state = State("acme", json.loads((place / "state").read_text())["deployment"]["resources"])
    assert state.published(("web",)) == []
    assert "acme-web-2-hub-fragment" in names(state.published(("web-2",)))


@pytest.mark.parametrize(
    ("text", "server", "wrong"),
    [
        (STACK, "web1", "servers.web1.retire: the server is not to leave: write `retire: true`"),
        (STACK, None, "retire: the customer is not to leave: write `retire: true`"),
        (STACK, "www", "servers: has no server 'www'; it has: web1"),
    ],
)
def test_what_the_stack_file_does_not_say_is_refused(place, inputs, text, server, wrong):
    write_stack(inputs, text)
    with pytest.raises(InputError) as refused:
        command(inputs, server)
    assert wrong in str(refused.value)
    assert asked(place, "") == []


def test_a_hub_does_not_leave_its_customers(place, inputs):
    path = inputs / "stacks" / "Pulumi.hub.yaml"
    path.write_text(path.read_text().replace("    hub: hub", "    retire: true\n    hub: hub", 1))
    access = retires.Access("ssh", None, ())
    with pytest.raises(InputError, match="is the hub of acme, example: move them to another hub first"):
        retires.retire(inputs, "hub", None, access, agree=print, progress=print)
    assert asked(place, "") == []


def test_a_customer_does_not_leave_an_account_that_others_share(place, inputs):
    write_stack(inputs, STACK + "    retire: true\n")
    shared = "backup_region: eu-west-1, shares_account_with: acme"
    write_stack(inputs, STACK.replace("backup_region: eu-west-1", shared), "second")
    access = retires.Access("ssh", None, ())
    with pytest.raises(InputError, match="second shares its account, and has the record of calls"):
        retires.retire(inputs, "acme", None, access, agree=print, progress=print)
    assert asked(place, "") == []


def test_a_customer_goes_with_its_backups_when_nothing_is_locked(place, inputs):
    write_stack(inputs, STACK.replace("web1:", "web:") + "    retire: true\n")
    said = command(inputs, None)
    assert asked(place, "destroy --yes")
    assert asked(place, "stack rm --yes --preserve-config --stack acme")
    assert said[-1] == "nothing is left of acme: remove stacks/Pulumi.acme.yaml"


def test_a_customer_whose_backups_are_locked_keeps_them(place, inputs, monkeypatch):
    until = retires.datetime(2999, 1, 1, 12, tzinfo=retires.UTC)
    kept = retires.kept_backups.Kept("backups", "", (("web/config", "1"),), until)
    monkeypatch.setattr(retires.kept_backups, "look", lambda *_: kept)
    write_stack(inputs, STACK.replace("web1:", "web:") + "    retire: true\n")
    said = command(inputs, None)
    assert "acme: the off-site backups stay, locked until 2999-01-01 12:00 UTC" in said[-1]
    assert asked(place, "destroy") == asked(place, "stack rm") == []


@pytest.mark.usefixtures("place")
def test_what_is_written_while_somebody_is_asked_goes_as_well(inputs, monkeypatch):
    kept = retires.kept_backups.Kept
    looked, removed = [], []

    def look(_s3, bucket, prefix=""):
        looked.append(bucket)
        return kept(bucket, prefix, tuple((f"log-{n}", "1") for n in range(looked.count(bucket))), None)

    monkeypatch.setattr(retires.kept_backups, "look", look)
    monkeypatch.setattr(retires.kept_backups, "remove", lambda _s3, each: removed.append(each))
    write_stack(inputs, STACK.replace("web1:", "web:") + "    retire: true\n")
    command(inputs, None)
    assert removed
    assert all(len(each.versions) == 2 for each in removed), (
        "as many as there are when nothing more is written"
    )
