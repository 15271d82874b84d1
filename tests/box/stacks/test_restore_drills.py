"""A drill on a fresh machine restores what a thief wrote over, and fails on a corrupted byte.

Each boots and converges a machine: minutes. Run by `make soak`.
"""

import json

import pytest

from tests.box.stacks.backups import ROWS, Bucket, backed_up
from tests.e2e.support import Clone

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def backup(web1):
    """A site and databases, backed up; their state."""
    with backed_up(web1) as before:
        yield before


@pytest.fixture
def bucket(web1, backup):  # noqa: ARG001
    """The bucket; what a test adds to it is removed."""
    made = Bucket(web1)
    with made.kept():
        yield made


@pytest.fixture(scope="module")
def clone(fleet):
    return Clone(fleet.root, {})


def drilled(clone):
    """A drill: its exit code, and what it found."""
    done = clone.managed("drill", "example", "--json", timeout=1500)
    [found] = json.loads(done.stdout)
    last = (clone.path / ".local/drills.jsonl").read_text().splitlines()[-1]
    assert json.loads(last) == found, "what is shown is what is recorded"
    assert not (clone.path / ".local/drill").exists(), "the machine is gone"
    assert found["ok"] == (done.returncode == 0)
    return found


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
    assert (found["tables"], found["rows"], found["empty"]) == (2, sum(ROWS.values()), [])
    assert 0 <= found["age_hours"] < 1
    assert found["minutes"] > 0


@pytest.mark.usefixtures("backup")
def test_a_drill_fails_on_a_corrupted_byte(web1, clone):
    bucket = Bucket(web1)
    with bucket.corrupted(bucket.packs()):
        found = drilled(clone)
    assert found["problems"]
    assert found["files"] == 0
