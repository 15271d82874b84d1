"""Where backups go: a locked bucket in another region, and the record of who touched it."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.backup_rights import own_backups
from components.documents import Statement, account_root
from components.encryption_key import EncryptionKey, EncryptionKeyArgs
from components.private_bucket import PrivateBucket, PrivateBucketArgs

_UPLOAD_DAYS = 7
"""Days after which the parts of an upload that never ended are removed (AWS FSBP S3.13)."""

_LOGS_PREFIX = "backup/"

_LOGS_DAYS = 365
"""How long it can be looked up who touched the backups. A choice."""

_COLDER_BYTES = 128 * 1024
"""Smaller objects stay: S3 never moves them on to a colder tier (its user guide, Intelligent-Tiering)."""


@dataclass(frozen=True)
class Writers:
    """The servers of an account that isn't that of their backups."""

    account_id: str
    names: tuple[str, ...]
    """Patterns of their roles and users, as ``role/NAME``; the tag ``server`` of each names its server."""


@dataclass(frozen=True)
class OffsiteBackupArgs:
    """Whose backups, the buckets' names, and for how long versions stay."""

    account_id: str
    """Of the backups."""
    bucket: str
    log_bucket: str
    lock_days: int
    """For which no version can be deleted."""
    versions_days: int
    """After which an overwritten version is removed: longer than the lock."""
    region: str
    writers: Writers | None = None
    """Servers of another account."""


class OffsiteBackup(pulumi.ComponentResource):
    """The backup bucket, its key and its access logs (AWS FSBP S3.9, S3.13 to S3.15, S3.17).

    Give the component the backup region's provider and ``protect=True``: its children inherit both. What
    guards the bucket is protected with it, so that no destroy leaves backups behind that are less safe.
    MFA delete (S3.20) is left out: only the root user can set it, and it excludes lifecycle rules.
    """

    bucket: pulumi.Output[str]
    key_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: OffsiteBackupArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("managed-server:index:OffsiteBackup", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = EncryptionKey(
            f"{name}-encryption",
            EncryptionKeyArgs(
                account_id=args.account_id, description="Off-site backups", statements=_may_encrypt(args)
            ),
            opts=child,
        )
        store = PrivateBucket(
            f"{name}-store",
            PrivateBucketArgs(
                bucket=args.bucket,
                purpose="backup",
                key_arn=key.arn,
                statements=(
                    *_may_write(args),
                    _other_algorithm(args.bucket),
                    _other_key(args.bucket, key.arn),
                ),
                object_lock=True,
            ),
            opts=child,
        )
        self._keep(name, store, args)
        # Log delivery can't write to a bucket with a default lock, nor encrypt with a key of the customer's.
        logs = PrivateBucket(
            f"{name}-logs",
            PrivateBucketArgs(
                bucket=args.log_bucket,
                purpose="access-logs",
                key_arn=None,
                statements=(_log_delivery(args),),
                keep_days=_LOGS_DAYS,
            ),
            opts=child,
        )
        aws.s3.BucketLogging(
            f"{name}-logging",
            bucket=store.bucket.id,
            target_bucket=logs.bucket.id,
            target_prefix=_LOGS_PREFIX,
            # S3 checks that it may write before it takes the setting.
            opts=pulumi.ResourceOptions(parent=self, depends_on=logs.guards),
        )
        self.bucket, self.key_arn = store.bucket.id, key.arn
        self.register_outputs({"bucket": self.bucket, "key_arn": self.key_arn})

    def _keep(self, name: str, store: PrivateBucket, args: OffsiteBackupArgs) -> None:
        """Lock what is new, let go of what was overwritten, and have what nobody reads cost less.

        A current version never expires, and each can be read at once, in whichever tier it is.
        """
        versioned = pulumi.ResourceOptions(parent=self, depends_on=[store.versioning])
        aws.s3.BucketObjectLockConfiguration(
            f"{name}-lock",
            bucket=store.bucket.id,
            rule=aws.s3.BucketObjectLockConfigurationRuleArgs(
                default_retention=aws.s3.BucketObjectLockConfigurationRuleDefaultRetentionArgs(
                    mode="GOVERNANCE", days=args.lock_days
                )
            ),
            opts=versioned,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=store.bucket.id,
            rules=[
                aws.s3.BucketLifecycleConfigurationRuleArgs(
                    id="housekeeping",
                    status="Enabled",
                    filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    abort_incomplete_multipart_upload=(
                        aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                            days_after_initiation=_UPLOAD_DAYS
                        )
                    ),
                    noncurrent_version_expiration=(
                        aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                            noncurrent_days=args.versions_days
                        )
                    ),
                ),
                aws.s3.BucketLifecycleConfigurationRuleArgs(
                    id="colder",
                    status="Enabled",
                    filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(
                        object_size_greater_than=_COLDER_BYTES
                    ),
                    transitions=[
                        aws.s3.BucketLifecycleConfigurationRuleTransitionArgs(
                            days=1, storage_class="INTELLIGENT_TIERING"
                        )
                    ],
                ),
            ],
            opts=versioned,
        )


# Servers of another account: there their own policies decide, and here this one as well. A role that is made
# later, or anew, is known by its name: a principal that doesn't exist would be refused.


def _servers(writers: Writers) -> Statement:
    return {
        "Effect": "Allow",
        "Principal": {"AWS": account_root(writers.account_id)},
        "Condition": {
            "ArnLike": {
                "aws:PrincipalArn": [f"arn:aws:iam::{writers.account_id}:{name}" for name in writers.names]
            }
        },
    }


def _may_write(args: OffsiteBackupArgs) -> tuple[Statement, ...]:
    """Let each server do in its own part of the bucket what its role allows; none deletes a version."""
    if args.writers is None:
        return ()
    who = _servers(args.writers)
    return tuple(
        {**one, **who, "Condition": {**who["Condition"], **one.get("Condition", {})}}
        for one in own_backups(f"arn:aws:s3:::{args.bucket}", "${aws:PrincipalTag/server}/")
    )


def _may_encrypt(args: OffsiteBackupArgs) -> tuple[Statement, ...]:
    if args.writers is None:
        return ()
    who = _servers(args.writers)
    through = {"kms:ViaService": f"s3.{args.region}.amazonaws.com"}
    return (
        {
            **who,
            "Sid": "ServersBackups",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": "*",
            "Condition": {**who["Condition"], "StringEquals": through},
        },
    )


# An upload that names no encryption gets the bucket's default, which is the right key: only a wrong one is
# denied. `Null: false` says that the header is there, since a missing one would count as unequal, too.


def _other_algorithm(bucket: str) -> Statement:
    header = "s3:x-amz-server-side-encryption"
    return {
        "Sid": "NoOtherEncryption",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringNotEquals": {header: "aws:kms"}, "Null": {header: "false"}},
    }


def _other_key(bucket: str, key_arn: pulumi.Input[str]) -> Statement:
    header = "s3:x-amz-server-side-encryption-aws-kms-key-id"
    return {
        "Sid": "NoOtherKey",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringNotEquals": {header: key_arn}, "Null": {header: "false"}},
    }


def _log_delivery(args: OffsiteBackupArgs) -> Statement:
    return {
        "Sid": "LogDelivery",
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{args.log_bucket}/{_LOGS_PREFIX}*",
        "Condition": {
            "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{args.bucket}"},
            "StringEquals": {"aws:SourceAccount": args.account_id},
        },
    }
