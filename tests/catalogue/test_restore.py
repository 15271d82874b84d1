"""What the restore's entry says agrees with the backup's."""

import os
import runpy
from types import SimpleNamespace

import yaml

from managed_server.rendering import render_server
from managed_server.resolve import load_customer
from tests.conftest import ROOT
from tests.stackfile import write_stack


def read(name):
    return yaml.safe_load((ROOT / f"catalogue/tools/{name}.yaml").read_text())


def test_a_drill_fails_on_a_backup_that_is_old_enough_for_the_age_check_to_warn():
    [age] = [check for check in read("backup")["checks"] if check["name"] == "age"]
    limits = {facts["limit_hours"] for facts in read("restore")["releases"].values()}
    assert limits == {age["args"]["warn_s"] / 3600}


def test_files_belong_to_the_accounts_of_their_names_whatever_their_numbers(inputs, tmp_path, monkeypatch):
    """On a new machine packages came in another order: redis and nginx have each other's numbers."""
    write_stack(inputs)
    customer = load_customer(inputs, "acme")
    files = render_server(inputs / "templates", customer, customer.server("web1"))
    program = tmp_path / "restore.py"
    program.write_bytes(next(file.content for file in files if file.path.endswith("/managed-server/restore")))
    space = runpy.run_path(str(program))["numbers_by_name"].__globals__
    dump, tool, link = tmp_path / "dump.rdb", tmp_path / "tool", tmp_path / "link"
    dump.write_text("redis")
    tool.write_text("runs as its owner")
    tool.chmod(0o4755)
    link.symlink_to("nowhere")
    nodes = [
        {"message_type": "snapshot"},
        {"path": str(dump), "uid": 101, "gid": 7},
        {"path": str(tool), "uid": 102, "gid": 102},
        {"path": str(link), "uid": 101, "gid": 102},
        {"path": str(tmp_path / "gone"), "uid": 101, "gid": 7},
        {"path": str(tmp_path), "uid": 0, "gid": 0},
    ]
    accounts = {"users": {"redis": 101, "nginx": 102, "left": 999}, "groups": {"nginx": 102, "staff": 7}}
    repository = SimpleNamespace(nodes=lambda _: iter(nodes))
    here = [SimpleNamespace(pw_name=name, pw_uid=uid) for name, uid in (("redis", 102), ("nginx", 101))]
    groups = [SimpleNamespace(gr_name="nginx", gr_gid=55), SimpleNamespace(gr_name="staff", gr_gid=7)]
    given = {}
    monkeypatch.setitem(space, "inventory", lambda: {"accounts": accounts})
    monkeypatch.setitem(space, "pwd", SimpleNamespace(getpwall=lambda: here))
    monkeypatch.setitem(space, "grp", SimpleNamespace(getgrall=lambda: groups))
    monkeypatch.setattr(os, "lchown", lambda path, uid, gid: given.update({path: (uid, gid)}))
    space["numbers_by_name"](repository, {"id": "1"})
    assert given == {str(dump): (102, 7), str(tool): (101, 55), str(link): (102, 55)}
    assert tool.stat().st_mode & 0o7777 == 0o4755
    given.clear()
    monkeypatch.setitem(space, "inventory", dict)
    space["numbers_by_name"](repository, {"id": "1"})
    assert given == {}, "an inventory of before says nothing of accounts"
