"""Who lets old backups go: a role of the backups' own account, that a person takes on for an hour."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.documents import Statement, document, parameter_rights

_SESSION_S = 3600
"""Seconds for which somebody has it: the least that AWS takes, and the most for one role from another."""


@dataclass(frozen=True)
class BackupPruningArgs:
    """Whose backups, and who may let them go."""

    role: str
    """Name of the role."""
    account_id: str
    """Of the backups."""
    deploy_role: str
    """Name of the role of the same account, from which it is taken on."""
    backup_region: str
    bucket: str
    key_arn: pulumi.Input[str]
    passphrase_arn: pulumi.Input[str]
    """Of the copy in the backup region."""


class BackupPruning(pulumi.ComponentResource):
    """The one role that may delete from the backup bucket; no machine, no hub, and nothing that runs has it.

    It deletes as S3 does in a bucket with versions: what was there becomes an earlier version, which its lock
    and then the bucket's lifecycle keep. It may neither delete versions nor pass over a lock.
    """

    def __init__(
        self, name: str, args: BackupPruningArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("managed-server:index:BackupPruning", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            name=args.role,
            assume_role_policy=document(
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{args.account_id}:role/{args.deploy_role}"},
                    "Action": "sts:AssumeRole",
                }
            ),
            max_session_duration=_SESSION_S,
            tags={"Name": f"{name}-role"},
            opts=child,
        )
        aws.iam.RolePolicy(
            f"{name}-rights", name="prune", role=role.id, policy=document(*statements(args)), opts=child
        )
        self.register_outputs({})


def statements(args: BackupPruningArgs) -> list[Statement]:
    """Return what pruning needs, in this customer's backup bucket alone.

    Whoever takes the role on narrows it to one server's prefix, by the policy of the session.
    """
    bucket = f"arn:aws:s3:::{args.bucket}"
    through = {"kms:ViaService": f"s3.{args.backup_region}.amazonaws.com"}
    return [
        {
            "Sid": "Backups",
            "Effect": "Allow",
            "Action": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            "Resource": f"{bucket}/*",
        },
        {
            "Sid": "FindBackups",
            "Effect": "Allow",
            "Action": ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketVersions"],
            "Resource": bucket,
        },
        {
            "Sid": "EncryptBackups",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": args.key_arn,
            "Condition": {"StringEquals": through},
        },
        *parameter_rights("Passphrase", "ssm:GetParameter", args.passphrase_arn, args.key_arn),
    ]
