"""The backup comes back as it was, whatever a thief did to it, and a drill shows nothing less."""

import datetime
import json

import pytest

from managed_server import restore
from managed_server.local import session as local_session
from tests.e2e.support import Clone

# Each drill boots and converges a machine: minutes. Run by `make soak`.
pytestmark = pytest.mark.soak

SITE = """
mkdir -p /var/www/site.example /home/alice/files
head -c 3000000 /dev/urandom >/var/www/site.example/picture
seq 1 5000 >/var/www/site.example/list
echo 'of alice' >/home/alice/files/note; chown -R alice: /home/alice/files; chmod 0640 /home/alice/files/note
ln -sf list /var/www/site.example/link
"""
STATE = "find /var/www/site.example /home/alice/files -printf '%p %y %m %u %l %s %T@\\n' | sort; "
STATE += "find /var/www/site.example /home/alice/files -type f | sort | xargs sha256sum"


def of_server(web1, name):
    """One of its own jobs, run as its timer does; returns its result."""
    web1.box.run(["systemctl", "start", f"managed-{name}"], timeout=300, check=True)
    said = web1.heartbeat(f"{name}-result")
    assert said.startswith("ok "), said
    return said


def restored(web1, *arguments, code=0):
    """What a restore answers."""
    done = web1.box.run(["managed-restore", *arguments], timeout=600)
    assert done.returncode == code, done.stdout + done.stderr
    return (json.loads(done.stdout) if done.stdout else {}), done.stderr


class Bucket:
    """The backup bucket in the hands of whoever provisions, who may do everything."""

    def __init__(self, web1):
        customer = web1.customer
        self.s3 = web1.fleet.client("s3", customer.account_id, customer.backup_region)
        self.name = customer.backup_bucket

    def versions(self):
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=self.name)
        return [
            (each["Key"], each["VersionId"])
            for page in pages
            for found in ("Versions", "DeleteMarkers")
            for each in page.get(found, ())
        ]

    def remove(self, key, version):
        self.s3.delete_object(Bucket=self.name, Key=key, VersionId=version, BypassGovernanceRetention=True)

    def replace(self, key, content):
        """Let nothing but this content have been there, ever."""
        for name, version in self.versions():
            if name == key:
                self.remove(name, version)
        self.s3.put_object(Bucket=self.name, Key=key, Body=content, ChecksumAlgorithm="SHA256")

    def read(self, key):
        return self.s3.get_object(Bucket=self.name, Key=key)["Body"].read()


@pytest.fixture(scope="module")
def backup(web1):
    """A backup of the site; what was in it."""
    web1.box.run(SITE, check=True)
    if web1.spec.dumps:
        of_server(web1, "dumps")
    of_server(web1, "backup")
    return web1.box.run(STATE, check=True).stdout


@pytest.fixture
def bucket(web1, backup):  # noqa: ARG001
    """The bucket; what a test adds to it is removed."""
    made = Bucket(web1)
    before = set(made.versions())
    yield made
    for key, version in set(made.versions()) - before:
        made.remove(key, version)


@pytest.fixture(scope="module")
def clone(fleet):
    return Clone(fleet.root, {})


def drilled(clone, *arguments):
    """A drill: its exit code, and what it found."""
    done = clone.managed("drill", "example", "--json", *arguments, timeout=1500)
    [found] = json.loads(done.stdout)
    last = (clone.path / ".local/drills.jsonl").read_text().splitlines()[-1]
    assert json.loads(last) == found, "what is shown is what is recorded"
    assert not (clone.path / ".local/drill").exists(), "the machine is gone"
    assert found["ok"] == (done.returncode == 0)
    return found


@pytest.mark.parametrize(("timer", "first"), [("backup", "03:30"), ("backup-check", "13:00")])
def test_the_timers_elapse_at_night_and_once_a_week(web1, timer, first):
    show = ["systemctl", "show", "--value", "--timestamp=utc", "-p", "NextElapseUSecRealtime"]
    said = web1.box.run([*show, f"managed-{timer}.timer"], check=True).stdout.strip()
    then = datetime.datetime.strptime(said, "%a %Y-%m-%d %H:%M:%S %Z").replace(tzinfo=datetime.UTC)
    begin = datetime.datetime.combine(then.date(), datetime.time.fromisoformat(first), tzinfo=datetime.UTC)
    assert begin <= then <= begin + datetime.timedelta(hours=1)
    days = 7 if timer == "backup-check" else 1
    assert then - datetime.datetime.now(datetime.UTC) <= datetime.timedelta(days=days, hours=1)


