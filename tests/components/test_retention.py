"""The backup bucket keeps what it is told to, and for as long as contract/limits.yaml says."""

from managed_server.inputs import load_project
from managed_server.resolve import load_customer
from tests import factories
from tests.components.conftest import environment
from tests.conftest import ROOT


def test_lock_and_lifecycle():
    recorded = environment(factories.server(), backup_lock_days=90, backup_versions_days=100)
    lock = recorded.one("BucketObjectLockConfiguration").inputs["rule"]["defaultRetention"]
    assert lock == {"mode": "GOVERNANCE", "days": 90}
    rules = recorded.one("BucketLifecycleConfiguration", "acme-backup-lifecycle").inputs["rules"]
    assert rules[0]["noncurrentVersionExpiration"]["noncurrentDays"] == 100
    assert not any("expiration" in rule for rule in rules), (
        "a current version never expires: snapshots are kept"
    )


def test_the_figures_are_those_that_are_proven():
    limits = load_project(ROOT).limits.retention.offsite
    customer = load_customer(ROOT, "example")
    assert customer.backup_lock_days == limits.lock_days
    assert customer.backup_versions_days == limits.versions_days > limits.lock_days
