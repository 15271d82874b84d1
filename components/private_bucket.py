"""A bucket that nobody outside the account reaches: encrypted, versioned, TLS only."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.documents import Statement, document, tls_only

_REMOVED_DAYS = 30
"""Days for which what has expired can still be got back. A choice."""


@dataclass(frozen=True)
class PrivateBucketArgs:
    """What a bucket is for."""

    bucket: str
    """The bucket's own name."""
    purpose: str
    """Value of the tag ``purpose``, by which the policies know a bucket."""
    key_arn: pulumi.Input[str] | None
    """KMS key; None: keys of S3 itself, for what a service writes that may use no other."""
    statements: tuple[Statement, ...] = ()
    """Of the bucket's policy, besides the denial of plain HTTP."""
    object_lock: bool = False
    empty_on_delete: bool = False
    """Whether deleting the bucket deletes what it holds; for what can be made again."""
    keep_days: int | None = None
    """After which objects are removed; None: never."""


class PrivateBucket(pulumi.ComponentResource):
    """A bucket with all that guards it (AWS FSBP S3.5, S3.8, S3.12, S3.14, S3.17)."""

    bucket: aws.s3.Bucket
    versioning: aws.s3.BucketVersioning
    guards: list[pulumi.Resource]
    """What must stand before an object is put into the bucket."""

    def __init__(
        self, name: str, args: PrivateBucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("managed-server:index:PrivateBucket", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.bucket = aws.s3.Bucket(
            f"{name}-bucket",
            bucket=args.bucket,
            object_lock_enabled=args.object_lock,
            force_destroy=args.empty_on_delete,
            tags={"Name": f"{name}-bucket", "purpose": args.purpose},
            opts=child,
        )
        access = aws.s3.BucketPublicAccessBlock(
            f"{name}-access",
            bucket=self.bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        ownership = aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=self.bucket.id,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=child,
        )
        self.versioning = aws.s3.BucketVersioning(
            f"{name}-versioning",
            bucket=self.bucket.id,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=child,
        )
        encryption = aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=self.bucket.id,
            rules=[_encryption_rule(args.key_arn)],
            opts=child,
        )
        policy = aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=self.bucket.id,
            policy=document(*args.statements, tls_only(args.bucket)),
            # S3 refuses two changes of a bucket's access at a time.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[access, ownership]),
        )
        if args.keep_days is not None:
            self._expire(name, args.keep_days)
        self.guards = [access, ownership, self.versioning, encryption, policy]
        self.register_outputs({"bucket": self.bucket.id})

    def _expire(self, name: str, days: int) -> None:
        """Let go of what is old (AWS FSBP S3.13). Nobody waits for it: the provider takes 55 s."""
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=self.bucket.id,
            rules=[
                aws.s3.BucketLifecycleConfigurationRuleArgs(
                    id="expire",
                    status="Enabled",
                    filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
                    # An expired object becomes an earlier version first.
                    noncurrent_version_expiration=(
                        aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                            noncurrent_days=_REMOVED_DAYS
                        )
                    ),
                )
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.versioning]),
        )


def _encryption_rule(
    key_arn: pulumi.Input[str] | None,
) -> aws.s3.BucketServerSideEncryptionConfigurationRuleArgs:
    algorithm = "AES256" if key_arn is None else "aws:kms"
    return aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
        apply_server_side_encryption_by_default=(
            aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                sse_algorithm=algorithm, kms_master_key_id=key_arn
            )
        ),
        bucket_key_enabled=key_arn is not None,
    )
