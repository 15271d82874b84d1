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
    return plan.data(MANIFEST, "/bundle", [], {}, [], states, uids={}, go_on=False)["looked_at"]


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
        ("web.service", {"UnitFileState": "generated"}),
    ],
)
def test_at_the_one_that_is_not(programs, name, change):
    assert looked_at(programs[0], {**ALL, name: {**ALL[name], **change}}) == [name]


@pytest.mark.parametrize(
    "change",
    [{"ActiveState": "active"}, {"UnitFileState": "enabled"}, {"UnitFileState": "alias"}],
)
def test_at_all_where_one_is_to_be_stopped_and_may_take_others_along(programs, change):
    assert looked_at(programs[0], {**ALL, "old.service": {**OFF, **change}}) == list(ALL)


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


# As systemctl shows units, those that it doesn't know included, and lists files, but none of a template's.
FAKE_SYSTEMCTL = """#!/bin/bash
first=true
for name; do
    case $1/$name in
        show/*.*) $first || echo; first=false ;;
    esac
    case $1/$name in
        show/web.service | show/cut.service) printf 'ActiveState=active\\nNeedDaemonReload=no\\n' ;;
        show/short.service) first=true ;;
        show/bad.service) exit 1 ;;
        show/*.*) printf 'ActiveState=inactive\\nNeedDaemonReload=no\\n' ;;
        list-unit-files/web.service) echo "$name enabled enabled" ;;
        list-unit-files/cut.service) echo "$name disabled enabled" ;;
        list-unit-files/worse.service) exit 1 ;;
    esac
done
"""


@pytest.mark.parametrize(
    ("names", "known"),
    [
        (["web.service", "made@it.service"], {"web.service": WELL}),
        (
            ["web.service", "cut.service"],
            {"web.service": WELL, "cut.service": {**WELL, "UnitFileState": "disabled"}},
        ),
        (["web.service", "gone.timer"], {"web.service": WELL, "gone.timer": {**OFF, "UnitFileState": ""}}),
        (["web.service", "short.service"], {}),
        (["web.service", "bad.service"], {}),
        (["web.service", "worse.service"], {}),
    ],
)
def test_systemd_is_asked_for_all_at_once(programs, tmp_path, monkeypatch, names, known):
    program = tmp_path / "systemctl"
    program.write_text(FAKE_SYSTEMCTL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert programs[1].unit_states(names) == known
