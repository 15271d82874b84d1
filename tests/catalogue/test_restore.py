"""What the restore's entry says agrees with the backup's."""

import contextlib
import hashlib
import json
import os
import runpy
from types import SimpleNamespace

import pytest
import yaml

from managed_server.rendering import render_server
from managed_server.resolve import load_customer
from tests.conftest import ROOT
from tests.stackfile import STACK, write_stack


@pytest.fixture
def program(inputs, tmp_path):
    """Loads what is in the rendered program of a server, by name; a test may put others in its place."""

    def load(software="nginx, php", more=""):
        text = STACK.replace("[nginx, php]", f"[{software}]")
        write_stack(inputs, text.replace("disk_gb: 80", f"disk_gb: 80{more}"))
        customer = load_customer(inputs, "acme")
        files = render_server(inputs / "templates", customer, customer.server("web1"))
        path = tmp_path / "restore.py"
        path.write_bytes(
            next(file.content for file in files if file.path.endswith("/managed-server/restore"))
        )
        return runpy.run_path(str(path))["main"].__globals__

    return load


def read(name):
    return yaml.safe_load((ROOT / f"catalogue/tools/{name}.yaml").read_text())


def test_a_drill_fails_on_a_backup_that_is_old_enough_for_the_age_check_to_warn():
    [age] = [check for check in read("backup")["checks"] if check["name"] == "age"]
    limits = {facts["limit_hours"] for facts in read("restore")["releases"].values()}
    assert limits == {age["args"]["warn_s"] / 3600}


def test_files_belong_to_the_accounts_of_their_names_whatever_their_numbers(program, tmp_path, monkeypatch):
    """On a new machine packages came in another order: redis and nginx have each other's numbers."""
    space = program()
    dump, tool, link = tmp_path / "dump.rdb", tmp_path / "tool", tmp_path / "link"
    trap, roots = tmp_path / "trap", tmp_path / "roots"
    dump.write_text("redis")
    tool.write_text("runs as its owner")
    for file in (trap, roots):
        file.touch()
    for file in (tool, trap, roots):
        file.chmod(0o6755)
    link.symlink_to("nowhere")
    nodes = [
        {"message_type": "snapshot"},
        {"path": str(dump), "uid": 101, "gid": 7},
        {"path": str(tool), "uid": 102, "gid": 102},
        {"path": str(link), "uid": 101, "gid": 102},
        {"path": str(tmp_path / "gone"), "uid": 101, "gid": 7},
        {"path": str(tmp_path), "uid": 0, "gid": 0},
        {"path": str(trap), "uid": 1001, "gid": 1001},
        {"path": str(roots), "uid": 0, "gid": 102},
    ]
    accounts = {"users": {"redis": 101, "nginx": 102, "left": 999}, "groups": {"nginx": 102, "staff": 7}}
    repository = SimpleNamespace(nodes=lambda _: iter(nodes))
    numbers = (("redis", 102), ("nginx", 101), ("new", 1001))  # which was that of somebody who has left
    here = [SimpleNamespace(pw_name=name, pw_uid=uid) for name, uid in numbers]
    numbers = (("nginx", 55), ("staff", 7), ("new", 1001))
    groups = [SimpleNamespace(gr_name=name, gr_gid=gid) for name, gid in numbers]
    given = {}
    monkeypatch.setitem(space, "inventory", lambda: {"accounts": accounts})
    monkeypatch.setitem(space, "pwd", SimpleNamespace(getpwall=lambda: here))
    monkeypatch.setitem(space, "grp", SimpleNamespace(getgrall=lambda: groups))
    monkeypatch.setattr(os, "lchown", lambda path, uid, gid: given.update({path: (uid, gid)}))
    space["numbers_by_name"](repository, {"id": "1"})
    assert given == {
        str(dump): (102, 7),
        str(tool): (101, 55),
        str(link): (102, 55),
        str(trap): (0, 0),
        str(roots): (0, 55),
    }
    assert space["renumbered"]({"alice": 1000, "carol": 1002}, {"alice": 1000, "carol": 1001}) == {
        1002: 1001,
        1001: 0,
    }, "files of bob, who had left, are not carol's"
    assert tool.stat().st_mode & 0o7777 == 0o6755
    assert roots.stat().st_mode & 0o7777 == 0o6755
    assert trap.stat().st_mode & 0o7777 == 0o755, "it doesn't run as root"
    given.clear()
    monkeypatch.setitem(space, "inventory", dict)
    space["numbers_by_name"](repository, {"id": "1"})
    assert given == {}, "an inventory of before says nothing of accounts"


