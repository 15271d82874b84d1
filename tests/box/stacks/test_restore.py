"""What the nightly jobs take away comes back byte by byte and row by row, or it is told that it doesn't."""

import datetime
import json
import os

import pytest

from managed_server import restore
from managed_server.local import session as local_session
from tests.box.stacks.backups import (
    PICTURE,
    ROWS,
    WITHOUT_DATABASES,
    Bucket,
    back_up,
    job,
    restored,
    state,
)
from tests.e2e.support import Clone

RECORD = "/var/lib/managed-server/dumps/percona.json"


@pytest.mark.parametrize(
    ("timer", "first", "days"), [("dumps", "01:30", 1), ("backup", "03:30", 1), ("backup-check", "13:00", 7)]
)
def test_the_timers_elapse_at_night_and_once_a_week(web1, timer, first, days):
    show = ["systemctl", "show", "--value", "--timestamp=utc", "-p", "NextElapseUSecRealtime"]
    said = web1.box.run([*show, f"managed-{timer}.timer"], check=True).stdout.strip()
    then = datetime.datetime.strptime(said, "%a %Y-%m-%d %H:%M:%S %Z").replace(tzinfo=datetime.UTC)
    begin = datetime.datetime.combine(then.date(), datetime.time.fromisoformat(first), tzinfo=datetime.UTC)
    assert begin <= then <= begin + datetime.timedelta(hours=1)
    assert then - datetime.datetime.now(datetime.UTC) <= datetime.timedelta(days=days, hours=1)


def test_everything_comes_back_as_it_was(web1, backup):
    web1.box.run(
        "rm -r /var/www/site.example; echo no >/home/alice/files/note; "
        "mysql -e 'DELETE FROM shop.goods WHERE n % 2; UPDATE shop.goods SET s = \"\"; DROP DATABASE blog'",
        check=True,
    )
    answer, _ = restored(web1, "all")
    assert answer["problems"] == answer["empty"] == []
    assert answer["files"] > 3
    assert (answer["tables"], answer["rows"]) == (2, sum(ROWS.values()))
    assert state(web1) == backup
    for unit in web1.spec.units:
        if unit.state == "running" and not web1.spec.needs(unit.origin):
            assert web1.box.run(["systemctl", "is-active", unit.name]).returncode == 0, unit.name
    assert web1.box.run("systemctl is-active managed-fetch.timer managed-backup.timer").returncode == 0


def plant(web1, database, edit):
    """Change a dump, so that its record's sha256 is that of what is there now."""
    record = json.loads(web1.box.read(RECORD))
    path = record["files"][database]["path"]
    script = f"zcat '{path}' | {edit} | gzip >/srv/planted; cat /srv/planted >'{path}'; rm /srv/planted"
    said = web1.box.run(f"{script}; sha256sum '{path}'", check=True).stdout
    assert said.split()[0] != record["files"][database]["sha256"]
    record["files"][database]["sha256"] = said.split()[0]
    web1.box.write(RECORD, json.dumps(record), 0o600)


@pytest.mark.usefixtures("bucket")
def test_a_missing_row_and_an_empty_dump_are_found(web1):
    plant(web1, "shop", r"sed 's/(2500,[^)]*),\?//'")
    plant(web1, "blog", "sed -n '$p'")
    web1.box.run(["systemctl", "start", "managed-backup"], timeout=300, check=True)
    web1.box.run(WITHOUT_DATABASES, check=True)  # as on a new machine: only what was backed up counts
    answer, _ = restored(web1, "all", code=1)
    assert answer["problems"] == [
        "percona: blog.posts has no rows, and had 3",
        "percona: shop.goods has 4999 rows, and had 5000",
    ]


def test_a_corrupted_byte_is_found_and_keeps_nothing_else_away(web1, backup):
    """After the databases were lost: their state comes back in the end."""
    bucket = Bucket(web1)
    web1.box.run(f"rm {PICTURE}", check=True)
    with bucket.corrupted(bucket.big_packs()):
        answer, said = restored(web1, "all", code=1)
    assert answer["problems"][0].startswith("restic restore: ")
    assert answer["problems"][1].startswith(PICTURE)
    assert f"error for {PICTURE}" in said
    assert answer["rows"] == sum(ROWS.values())
    assert web1.box.run("systemctl is-active nginx mysql managed-fetch.timer").returncode == 0
    answer, _ = restored(web1, "all")
    assert answer["problems"] == []
    assert state(web1) == backup


