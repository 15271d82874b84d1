"""Where backups go: a locked bucket in another region, and the record of who touched it."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.documents import Statement
from components.encryption_key import EncryptionKey, EncryptionKeyArgs
from components.private_bucket import PrivateBucket, PrivateBucketArgs

_UPLOAD_DAYS = 7
"""Days after which the parts of an upload that never ended are removed (AWS FSBP S3.13)."""

_LOGS_PREFIX = "backup/"


@dataclass(frozen=True)
class OffsiteBackupArgs:
    """Whose backups, the buckets' names, and for how long versions stay."""

    account_id: str
    bucket: str
    log_bucket: str
    lock_days: int
    """For which no version can be deleted."""
    versions_days: int
    """After which an overwritten version is removed: longer than the lock."""


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
            EncryptionKeyArgs(account_id=args.account_id, description="Off-site backups"),
            opts=child,
        )
        store = PrivateBucket(
            f"{name}-store",
            PrivateBucketArgs(
                bucket=args.bucket,
                purpose="backup",
                key_arn=key.arn,
                statements=(_other_algorithm(args.bucket), _other_key(args.bucket, key.arn)),
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
        """Lock what is new, and let go of what was overwritten; a current version never expires."""
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
        # No transition to a colder class: what may be moved depends on the format of the backups.
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
                )
            ],
            opts=versioned,
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
