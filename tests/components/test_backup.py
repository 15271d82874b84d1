"""The off-site backups: what locks, encrypts and records them."""

import json

from tests import factories
from tests.components.conftest import environment

STORE, LOGS = "ms-acme-backup-123456789012-eu-west-1", "ms-acme-logs-123456789012-eu-west-1"


def policy(recorded, name):
    return json.loads(recorded.one("BucketPolicy", name).inputs["policy"])["Statement"]


def test_the_bucket_is_locked_and_kept(acme):
    bucket = acme.one("Bucket", "acme-backup-store-bucket")
    assert bucket.inputs["bucket"] == STORE
    assert bucket.inputs["objectLockEnabled"] is True
    assert not bucket.inputs["forceDestroy"]
    assert bucket.inputs["tags"]["purpose"] == "backup"
    lock = acme.one("BucketObjectLockConfiguration")
    assert lock.inputs["rule"]["defaultRetention"] == {"mode": "GOVERNANCE", "days": factories.LOCK_DAYS}
    assert "acme-backup-store-versioning" in lock.depends_on


def test_no_current_version_of_a_backup_expires(acme):
    lifecycle = acme.one("BucketLifecycleConfiguration", "acme-backup-lifecycle")
    assert lifecycle.inputs["bucket"] == STORE
    assert not [rule for rule in lifecycle.inputs["rules"] if "expiration" in rule]
    rule = lifecycle.inputs["rules"][0]
    assert set(rule) == {
        *("id", "status", "filter"),
        *("abortIncompleteMultipartUpload", "noncurrentVersionExpiration"),
    }
    assert rule["status"] == "Enabled"
    assert rule["filter"] == {"prefix": ""}
    assert rule["noncurrentVersionExpiration"]["noncurrentDays"] > factories.LOCK_DAYS


def test_what_nobody_reads_gets_colder_and_stays_readable(acme):
    """No class that must be asked for an object first, or that charges for reading: drills read all of it."""
    rule = acme.one("BucketLifecycleConfiguration", "acme-backup-lifecycle").inputs["rules"][1]
    assert rule["status"] == "Enabled"
    assert rule["filter"] == {"objectSizeGreaterThan": 128 * 1024}
    assert rule["transitions"] == [{"days": 1, "storageClass": "INTELLIGENT_TIERING"}]


def test_what_waits_for_nothing_holds_nothing_up():
    """Each such resource takes the provider 55 seconds: they must run beside one another."""
    recorded = environment(baseline=factories.BASELINE)
    slow = {r.name for r in recorded.of("BucketLifecycleConfiguration")}
    assert len(slow) == 3
    assert not [r.name for r in recorded.resources if slow & r.depends_on]


def test_records_of_access_go_after_a_year(acme):
    logs = acme.one("BucketLifecycleConfiguration", "acme-backup-logs-lifecycle")
    assert logs.inputs["bucket"] == LOGS
    (rule,) = logs.inputs["rules"]
    assert rule["expiration"] == {"days": 365}


def test_every_bucket_is_versioned_private_and_tls_only(acme):
    buckets = {r.inputs["bucket"] for r in acme.of("Bucket")}
    assert len(buckets) == 3
    for kind in ("BucketVersioning", "BucketPublicAccessBlock", "BucketOwnershipControls", "BucketPolicy"):
        assert {r.inputs["bucket"] for r in acme.of(kind)} == buckets, kind
    for block in acme.of("BucketPublicAccessBlock"):
        flags = {key: value for key, value in block.inputs.items() if key != "bucket"}
        assert len(flags) == 4
        assert set(flags.values()) == {True}
    for one in acme.of("BucketVersioning"):
        assert one.inputs["versioningConfiguration"] == {"status": "Enabled"}
    for one in acme.of("BucketOwnershipControls"):
        assert one.inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
    for one in acme.of("BucketPolicy"):
        name = one.inputs["bucket"]
        denied = [s for s in json.loads(one.inputs["policy"])["Statement"] if s.get("Sid") == "TlsOnly"]
        assert denied == [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ]


def test_backups_and_bundles_have_keys_of_the_customer(acme):
    found = {}
    for one in acme.of("BucketServerSideEncryptionConfiguration"):
        (rule,) = one.inputs["rules"]
        default = rule["applyServerSideEncryptionByDefault"]
        found[one.inputs["bucket"]] = (default["sseAlgorithm"], default.get("kmsMasterKeyId"))
    assert found == {
        STORE: ("aws:kms", "arn:aws:acme-backup-encryption-key"),
        LOGS: ("AES256", None),
        "ms-acme-delivery-123456789012-eu-west-2": ("aws:kms", "arn:aws:acme-data-key"),
    }