def test_everything_comes_back_as_it_was(web1, backup):
    web1.box.run("rm -r /var/www/site.example; echo no >/home/alice/files/note", check=True)
    answer, _ = restored(web1, "all")
    assert answer["problems"] == []
    assert answer["files"] > 3
    assert web1.box.run(STATE, check=True).stdout == backup
    for unit in web1.spec.units:
        if unit.state == "running" and not web1.spec.needs(unit.origin):
            assert web1.box.run(["systemctl", "is-active", unit.name]).returncode == 0, unit.name
    assert web1.box.run("systemctl is-active managed-fetch.timer managed-backup.timer").returncode == 0


@pytest.mark.usefixtures("backup")
def test_rows_come_back(web1):
    if not web1.spec.dumps:
        pytest.skip("the example has no database")
    web1.box.run(
        "mysql -e 'CREATE DATABASE drill; CREATE TABLE drill.t (n INT PRIMARY KEY, s TEXT)'; "
        "seq 1 5000 | sed 's/.*/INSERT INTO drill.t VALUES (&, \"row &\");/' | mysql",
        timeout=120,
        check=True,
    )
    checksum = web1.box.run("mysql -NBe 'CHECKSUM TABLE drill.t'", check=True).stdout
    of_server(web1, "dumps")
    of_server(web1, "backup")
    web1.box.run("mysql -e 'DELETE FROM drill.t WHERE n % 2; UPDATE drill.t SET s = \"\"'", check=True)
    answer, _ = restored(web1, "all")
    assert (answer["problems"], answer["rows"] >= 5000) == ([], True)
    assert web1.box.run("mysql -NBe 'CHECKSUM TABLE drill.t'", check=True).stdout == checksum


@pytest.mark.usefixtures("backup")
@pytest.mark.parametrize("fault", ["a missing row", "no table", "an empty dump"])
def test_a_dump_that_lacks_something_is_found(web1, fault):
    if not web1.spec.dumps:
        pytest.skip("the example has no database")
    of_server(web1, "dumps")
    [name] = [dump.name for dump in web1.spec.dumps]
    path = f"/var/lib/managed-server/dumps/{name}.json"
    record = json.loads(web1.box.read(path))
    if fault == "a missing row":
        record["rows"][next(iter(record["rows"]))] += 1
    elif fault == "no table":
        record["rows"] = {}
    else:
        dump = next(iter(record["files"].values()))["path"]
        web1.box.run(f"echo | gzip >'{dump}'", check=True)
    web1.box.write(path, json.dumps(record))
    web1.box.run(["systemctl", "start", "managed-backup"], timeout=300)
    try:
        answer, _ = restored(web1, "all", code=1)
        assert answer["problems"]
    finally:
        of_server(web1, "dumps")
        of_server(web1, "backup")


@pytest.mark.usefixtures("backup")
def test_single_files_come_back_beside_those_that_stand(web1):
    web1.box.run("echo newer >/var/www/site.example/list", check=True)
    answer, _ = restored(web1, "paths", "/var/www/site.example/list", "/home/alice/files")
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
    web1.box.run("seq 1 5000 >/var/www/site.example/list")


@pytest.mark.usefixtures("backup")
def test_an_engineer_restores_over_ssh(fleet, web1, admin, clone):
    options = (
        "-o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes"
    )
    ssh = f"ssh -F none -o LogLevel=ERROR {options} -i {fleet.keys / 'alice'}"
    program = [str(clone.path / ".venv/bin/python"), "-m", "managed_server.cli", "restore", "example", "web1"]
    where = ["--address", web1.box.machine.addresses[0], "--user", "alice", "--ssh", ssh]
    done = admin.run([*program, *where, "--path", "/var/www/site.example"], timeout=120, cwd=clone.path)
    assert done.returncode == 0, done.stderr
    assert "GBP 100 an hour, at least 1 h" in done.stderr
    assert json.loads(done.stdout)["paths"] == ["/var/www/site.example"]
    done = admin.run([*program, *where], timeout=120, cwd=clone.path)
    assert done.returncode == 1, "nobody said yes"
    assert "its services stop" in done.stderr
    assert done.stdout.strip() == ""


