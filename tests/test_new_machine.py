"""A lost machine is replaced once, whatever interrupts it; Pulumi and SSH are played by scripts."""

import json
import os
import stat
from contextlib import contextmanager

import pytest

from managed_server import new_machine
from managed_server.problems import InputError
from managed_server.restore import RestoreError, must_have_volume
from tests.conftest import ROOT

URN = "urn:pulumi:example::managed-server::made$up:instance::example-web1-instance"

PULUMI = """#!/bin/sh
echo "$@" >>"$PLACE/asked"
case "$1 $2" in
"stack export") cat "$PLACE/state" ;;
"stack output") cat "$PLACE/outputs" ;;
"state unprotect") sed -i 's/"protect": true/"protect": false/' "$PLACE/state" ;;
refresh*) [ ! -e "$PLACE/terminated" ] || cp "$PLACE/gone" "$PLACE/state" ;;
up*)
    [ ! -e "$PLACE/fails" ] || exit 255
    case "$*" in
    *--replace*) cp "$PLACE/after" "$PLACE/state" ;;
    *) [ ! -e "$PLACE/terminated" ] || cp "$PLACE/anew" "$PLACE/state" ;;
    esac
    [ ! -e "$PLACE/fails-late" ] || exit 255
    sed -i s/i-old/i-new/ "$PLACE/outputs" ;;
esac
"""

SSH = """#!/bin/sh
for command; do :; done
echo "ssh $*" >>"$PLACE/asked"
known=$(echo "$*" | sed 's/.*UserKnownHostsFile=\\([^ ]*\\).*/\\1/')
[ ! -e "$PLACE/closed" ] || { echo "ssh: connection refused" >&2; exit 255; }
[ -e "$known" ] || cp "$PLACE/host-key" "$known"
cmp -s "$known" "$PLACE/host-key" || { echo "Host key verification failed." >&2; exit 255; }
case "$command" in
*heartbeat*)
    [ ! -e "$PLACE/never-ready" ] || { echo "warning it installs"; exit; }
    tail -n 1 "$PLACE/heartbeat"; echo "ok bundle 0123" >>"$PLACE/heartbeat" ;;
*managed-restore*) exit $(cat "$PLACE/code") ;;
esac
"""


def state(*resources):
    stack = {
        "urn": "urn:pulumi:example::managed-server::pulumi:pulumi:Stack::x",
        "type": "pulumi:pulumi:Stack",
    }
    return json.dumps({"version": 3, "deployment": {"resources": [stack, *resources]}})


def instance(name, *, protect, **more):
    return {"urn": URN, "type": "made:up/instance:Instance", "id": name, "protect": protect, **more}


