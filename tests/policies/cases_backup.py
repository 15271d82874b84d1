from policy_cases import fails, lacks, passes
from policy_things import (
    BACKUP,
    ENCRYPTION,
    INSTANCE,
    KEY,
    LIFECYCLE,
    LOCK,
    SECRET,
    USER,
    VERSIONING,
    VOLUME,
)

VERSIONED = "s3-backup-bucket-versioned"
LOCKED = "s3-backup-bucket-locked"
ENCRYPTED = "s3-backup-bucket-encrypted"
OFF_SITE = "s3-backup-bucket-off-site"
TIDIED = "s3-backup-bucket-lifecycle"
UNTIDY = "Backup bucket 'backup' must have a BucketLifecycleConfiguration that ends uploads that were left."
LASTING = "s3-backup-bucket-never-expires"
EXPIRES = "Lifecycle 'backup-BucketLifecycleConfiguration' removes backups by their age: expiration must go."
OWN_RULE = {"enabled": True, "expiration": {"days": 1}}
KEPT = "s3-backup-bucket-kept"
UNVERSIONED = "Backup bucket 'backup' must have a BucketVersioning whose status is Enabled."
UNLOCKED = (
    "Backup bucket 'backup' must have a BucketObjectLockConfiguration with a default retention of 35 days "
    "or more."
)
UNENCRYPTED = "Backup bucket 'backup' must encrypt with aws:kms in a BucketServerSideEncryptionConfiguration."
NO_BACKUP = "A stack with servers must have a bucket tagged as backup."
NEAR = "Backup bucket 'backup' is in eu-west-2: it must be away from 'web1'."
EMPTIED = "Backup bucket 'backup' would be emptied by a destroy: forceDestroy must be false."
PLAIN = BACKUP.without("tags").without("objectLockEnabled")
SLIP = "'{}' can be deleted by a slip: its option protect must be true."
LOOSE = {
    "s3-backup-bucket-protected": BACKUP,
    "ec2-volume-protected": VOLUME,
    "kms-key-protected": KEY,
    "ssm-parameter-secret-protected": SECRET,
}