@pytest.mark.usefixtures("backup")
def test_single_files_come_back_beside_those_that_stand(web1):
    web1.box.run("echo newer >/var/www/site.example/list", check=True)
    then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2)
    paths = ("/var/www/site.example/list", "/home/alice/files")
    answer, _ = restored(web1, "paths", *paths, "--at", then.isoformat(timespec="minutes"))
    assert answer["age_hours"] > answer["limit_hours"] == 26, "the age is that at the time that is asked for"
    there = web1.box.run(
        f"cat {answer['into']}/var/www/site.example/list; ls {answer['into']}", check=True
    ).stdout
    assert there.splitlines()[:5000] == [str(number) for number in range(1, 5001)]
    assert there.splitlines()[5000:] == ["home", "var"]
    assert web1.box.read("/var/www/site.example/list") == "newer\n"
    _, said = restored(web1, "paths", "/var/www/nothing", code=1)
    assert "not in the snapshot: /var/www/nothing" in said
    _, said = restored(web1, "all", "--at", "2026-01-01T00:00", code=1)
    assert "there is no backup as old as 2026-01-01" in said
    web1.box.run("seq 1 5000 >/var/www/site.example/list", check=True)


@pytest.mark.usefixtures("backup")
def test_an_engineer_restores_over_ssh(fleet, web1, admin):
    options = (
        "-o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes"
    )
    ssh = f"ssh -F none -o LogLevel=ERROR {options} -i {fleet.keys / 'alice'}"
    clone = Clone(fleet.root, {})
    program = [str(clone.path / ".venv/bin/python"), "-m", "managed_server.cli", "restore", "example", "web1"]
    where = ["--address", web1.box.machine.addresses[0], "--user", "alice", "--ssh", ssh]
    done = admin.run([*program, *where, "--path", "/var/www/site.example"], timeout=120, cwd=clone.path)
    assert done.returncode == 0, done.stderr
    assert "GBP 100 an hour, at least 1 h" in done.stderr
    assert json.loads(done.stdout)["paths"] == ["/var/www/site.example"]
    another = [*program[:-2], "hub", "mon1", *where, "--path", "/var/www/site.example"]
    done = admin.run(another, timeout=120, cwd=clone.path)
    assert done.returncode == 1
    assert "nothing was touched: the machine is example web1, not hub mon1" in done.stderr
    done = admin.run([*program, *where], timeout=120, cwd=clone.path)
    assert done.returncode == 1, "nobody said yes"
    assert "its services stop" in done.stderr
    assert done.stdout.strip() == ""


def test_the_address_is_that_of_the_stack(fleet, web1, monkeypatch):
    engine = local_session.engines.find_or_build(lambda _: None)
    for name, value in local_session.environment(fleet.root, engine, fleet.local).items():
        monkeypatch.setenv(name, value)
    assert restore.address_of(fleet.root, "example", "web1") == web1.box.machine.addresses[0]


@pytest.mark.soak  # in each run by tests/catalogue/test_prune.py
@pytest.mark.usefixtures("bucket")
def test_what_need_not_be_kept_goes_by_the_role_of_the_stack(fleet, web1):
    """An engineer's command, with the rights that stand in AWS; what is kept restores all."""
    then = state(web1)  # other tests have written a file of it anew
    back_up(web1)
    before = snapshots(web1)
    assert len(before) >= 2
    engine = local_session.engines.find_or_build(lambda _: None)
    clone = Clone(fleet.root, {**os.environ, **local_session.environment(fleet.root, engine, fleet.local)})
    assert clone.deploy("prune", "example", "web1").returncode != 0, "nobody said yes"
    assert snapshots(web1) == before
    done = clone.deploy("prune", "example", "web1", "--yes")
    assert done.returncode == 0, done.stderr
    days = {each["time"][:10] for each in before}
    assert f"{len(before) - len(days)} of {len(before)} snapshots go" in done.stderr
    assert [each["id"] for each in snapshots(web1)] == [
        max((each for each in before if each["time"].startswith(day)), key=lambda e: e["time"])["id"]
        for day in sorted(days)
    ]
    answer, _ = restored(web1, "all")
    assert answer["problems"] == []
    assert state(web1) == then


def snapshots(web1):
    command = ["/usr/local/lib/managed-server/backup", "restic", "snapshots", "--json"]
    return json.loads(web1.box.run(command, check=True).stdout)


@pytest.mark.soak
@pytest.mark.usefixtures("bucket")
def test_a_record_without_a_table_is_none_and_a_database_nobody_uses_is_told(web1):
    job(web1, "dumps")
    record = json.loads(web1.box.read(RECORD))
    web1.box.write(RECORD, json.dumps({**record, "rows": {}}), 0o600)
    web1.box.run(["systemctl", "start", "managed-backup"], timeout=300, check=True)
    answer, _ = restored(web1, "all", code=1)
    assert answer["problems"] == ["percona: the backup has no record of any table, and there are 2"]
    web1.box.run(f"{WITHOUT_DATABASES}; rm -f {RECORD}", check=True)
    back_up(web1)
    answer, _ = restored(web1, "all")
    assert (answer["problems"], answer["tables"], answer["empty"]) == ([], 0, ["percona"])
