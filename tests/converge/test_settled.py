"""Which units Puppet is told to look at: those that systemd doesn't call as they should be."""

import importlib
import os
import sys

import pytest

from tests.conftest import ROOT


@pytest.fixture
def programs(monkeypatch):
    """The converge program's own modules, as it imports them."""
    monkeypatch.syspath_prepend(str(ROOT / "puppet/converge"))
    yield importlib.import_module("plan"), importlib.import_module("system")
    for name in ("plan", "system"):
        sys.modules.pop(name)


MANIFEST = {
    **{key: [] for key in ("apt_sources", "packages", "groups", "directories", "files")},
    **{key: [] for key in ("links", "removed", "setup", "secrets", "users")},
    "units": [
        {"name": "web.service", "state": "running", "reload": True},
        {"name": "old.service", "state": "stopped", "reload": False},
    ],
    "timers": [{"name": "nightly.timer"}],
}
WELL = {"ActiveState": "active", "UnitFileState": "enabled", "NeedDaemonReload": "no"}
OFF = {"ActiveState": "inactive", "UnitFileState": "disabled", "NeedDaemonReload": "no"}
ALL = {"web.service": WELL, "old.service": OFF, "nightly.timer": WELL}


def looked_at(plan, states):
    return plan.data(MANIFEST, "/bundle", [], {}, [], states, go_on=False)["looked_at"]


def test_at_none_that_is_as_it_should_be(programs):
    assert looked_at(programs[0], ALL) == []


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("web.service", {"ActiveState": "inactive"}),
        ("web.service", {"ActiveState": "failed"}),
        ("web.service", {"ActiveState": "activating"}),
        ("web.service", {"UnitFileState": "disabled"}),
        ("web.service", {"UnitFileState": "masked"}),
        ("web.service", {"UnitFileState": ""}),
        ("web.service", {"NeedDaemonReload": "yes"}),
        ("nightly.timer", {"ActiveState": "inactive"}),
        ("nightly.timer", {"UnitFileState": "disabled"}),
        ("old.service", {"ActiveState": "active"}),
        ("old.service", {"UnitFileState": "enabled"}),
        ("old.service", {"UnitFileState": "alias"}),
    ],
)
def test_at_the_one_that_is_not(programs, name, change):
    assert looked_at(programs[0], {**ALL, name: {**ALL[name], **change}}) == [name]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("web.service", {"UnitFileState": "static"}),
        ("web.service", {"UnitFileState": "enabled-runtime"}),
        ("old.service", {"ActiveState": "failed"}),
        ("old.service", {"UnitFileState": "masked"}),
        ("old.service", {"UnitFileState": ""}),
    ],
)
def test_what_puppet_would_leave_alone(programs, name, change):
    assert looked_at(programs[0], {**ALL, name: {**ALL[name], **change}}) == []


def test_at_all_that_nothing_is_known_of(programs):
    assert looked_at(programs[0], {}) == ["web.service", "old.service", "nightly.timer"]


# As systemctl shows units, those that it doesn't know included; a name that it can't take ends it.
FAKE_SYSTEMCTL = """#!/bin/bash
[[ "$1 $3" == "show --" ]] || exit 2
first=true
for name in "${@:4}"; do
    $first || echo
    first=false
    case $name in
        web.service) printf 'ActiveState=active\\nNeedDaemonReload=no\\nUnitFileState=enabled\\n' ;;
        bad*) exit 1 ;;
        *) printf 'ActiveState=inactive\\nNeedDaemonReload=no\\nUnitFileState=\\n' ;;
    esac
done
"""


@pytest.mark.parametrize(
    ("names", "known"),
    [
        (["web.service", "gone.timer"], {"web.service": WELL, "gone.timer": {**OFF, "UnitFileState": ""}}),
        (["web.service", "bad name"], {}),
    ],
)
def test_systemd_is_asked_for_all_at_once(programs, tmp_path, monkeypatch, names, known):
    program = tmp_path / "systemctl"
    program.write_text(FAKE_SYSTEMCTL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert programs[1].unit_states(names) == known
