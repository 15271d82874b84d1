"""The record of every call to an account: who did what, in all regions, and whether it was tampered with."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.documents import Statement
from components.encryption_key import EncryptionKey, EncryptionKeyArgs
from components.private_bucket import PrivateBucket, PrivateBucketArgs
from components.service_logs import ServiceLogsArgs, service_logs

_SEARCHED_DAYS = 365
"""How long the record is at hand in CloudWatch Logs (Security Hub CloudWatch.16)."""

_KEPT_DAYS = 3 * 365
"""How long it stays in the bucket. A choice: auditors ask for one year, and disputes may be older."""

_SERVICE = "cloudtrail.amazonaws.com"


@dataclass(frozen=True)
class AccountTrailArgs:
    """Whose account, and where its record is kept."""

    customer: str
    account_id: str
    region: str
    bucket: str
    records: bool = True
    """Whether anything is recorded any more, besides what has been."""


class AccountTrail(pulumi.ComponentResource):
    """A trail of all regions, validated and encrypted with a key of its own (FSBP CloudTrail.1, .2, .4, .5).

    What holds the record is protected: who ends the recording keeps what was recorded.
    """

    log_group: pulumi.Output[str] | None = None
    """Name of the log group that has the record as well; None: nothing is recorded any more."""

    def __init__(self, name: str, args: AccountTrailArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("managed-server:index:AccountTrail", name, None, opts)
        self._name, self._args = name, args
        self._arn = f"arn:aws:cloudtrail:{args.region}:{args.account_id}:trail/{name}"
        child = pulumi.ResourceOptions(parent=self)
        key = EncryptionKey(
            f"{name}-encryption",
            EncryptionKeyArgs(
                account_id=args.account_id, description="Record of calls", statements=self._of_the_key()
            ),
            opts=child,
        )
        store = PrivateBucket(
            f"{name}-store",
            PrivateBucketArgs(
                bucket=args.bucket,
                purpose="trail",
                key_arn=key.arn,
                statements=self._of_the_bucket(),
                keep_days=_KEPT_DAYS,
            ),
            opts=pulumi.ResourceOptions(parent=self, protect=True),
        )
        if args.records:
            self.log_group = self._record(key, store)
        self.register_outputs({"log_group": self.log_group})

    def _record(self, key: EncryptionKey, store: PrivateBucket) -> pulumi.Output[str]:
        name, (group, role, rights) = self._name, self._searchable()
        aws.cloudtrail.Trail(
            f"{name}-record",
            name=name,
            s3_bucket_name=store.bucket.id,
            kms_key_id=key.arn,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            cloud_watch_logs_group_arn=pulumi.Output.concat(group.arn, ":*"),
            cloud_watch_logs_role_arn=role.arn,
            tags={"Name": f"{name}-record"},
            # CloudTrail tries whether it may write to both, before it takes the setting.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*store.guards, rights]),
        )
        recorded: pulumi.Output[str] = group.name
        return recorded

    def _searchable(self) -> tuple[aws.cloudwatch.LogGroup, aws.iam.Role, aws.iam.RolePolicy]:
        """Where alarms look, and a person; and how CloudTrail comes to write there."""
        args = self._args
        # The streams that CloudTrail writes to (its user guide, role policy document for CloudWatch Logs).
        streams = f"{args.account_id}_CloudTrail_{args.region}*"
        return service_logs(
            f"{self._name}-logs",
            ServiceLogsArgs(
                account_id=args.account_id,
                region=args.region,
                group=f"/managed-server/{args.customer}/trail",
                days=_SEARCHED_DAYS,
                service=_SERVICE,
                policy="write-trail",
                actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                resources=lambda group: f"{group}:log-stream:{streams}",
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _ours(self) -> dict[str, str]:
        return {"aws:SourceArn": self._arn}

    def _of_the_bucket(self) -> tuple[Statement, ...]:
        """CloudTrail user guide, S3 bucket policy for CloudTrail."""
        bucket = f"arn:aws:s3:::{self._args.bucket}"
        return (
            {
                "Sid": "TrailLooks",
                "Effect": "Allow",
                "Principal": {"Service": _SERVICE},
                "Action": "s3:GetBucketAcl",
                "Resource": bucket,
                "Condition": {"StringEquals": self._ours()},
            },
            {
                "Sid": "TrailWrites",
                "Effect": "Allow",
                "Principal": {"Service": _SERVICE},
                "Action": "s3:PutObject",
                "Resource": f"{bucket}/AWSLogs/{self._args.account_id}/*",
                "Condition": {"StringEquals": {**self._ours(), "s3:x-amz-acl": "bucket-owner-full-control"}},
            },
        )

    def _of_the_key(self) -> tuple[Statement, ...]:
        """CloudTrail user guide, KMS key policies for CloudTrail."""
        trails = f"arn:aws:cloudtrail:*:{self._args.account_id}:trail/*"
        return (
            {
                "Sid": "TrailEncrypts",
                "Effect": "Allow",
                "Principal": {"Service": _SERVICE},
                "Action": "kms:GenerateDataKey*",
                "Resource": "*",
                "Condition": {
                    "StringEquals": self._ours(),
                    "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": trails},
                },
            },
            {
                "Sid": "TrailLooks",
                "Effect": "Allow",
                "Principal": {"Service": _SERVICE},
                "Action": "kms:DescribeKey",
                "Resource": "*",
                "Condition": {"StringEquals": self._ours()},
            },
        )