def test_what_was_left_alone_on_the_data_volume_keeps_its_owners(program, monkeypatch, tmp_path):
    """Those of this machine, which may be others than a night ago."""
    space = program(more="\n        data_gb: 50")
    site, other = tmp_path / "site/page", tmp_path / "site2"
    site.parent.mkdir()
    for file in (site, other):
        file.touch()
    nodes = [{"path": str(path), "uid": 101, "gid": 7} for path in (site.parent, site, other)]
    here = [SimpleNamespace(pw_name="redis", pw_uid=102)]
    given = []
    monkeypatch.setitem(space, "inventory", lambda: {"accounts": {"users": {"redis": 101}, "groups": {}}})
    monkeypatch.setitem(space, "pwd", SimpleNamespace(getpwall=lambda: here))
    monkeypatch.setitem(space, "grp", SimpleNamespace(getgrall=list))
    monkeypatch.setattr(os, "lchown", lambda path, *_: given.append(path))
    space["numbers_by_name"](SimpleNamespace(nodes=lambda _: iter(nodes)), {"id": "1"}, [str(site.parent)])
    assert given == [str(other)]


def test_a_unit_that_does_not_start_keeps_neither_the_others_nor_the_dumps_away(program, monkeypatch):
    """The web server misses a certificate that is in no backup: the databases come back all the same."""
    space = program("nginx, php, percona")
    started = []

    def run(*command):
        if command[:2] == ("systemctl", "start"):
            started.extend(command[2:])
            if command[2:] == ("nginx.service",):
                raise space["Failed"]("systemctl: Job for nginx.service failed")
        return ""

    whole = {"files": 1, "changed": 0, "absent": 0, "problems": []}
    rows = {"tables": 2, "rows": 3, "empty": [], "problems": []}
    for name, value in (
        ("run", run),
        ("standstill", contextlib.nullcontext),
        ("numbers_by_name", lambda *_: None),
        ("check_files", lambda *_: whole),
        ("restore_dumps", lambda: rows),
    ):
        monkeypatch.setitem(space, name, value)
    done = space["restore_all"](SimpleNamespace(restic=lambda *_: ""), {"id": "1"})
    assert (done["rows"], done["files"]) == (3, 1)
    assert done["problems"] == ["nginx.service doesn't start: systemctl: Job for nginx.service failed"]
    assert started == space["UNITS"]
    assert len(started) > 2
    for timer in (
        "managed-fetch.timer",
        "apt-daily.timer",
        "apt-daily-upgrade.timer",
        "managed-maintenance.timer",
    ):
        assert timer in space["TIMERS"]


@pytest.mark.parametrize(
    ("count", "gone", "problems"),
    [
        (2000, 10, []),
        (2000, 11, ["11 of 2000 files are not in the snapshot: too many to have gone meanwhile"]),
        (20, 10, []),
        (20, 20, ["not one file was restored as it was", "20 of 20 files are not in the snapshot"]),
    ],
)
def test_files_that_the_snapshot_lacks_are_counted_and_few(
    program, tmp_path, monkeypatch, count, gone, problems
):
    space = program()
    monkeypatch.setitem(space, "STATE", tmp_path)
    sha256, nodes, lines = hashlib.sha256(b"x").hexdigest(), [], []
    for number in range(count):
        path = tmp_path / f"file{number}"
        lines.append(json.dumps([str(path), sha256, 1, 1_000_000_000, 0]))
        if number >= gone:
            path.write_text("x")
            node = {"type": "file", "path": str(path), "size": 1, "mtime": "1970-01-01T00:00:01Z"}
            nodes.append(node)
    (tmp_path / "files.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "inventory.json").write_text(json.dumps({"files": count}))
    found = space["check_files"](SimpleNamespace(nodes=lambda _: iter(nodes)), {"id": "1"})
    assert (found["files"], found["changed"], found["absent"]) == (count - gone, 0, gone)
    assert len(found["problems"]) == len(problems)
    assert all(said.startswith(wanted) for said, wanted in zip(found["problems"], problems, strict=True))
