"""What holds for a customer's AWS account as a whole, whoever makes what in it."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.account_alarms import AccountAlarms, AccountAlarmsArgs
from components.account_trail import AccountTrail, AccountTrailArgs
from managed_server.model.contract import Priority
from managed_server.spec import Baseline


@dataclass(frozen=True)
class AccountBaselineArgs:
    """Which account, which parts of it, and who is told."""

    customer: str
    account_id: str
    region: str
    trail_bucket: str
    baseline: Baseline
    has_record: bool
    """Whether there is a record of calls already: it stays when no more is recorded."""
    providers: Mapping[str, aws.Provider]
    """Of the account, by region: that of the servers, and those of the baseline's regional parts."""
    disk_key_arn: pulumi.Input[str]
    """Of the region of the servers."""
    topics: Mapping[Priority, pulumi.Input[str]]
    """ARN of the topic that is told, by an alarm's priority."""


class AccountBaseline(pulumi.ComponentResource):
    """Safe defaults of an account, and its record of calls (AWS FSBP; the controls stand beside each part).

    One stack of an account has it. Settings stay as they are when they are taken out of the stack: who takes
    one out has another arrangement for it, which must not be undone, and a customer who leaves isn't left
    less safe.
    """

    def __init__(
        self, name: str, args: AccountBaselineArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("managed-server:index:AccountBaseline", name, None, opts)
        self._name, self._args = name, args
        for region in args.baseline.ebs_encryption:
            self._disks(region)
        for region in args.baseline.instance_metadata:
            self._instances(region)
        for region in args.baseline.access_analyzer:
            self._analyzer(region)
        if args.baseline.public_access_block:
            self._no_public_bucket()
        if args.baseline.password_policy:
            self._passwords()
        if args.baseline.trail or args.has_record:
            self._trail()
        self.register_outputs({})

    def _in(self, region: str, *, kept: bool = True) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self, provider=self._args.providers[region], retain_on_delete=kept
        )

    def _disks(self, region: str) -> None:
        """EC2.7: with the servers' own key where they are, elsewhere with the one that AWS keeps."""
        aws.ebs.EncryptionByDefault(f"{self._name}-disks-{region}", enabled=True, opts=self._in(region))
        if region == self._args.region:
            aws.ebs.DefaultKmsKey(
                f"{self._name}-disks-key",
                key_arn=self._args.disk_key_arn,
                # Not kept: it would name a key that is gone, and no disk could be made any more.
                opts=self._in(region, kept=False),
            )

    def _instances(self, region: str) -> None:
        """EC2.8, for instances that say nothing of it."""
        aws.ec2.InstanceMetadataDefaults(
            f"{self._name}-instances-{region}",
            http_tokens="required",
            http_put_response_hop_limit=1,
            opts=self._in(region),
        )

    def _analyzer(self, region: str) -> None:
        """IAM.28."""
        name = f"{self._name}-analyzer-{region}"
        aws.accessanalyzer.Analyzer(
            name,
            analyzer_name=f"{self._name}-analyzer",
            type="ACCOUNT",
            tags={"Name": name},
            opts=self._in(region, kept=False),
        )

    def _no_public_bucket(self) -> None:
        """S3.1."""
        aws.s3.AccountPublicAccessBlock(
            f"{self._name}-public-access",
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._in(self._args.region),
        )

    def _passwords(self) -> None:
        """IAM.7, IAM.15, IAM.16; the figures are the CIS benchmark's."""
        aws.iam.AccountPasswordPolicy(
            f"{self._name}-passwords",
            minimum_password_length=14,
            require_lowercase_characters=True,
            require_uppercase_characters=True,
            require_numbers=True,
            require_symbols=True,
            password_reuse_prevention=24,
            allow_users_to_change_password=True,
            opts=self._in(self._args.region),
        )

    def _trail(self) -> None:
        """CloudTrail.1, .2, .4, .5; the alarms: CloudWatch.1 to .14."""
        args = self._args
        child = pulumi.ResourceOptions(parent=self, providers=[args.providers[args.region]])
        trail = AccountTrail(
            f"{self._name}-trail",
            AccountTrailArgs(
                args.customer, args.account_id, args.region, args.trail_bucket, args.baseline.trail
            ),
            opts=child,
        )
        if trail.log_group is not None:
            AccountAlarms(
                f"{self._name}-alarms",
                AccountAlarmsArgs(trail.log_group, args.baseline.alarms, args.topics),
                opts=child,
            )