ATTACHMENT = {
    "urn": "urn:pulumi:example::managed-server::made:up::attachment",
    "type": "made:up/attachment:Attachment",
    "id": "vai-1",
    "inputs": {"instanceId": "i-old"},
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    for name, text in {"pulumi": PULUMI, "ssh": SSH}.items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    for name in ("stacks", "provider.yaml"):
        (tmp_path / name).symlink_to(ROOT / name)
    another = {**ATTACHMENT, "urn": f"{ATTACHMENT['urn']}-of-db1", "inputs": {"instanceId": "i-db1"}}
    (tmp_path / "state").write_text(state(instance("i-old", protect=True), ATTACHMENT, another))
    (tmp_path / "gone").write_text(state())
    (tmp_path / "anew").write_text(state(instance("i-new", protect=True)))
    old, new = instance("i-old", protect=False, delete=True), instance("i-new", protect=True)
    (tmp_path / "after").write_text(state(new, old))
    (tmp_path / "outputs").write_text(json.dumps({"servers": {"web1": {"instance_id": "i-old"}}}))
    (tmp_path / "heartbeat").write_text("warning it began\n")
    (tmp_path / "code").write_text("0")
    (tmp_path / "host-key").write_text("of the new machine")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("PLACE", str(tmp_path))
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    monkeypatch.setattr(new_machine, "_POLL_S", 0.01)
    monkeypatch.setattr(new_machine, "WAIT_S", 60)
    return tmp_path


@contextmanager
def impatient():
    """Nobody waits long for a machine that never comes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(new_machine, "WAIT_S", 0.5)
        yield


class DisagreedError(Exception):
    """Somebody didn't agree."""


def restored(place, answer=None, **more):
    said = []

    def agree(text):
        said.append(text)
        if answer:
            raise answer

    code = new_machine.restore(
        place, "example", "web1", "ann@192.0.2.9", None, "ssh -v", agree=agree, progress=said.append, **more
    )
    return code, said


def failed(place, fault):
    """A run that a fault ends, which is mended then."""
    (place / fault).touch()
    with impatient(), pytest.raises(RestoreError):
        restored(place)
    (place / fault).unlink()


def asked(place, what):
    path = place / "asked"
    return [line for line in path.read_text().splitlines() if what in line] if path.exists() else []


def notes(place):
    folder = place / ".local/new-machine"
    return list(folder.iterdir()) if folder.exists() else []


def test_a_lost_machine_is_replaced_waited_for_and_restored_to(place):
    code, said = restored(place)
    assert code == 0
    assert said[0] == "example-web1 (ann@192.0.2.9) is given up: i-old is destroyed with all that is on it."
    assert asked(place, "state unprotect") == [
        f"state unprotect {URN} --yes --stack example --non-interactive"
    ]
    [up] = asked(place, "up --yes")
    assert f"--policy-pack policies --replace {URN}" in up
    order = [line.split()[0] for line in asked(place, "") if line.split()[0] in ("up", "ssh")]
    assert order == ["up", "ssh", "ssh", "ssh"]
    assert "it says: warning it began" in said
    assert asked(place, "managed-restore all")
    assert "-v -o StrictHostKeyChecking=accept-new" in asked(place, "managed-restore all")[0]
    assert said[-1] == "example-web1 is back. Its host key is new: ssh-keygen -R 192.0.2.9"
    assert notes(place) == []


def test_what_is_on_its_data_volume_is_left_alone_if_somebody_says_so(place):
    assert restored(place, keep_volume=True)[0] == 0
    assert asked(place, "managed-restore all")[0].endswith("managed-restore all --keep-volume")


def test_nothing_is_kept_of_a_volume_that_there_is_not(place):
    with pytest.raises(InputError, match="has no data volume"):
        must_have_volume(place, "example", "web1")


def test_nothing_happens_without_consent(place):
    with pytest.raises(DisagreedError):
        restored(place, DisagreedError())
    assert asked(place, "up") == asked(place, "unprotect") == notes(place) == []


def test_of_one_that_still_stands_only_its_own_is_looked_at(place):
    restored(place)
    [refresh] = asked(place, "refresh")
    assert refresh.split("--target ")[1:] == [f"{URN} ", f"{ATTACHMENT['urn']} --non-interactive"]


@pytest.mark.parametrize("fault", [None, "fails", "fails-late", "closed"])
def test_one_that_somebody_has_terminated_is_made_anew_once(place, fault):
    """Nothing is asked of it: no protection is lifted, and nothing is replaced."""
    (place / "terminated").touch()
    if fault:
        failed(place, fault)
    code, said = restored(place)
    assert code == 0
    assert ("i-old has been terminated" in said) == (fault in (None, "fails"))
    assert asked(place, "--replace") == asked(place, "unprotect") == []
    assert len(asked(place, "refresh")) == 1, "a second one would be of the whole stack"
    assert notes(place) == []


@pytest.mark.parametrize("fault", [None, "closed"])
def test_so_is_one_that_the_state_has_forgotten_since(place, fault):
    """By somebody's `pulumi refresh`; the outputs still name it."""
    (place / "terminated").touch()
    (place / "state").write_text(state())
    if fault:
        failed(place, fault)
    code, said = restored(place)
    assert code == 0
    assert said[0] == (
        "i-old, which was lost, has been replaced by i-new; ann@192.0.2.9 gets its data."
        if fault
        else "i-old is gone already; a new machine takes the place of example-web1 (ann@192.0.2.9)."
    )
    assert asked(place, "--replace") == asked(place, "unprotect") == asked(place, "refresh") == []
    assert asked(place, "managed-restore all")
    assert notes(place) == []


def test_one_that_is_terminated_after_the_new_one_was_made_ties_nothing_any_more(place):
    """Its volume could not be taken from it, the attachment still names it, and now somebody ends it."""
    (place / "after").write_text(
        state(instance("i-new", protect=True), ATTACHMENT, instance("i-old", protect=False, delete=True))
    )
    failed(place, "fails-late")
    code, said = restored(place)
    assert code == 0
    assert "i-old was replaced by i-new; going on from there" in said
    assert asked(place, "refresh")[-1].split("--target ")[1:] == [f"{ATTACHMENT['urn']} --non-interactive"]
    assert len(asked(place, "--replace")) == 1


@pytest.mark.parametrize("tied", [(), (ATTACHMENT,)])
def test_what_another_clone_has_begun_is_gone_on_with(place, tied):
    """There is no note here, and the outputs still name the lost one."""
    old = instance("i-old", protect=False, delete=True)
    (place / "state").write_text(state(instance("i-new", protect=True), old, *tied))
    code, said = restored(place)
    assert code == 0
    assert said[0] == "i-old, which was lost, has been replaced by i-new; ann@192.0.2.9 gets its data."
    assert asked(place, "--replace") == asked(place, "unprotect") == []
    assert len(asked(place, "refresh")) == len(tied)
    assert asked(place, "managed-restore all")


@pytest.mark.parametrize("fault", ["fails", "fails-late", "closed"])
def test_run_again_it_goes_on_and_replaces_no_second_time(place, fault):
    failed(place, fault)
    code, said = restored(place)
    assert code == 0
    replaced = [line for line in asked(place, "up --yes") if "--replace" in line]
    assert len(replaced) == (2 if fault == "fails" else 1), "the first one came to nothing only there"
    assert len(asked(place, "up --yes")) == 2
    if fault != "fails":
        assert said[0] == "i-old, which was lost, has been replaced by i-new; ann@192.0.2.9 gets its data."
    assert notes(place) == []


def test_a_machine_that_never_comes_is_told_with_what_it_said_last(place):
    (place / "closed").touch()
    told = r"it last said: ssh: connection refused\. Without --new-machine"
    with impatient(), pytest.raises(RestoreError, match=told):
        restored(place)


def test_a_new_machine_that_is_lost_as_well_leaves_no_host_key_behind(place):
    """The third one has the same address, and a key of its own."""
    failed(place, "never-ready")
    (place / "host-key").write_text("of the one after it")
    told = r"Host key verification failed\.\. .*: remove .*web1.json"
    with impatient(), pytest.raises(RestoreError, match=told):
        restored(place)
    (place / ".local/new-machine/example-web1.json").unlink()
    assert restored(place)[0] == 0
    assert notes(place) == []


def test_a_restore_that_finds_problems_is_run_again_on_the_same_machine(place):
    (place / "code").write_text("1")
    assert restored(place)[0] == 1
    assert notes(place) != []
    (place / "code").write_text("0")
    assert restored(place)[0] == 0
    assert len([line for line in asked(place, "up --yes") if "--replace" in line]) == 1
    assert len(asked(place, "managed-restore all")) == 2


def test_a_server_without_a_machine_on_aws_has_none_to_replace(place):
    (place / "outputs").write_text(json.dumps({"servers": {"web1": {}}}))
    with pytest.raises(RestoreError, match="has no machine web1 on AWS"):
        restored(place)
