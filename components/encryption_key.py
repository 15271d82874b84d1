"""A KMS key of the customer's own, with an alias."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.documents import Statement, account_root, document

_DELETION_DAYS = 30
"""The longest that KMS allows: what it encrypts is lost with it."""


@dataclass(frozen=True)
class EncryptionKeyArgs:
    """What a key is for."""

    account_id: str
    description: str
    statements: tuple[Statement, ...] = ()
    """Who may use the key besides those whom IAM policies of the account allow to."""


class EncryptionKey(pulumi.ComponentResource):
    """A key that is rotated each year, and protected: without it, the data that it encrypts is gone."""

    arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: EncryptionKeyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("managed-server:index:EncryptionKey", name, None, opts)
        own: Statement = {
            "Sid": "Account",
            "Effect": "Allow",
            "Principal": {"AWS": account_root(args.account_id)},
            "Action": "kms:*",
            "Resource": "*",
        }
        key = aws.kms.Key(
            f"{name}-key",
            description=args.description,
            enable_key_rotation=True,
            deletion_window_in_days=_DELETION_DAYS,
            policy=document(own, *args.statements),
            tags={"Name": f"{name}-key"},
            opts=pulumi.ResourceOptions(parent=self, protect=True),
        )
        aws.kms.Alias(
            f"{name}-alias",
            name=f"alias/{name}",
            target_key_id=key.id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})