def test_the_address_is_that_of_the_stack(fleet, web1, monkeypatch):
    engine = local_session.engines.find_or_build(lambda _: None)
    for name, value in local_session.environment(fleet.root, engine, fleet.local).items():
        monkeypatch.setenv(name, value)
    assert restore.address_of(fleet.root, "example", "web1") == web1.box.machine.addresses[0]


THIEF = """
import boto3, botocore.exceptions as e, json, os
s3 = boto3.client("s3", region_name=REGION, endpoint_url=os.environ["AWS_ENDPOINT_URL"])
keys, done = [], {}
for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=PREFIX):
    keys += [each["Key"] for each in page.get("Contents", ())]
versions = s3.list_object_versions(Bucket=BUCKET, Prefix=PREFIX)["Versions"]
def attempt(what, call, **more):
    try:
        call(Bucket=BUCKET, **more)
        done.setdefault(what, []).append(more["Key"])
    except e.ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied", error
for key in keys:
    attempt("deleted", s3.delete_object, Key=key)
for each in versions:
    which = {"Key": each["Key"], "VersionId": each["VersionId"]}
    attempt("erased", s3.delete_object, **which)
    attempt("bypassed", s3.delete_object, **which, BypassGovernanceRetention=True)
for key in keys:
    attempt("overwritten", s3.put_object, Key=key, Body=b"garbage", ChecksumAlgorithm="SHA256")
print(json.dumps({"keys": keys, "done": done}))
"""


@pytest.mark.usefixtures("backup")
def test_a_thief_with_the_credentials_of_the_server_takes_no_backup_away(web1, clone, bucket):
    values = {"REGION": web1.customer.backup_region, "BUCKET": bucket.name, "PREFIX": f"{web1.spec.name}/"}
    script = "".join(f"{name} = {value!r}\n" for name, value in values.items()) + THIEF
    done = web1.box.run(["python3", "-"], input=script, timeout=300, check=True)
    said = json.loads(done.stdout)
    assert {key.split("/")[1] for key in said["keys"]} >= {"config", "data", "index", "keys", "snapshots"}
    locks = {key for key in said["keys"] if "/locks/" in key}
    assert set(said["done"].get("deleted", [])) == locks
    assert set(said["done"]) - {"deleted"} == {"overwritten"}
    assert set(said["done"]["overwritten"]) == set(said["keys"])
    failed = web1.box.run(["/usr/local/lib/managed-server/backup", "restic", "snapshots"])
    assert failed.returncode != 0, "whoever reads the newest versions reads garbage"
    found = drilled(clone)
    assert found["problems"] == []
    assert found["tampered"] >= len(said["keys"]) - len(locks)
    assert found["files"] > 3
    assert 0 <= found["age_hours"] < 1
    assert found["minutes"] > 0


@pytest.fixture
def corrupted(bucket):
    """One byte of each pack is another, and nothing else was ever there."""
    before = {key: bucket.read(key) for key, _ in bucket.versions() if "/data/" in key}
    for key, content in before.items():
        at = len(content) // 3
        bucket.replace(key, content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    yield
    for key, content in before.items():
        bucket.replace(key, content)


@pytest.mark.usefixtures("corrupted")
def test_a_drill_fails_on_a_corrupted_byte(clone):
    found = drilled(clone)
    assert found["problems"]
    assert found["files"] == 0


@pytest.mark.usefixtures("backup")
def test_the_age_is_that_at_the_time_that_is_asked_for(web1):
    """Two days after the backup: a drill fails then."""
    then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2)
    answer, _ = restored(web1, "all", "--at", then.isoformat(timespec="minutes"))
    assert answer["age_hours"] > answer["limit_hours"] == 26
