"""Buckets whose owner leaves: until when they are locked, and that they can be emptied after that."""

import datetime

import pytest

from managed_server import kept_backups

REGION = "eu-west-2"


@pytest.fixture
def s3(aws):
    return aws.client("s3")


def bucket(s3, name, *, days=0):
    s3.create_bucket(
        Bucket=name,
        ObjectLockEnabledForBucket=bool(days),
        CreateBucketConfiguration={"LocationConstraint": REGION},
    )
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    if days:
        rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": days}}
        lock = {"ObjectLockEnabled": "Enabled", "Rule": rule}
        s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=lock)
    return name


def test_a_lock_is_over_when_that_of_the_newest_version_is(s3):
    name = bucket(s3, "ms-kept-locked", days=35)
    assert kept_backups.look(s3, name).until is None, "nothing is in it"
    s3.put_object(Bucket=name, Key="web1/config", Body=b"1")
    s3.put_object(Bucket=name, Key="web12/config", Body=b"2")
    kept = kept_backups.look(s3, name, "web1/")
    assert [key for key, _ in kept.versions] == ["web1/config"]
    days = (kept.until - datetime.datetime.now(tz=datetime.UTC)).total_seconds() / 86400
    assert 34.9 < days <= 35
    with pytest.raises(kept_backups.KeptError, match="1 versions stay, first web1/config"):
        kept_backups.remove(s3, kept)
    assert kept_backups.look(s3, name, "web1/").versions == kept.versions


def test_what_is_not_locked_goes_with_all_its_versions_and_markers(s3):
    name = bucket(s3, "ms-kept-free")
    for body in (b"1", b"2"):
        s3.put_object(Bucket=name, Key="logs/a", Body=body)
    s3.delete_object(Bucket=name, Key="logs/a")
    kept = kept_backups.look(s3, name)
    assert (len(kept.versions), kept.until) == (3, None)
    assert kept.text == f"3 versions of objects in {name}"
    kept_backups.remove(s3, kept)
    assert kept_backups.look(s3, name).versions == ()
    kept_backups.no_more_logs(s3, name)
    s3.delete_bucket(Bucket=name)
    assert "404" in str(kept_backups.why_not(lambda: s3, name))
    with pytest.raises(kept_backups.KeptError, match="NoSuchBucket"):
        kept_backups.look(s3, name)


def test_a_bucket_that_can_be_reached(s3):
    assert kept_backups.why_not(lambda: s3, bucket(s3, "ms-kept-there")) is None