def test_another_key_is_refused_and_the_default_is_not(acme):
    denied = {s["Sid"]: s for s in policy(acme, "acme-backup-store-policy") if s["Sid"] != "TlsOnly"}
    assert set(denied) == {"NoOtherEncryption", "NoOtherKey"}
    for statement in denied.values():
        assert statement["Effect"] == "Deny"
        assert statement["Action"] == "s3:PutObject"
        ((header, _),) = statement["Condition"]["StringNotEquals"].items()
        assert statement["Condition"]["Null"] == {header: "false"}
    key = denied["NoOtherKey"]["Condition"]["StringNotEquals"].popitem()[1]
    assert key == "arn:aws:acme-backup-encryption-key"


def test_access_is_logged_to_a_bucket_without_a_lock(acme):
    logging = acme.one("BucketLogging")
    assert (logging.inputs["bucket"], logging.inputs["targetBucket"]) == (STORE, LOGS)
    assert "acme-backup-logs-policy" in logging.depends_on
    assert not acme.one("Bucket", "acme-backup-logs-bucket").inputs.get("objectLockEnabled")
    allowed = [s for s in policy(acme, "acme-backup-logs-policy") if s["Effect"] == "Allow"]
    assert [s["Principal"] for s in allowed] == [{"Service": "logging.s3.amazonaws.com"}]
    assert allowed[0]["Resource"] == f"arn:aws:s3:::{LOGS}/{logging.inputs['targetPrefix']}*"
    assert allowed[0]["Condition"] == {
        "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{STORE}"},
        "StringEquals": {"aws:SourceAccount": "123456789012"},
    }


def test_the_passphrase_is_made_once_and_copied_from_the_resource(acme):
    home, copy = (acme.one("Parameter", f"acme-passphrase-{place}") for place in ("home", "copy"))
    for parameter in (home, copy):
        assert parameter.inputs["name"] == "/managed-server/acme/backup/passphrase"
        assert parameter.inputs["type"] == "SecureString"
    assert home.ignores == ["value"]
    assert copy.ignores == []
    assert (home.inputs["keyId"], copy.inputs["keyId"]) == (
        "arn:aws:acme-data-key",
        "arn:aws:acme-backup-encryption-key",
    )
    assert home.name in copy.depends_on
    assert home.inputs["value"] == copy.inputs["value"]


def test_every_run_offers_another_passphrase(acme):
    """So that none is fixed in the program; the one that created the parameter stays, since it is ignored."""
    other = environment()
    first, second = (r.one("Parameter", "acme-passphrase-home").inputs["value"] for r in (acme, other))
    assert first != second


def test_keys_are_rotated(acme):
    for key in acme.of("Key"):
        assert key.inputs["enableKeyRotation"] is True
        assert key.inputs["deletionWindowInDays"] == 30
        principals = [s["Principal"] for s in json.loads(key.inputs["policy"])["Statement"]]
        assert principals[0] == {"AWS": "arn:aws:iam::123456789012:root"}
        alarms = [{"Service": "cloudwatch.amazonaws.com"}]
        assert principals[1:] == (alarms if key.name == "acme-alarms-encryption-key" else [])


def test_the_role_that_prunes_is_taken_on_for_an_hour_and_removes_no_version(acme):
    role = acme.one("Role", "acme-pruning-role")
    assert role.inputs["name"] == "acme-pruning-role"
    assert role.inputs["maxSessionDuration"] == 3600
    [trusted] = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert trusted["Principal"] == {"AWS": "arn:aws:iam::123456789012:role/Deployer"}
    statements = json.loads(acme.one("RolePolicy", "acme-pruning-rights").inputs["policy"])["Statement"]
    actions = {
        action
        for s in statements
        for action in (s["Action"] if isinstance(s["Action"], list) else [s["Action"]])
    }
    assert {action for action in actions if "Delete" in action or "Bypass" in action} == {"s3:DeleteObject"}
    assert not [action for action in actions if "*" in action]
    assert {s["Resource"] for s in statements} == {
        f"arn:aws:s3:::{STORE}", f"arn:aws:s3:::{STORE}/*", "arn:aws:acme-backup-encryption-key",
        "arn:aws:acme-passphrase-copy",
    }  # fmt: skip


def test_nothing_else_may_delete_what_is_backed_up(acme):
    for rights in acme.of("RolePolicy"):
        for statement in json.loads(rights.inputs["policy"])["Statement"]:
            if rights.name != "acme-pruning-rights" and "s3:DeleteObject" in str(statement["Action"]):
                assert statement["Resource"] == f"arn:aws:s3:::{STORE}/web1/locks/*"
