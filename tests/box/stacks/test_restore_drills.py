"""A drill on a fresh machine restores what a thief wrote over, and fails on a corrupted byte.

Each boots and converges a machine: minutes. Run by `make soak`.
"""

import json
import subprocess
from pathlib import Path

import pytest

from managed_server.local.box import drill
from managed_server.local.box.session import Session
from tests.box.stacks.backups import PICTURE, ROWS, Bucket
from tests.box.stacks.fleet import until
from tests.box.stacks.vendor import ADDRESS, NAME

pytestmark = pytest.mark.soak


class WithVendor(Session):
    """The drill's session, in whose network the stand-in for vendors' archives answers as well."""

    served: Path

    def up(self, machines, *, aliases, archives, **more):
        assert NAME in archives
        self.network.start()
        command = [
            "ip",
            "netns",
            "exec",
            self.client("vendor", ADDRESS),
            "python3",
            "-m",
            "http.server",
            "80",
        ]
        with subprocess.Popen(
            [*command, "--directory", str(self.served)], stderr=subprocess.DEVNULL
        ) as server:
            try:
                super().up(machines, aliases={**aliases, NAME: ADDRESS}, **more)
                box = self.box("example-web1")
                until(lambda: box.run(["test", "-s", CONVERGED]).returncode == 0, 1200, "no converge", 2)
            finally:
                server.kill()


CONVERGED = "/var/lib/managed-server/heartbeat/converge"


@pytest.fixture
def drilled(fleet, stand, capsys, monkeypatch):
    """Does a drill; returns what it found."""
    monkeypatch.setattr(drill, "Session", WithVendor)
    monkeypatch.setattr(WithVendor, "served", stand / "vendor" / "www", raising=False)

    def once():
        code = drill.drill(fleet.root, "example", None, None, as_json=True)
        [found] = json.loads(capsys.readouterr().out)
        last = (fleet.root / ".local/drills.jsonl").read_text().splitlines()[-1]
        assert json.loads(last) == found, "what is shown is what is recorded"
        assert not (fleet.root / ".local/drill").exists(), "the machine is gone"
        assert found["ok"] == (code == 0)
        return found

    return once


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


def test_a_thief_with_the_credentials_of_the_server_takes_no_backup_away(web1, drilled, bucket):
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
    found = drilled()
    assert found["problems"] == []
    assert found["tampered"] >= len(said["keys"]) - len(locks)
    assert found["files"] > 3
    assert (found["tables"], found["rows"], found["empty"]) == (2, sum(ROWS.values()), [])
    assert 0 <= found["age_hours"] < 1
    assert found["minutes"] > 0


@pytest.mark.usefixtures("backup")
def test_a_drill_fails_on_a_corrupted_byte(web1, drilled):
    bucket = Bucket(web1)
    with bucket.corrupted(bucket.big_packs()):
        found = drilled()
    assert [problem for problem in found["problems"] if problem.startswith(PICTURE)]
    assert found["files"] > 3
    assert found["rows"] == sum(ROWS.values())
