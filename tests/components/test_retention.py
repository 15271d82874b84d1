"""The figures by which retention is proven are those of the bucket."""

from managed_server.inputs import load_project
from tests.conftest import ROOT


def test_lock_and_lifecycle(acme):
    limits = load_project(ROOT).limits.retention.offsite
    lock = acme.one("BucketObjectLockConfiguration").inputs["rule"]["defaultRetention"]
    assert lock["days"] == limits.lock_days
    [rule] = acme.one("BucketLifecycleConfiguration").inputs["rules"]
    assert rule["noncurrentVersionExpiration"]["noncurrentDays"] == limits.versions_days
    assert "expiration" not in rule, "a current version never expires: snapshots are kept"