CASES = [
    passes(VERSIONED, BACKUP, VERSIONING),
    passes(VERSIONED, PLAIN, about="not a backup"),
    fails(
        VERSIONED, BACKUP, VERSIONING.having("versioningConfiguration.status", "Suspended"), says=UNVERSIONED
    ),
    fails(
        VERSIONED, BACKUP, VERSIONING.having("bucket", "other"), says=UNVERSIONED, about="another bucket's"
    ),
    fails(VERSIONED, BACKUP.without("tags"), says=UNVERSIONED, about="known by its lock"),
    fails(
        VERSIONED,
        PLAIN.having("tags", {"use": "dr"}),
        says=UNVERSIONED,
        config={"purposeTag": "use", "backupPurpose": "dr"},
        about="config",
    ),
    lacks(VERSIONED, BACKUP, says=UNVERSIONED),
    lacks(VERSIONED, BACKUP, VERSIONING.without("versioningConfiguration"), says=UNVERSIONED, about="status"),
    passes(LOCKED, BACKUP, LOCK),
    passes(
        LOCKED,
        BACKUP,
        LOCK.having("rule.defaultRetention", {"mode": "COMPLIANCE", "years": 1}),
        about="compliance",
    ),
    fails(LOCKED, BACKUP, LOCK.having("rule.defaultRetention.days", 0), says=UNLOCKED),
    fails(LOCKED, BACKUP, LOCK.having("rule.defaultRetention.days", 34), says=UNLOCKED, about="too short"),
    passes(
        LOCKED,
        BACKUP,
        LOCK.having("rule.defaultRetention.days", 7),
        config={"lockDays": 7},
        about="config",
    ),
    fails(
        LOCKED,
        BACKUP,
        LOCK,
        says=UNLOCKED.replace("35", "90"),
        config={"lockDays": 90},
        about="config",
    ),
    fails(LOCKED, BACKUP, LOCK.having("rule.defaultRetention.mode", "none"), says=UNLOCKED, about="mode"),
    lacks(LOCKED, BACKUP, says=UNLOCKED),
    lacks(LOCKED, BACKUP, LOCK.without("rule"), says=UNLOCKED, about="rule"),
    passes(ENCRYPTED, BACKUP, ENCRYPTION),
    fails(
        ENCRYPTED,
        BACKUP,
        ENCRYPTION.having("rules.0.applyServerSideEncryptionByDefault.sseAlgorithm", "AES256"),
        says=UNENCRYPTED,
    ),
    lacks(ENCRYPTED, BACKUP, says=UNENCRYPTED),
    lacks(ENCRYPTED, BACKUP, ENCRYPTION.without("rules"), says=UNENCRYPTED, about="rules"),
    passes(TIDIED, BACKUP, LIFECYCLE),
    passes(TIDIED, PLAIN, about="not a backup"),
    fails(TIDIED, BACKUP, LIFECYCLE.having("rules.0.status", "Disabled"), says=UNTIDY),
    fails(TIDIED, BACKUP, LIFECYCLE.having("bucket", "other"), says=UNTIDY, about="another bucket's"),
    lacks(TIDIED, BACKUP, says=UNTIDY),
    lacks(
        TIDIED,
        BACKUP,
        LIFECYCLE.without("rules.0.abortIncompleteMultipartUpload"),
        says=UNTIDY,
        about="uploads",
    ),
    passes(LASTING, BACKUP, LIFECYCLE),
    passes(LASTING, PLAIN, LIFECYCLE.having("rules.0.expiration", {"days": 90}), about="not a backup"),
    passes(
        LASTING,
        BACKUP,
        LIFECYCLE.having("rules.0.expiration", {"expiredObjectDeleteMarker": True}),
        about="what marks a deletion",
    ),
    fails(LASTING, BACKUP, LIFECYCLE.having("rules.0.expiration", {"days": 400}), says=EXPIRES),
    fails(
        LASTING,
        BACKUP,
        LIFECYCLE.having("rules.0.expiration", {"date": "2030-01-01T00:00:00Z"}),
        says=EXPIRES,
        about="on a day",
    ),
    passes(
        LASTING,
        BACKUP.having("lifecycleRules", [{"enabled": True, "noncurrentVersionExpiration": {"days": 42}}]),
        about="earlier versions, by the bucket's own",
    ),
    passes(LASTING, PLAIN.having("lifecycleRules", [OWN_RULE]), about="not a backup, by the bucket's own"),
    fails(
        LASTING,
        BACKUP.having("lifecycleRules", [OWN_RULE]),
        LIFECYCLE,
        says=EXPIRES.replace("backup-BucketLifecycleConfiguration", "backup"),
        about="by the bucket's own",
    ),
    fails(
        LASTING,
        BACKUP.but(type="aws:s3/bucketV2:BucketV2").having(
            "lifecycleRules", [{"enabled": True, "expirations": [{"days": 1}]}]
        ),
        says=EXPIRES.replace("backup-BucketLifecycleConfiguration", "backup"),
        about="by the bucket's own, under its old name",
    ),
    lacks(LASTING, BACKUP, LIFECYCLE.without("rules"), says=None),
    passes(OFF_SITE, BACKUP, INSTANCE),
    passes(OFF_SITE, PLAIN, about="no server"),
    fails(OFF_SITE, BACKUP.but(region="eu-west-2"), INSTANCE, says=NEAR),
    fails(OFF_SITE, BACKUP.having("region", "eu-west-2"), INSTANCE, says=NEAR, about="own region"),
    fails(OFF_SITE, PLAIN, INSTANCE, says=NO_BACKUP, about="bucket for something else"),
    passes(OFF_SITE, BACKUP, USER, about="hosted elsewhere"),
    fails(OFF_SITE, USER, says=NO_BACKUP, about="hosted elsewhere"),
    fails(
        OFF_SITE, BACKUP.but(region="eu-west-2"), USER, says=NEAR.replace("web1", "far"), about="its region"
    ),
    lacks(OFF_SITE, INSTANCE, says=NO_BACKUP),
    passes(KEPT, BACKUP),
    passes(KEPT, PLAIN.having("forceDestroy", to=True), about="not a backup"),
    fails(KEPT, BACKUP.having("forceDestroy", to=True), says=EMPTIED),
    lacks(KEPT, BACKUP.without("forceDestroy"), says=None),
    *(passes(name, thing) for name, thing in LOOSE.items()),
    *(fails(name, thing.but(protect=False), says=SLIP.format(thing.name)) for name, thing in LOOSE.items()),
    lacks(
        "s3-backup-bucket-protected",
        BACKUP.without("objectLockEnabled").without("tags").but(protect=False),
        says=None,
        about="not a backup",
    ),
    lacks("ec2-volume-protected", VOLUME.without("size").but(protect=False), says=SLIP.format("web1-data")),
    lacks("kms-key-protected", KEY.without("enableKeyRotation").but(protect=False), says=SLIP.format("key")),
    lacks("ssm-parameter-secret-protected", SECRET.without("type").but(protect=False), says=None),
    passes(
        "ssm-parameter-secret-protected",
        SECRET.having("type", "String").but(protect=False),
        about="no secret",
    ),
    passes(
        "ssm-parameter-secret-protected",
        SECRET.having("tags", {"purpose": "software-secret"}).but(protect=False),
        about="a password that is made anew",
    ),
    fails(
        "ssm-parameter-secret-protected",
        SECRET.having("tags", {"purpose": "passphrase"}).but(protect=False),
        says=SLIP.format("passphrase"),
        about="another purpose",
    ),
]
