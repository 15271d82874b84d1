"""The passphrase of the off-site backups, in both regions."""

import secrets
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

_BYTES = 32
"""256 bits: as strong as the key that it is turned into."""


@dataclass(frozen=True)
class BackupPassphraseArgs:
    """Where the passphrase is kept."""

    parameter: str
    """Name of the parameter, the same in both regions."""
    home: aws.Provider
    home_key_arn: pulumi.Input[str]
    backup: aws.Provider
    backup_key_arn: pulumi.Input[str]


class BackupPassphrase(pulumi.ComponentResource):
    """Made once, and never again: give the component ``protect=True``, which its children inherit."""

    home_arn: pulumi.Output[str]
    copy_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: BackupPassphraseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("managed-server:index:BackupPassphrase", name, None, opts)
        # Every run offers a new value, and only the one that creates the parameter is taken.
        home = aws.ssm.Parameter(
            f"{name}-home",
            name=args.parameter,
            type="SecureString",
            key_id=args.home_key_arn,
            value=pulumi.Output.secret(secrets.token_urlsafe(_BYTES)),
            tags={"Name": f"{name}-home"},
            opts=pulumi.ResourceOptions(parent=self, provider=args.home, ignore_changes=["value"]),
        )
        # From the resource, not from the program: a kill between the two and a rerun give equal values.
        copy = aws.ssm.Parameter(
            f"{name}-copy",
            name=args.parameter,
            type="SecureString",
            key_id=args.backup_key_arn,
            value=pulumi.Output.secret(home.value),
            tags={"Name": f"{name}-copy"},
            opts=pulumi.ResourceOptions(parent=self, provider=args.backup),
        )
        self.home_arn, self.copy_arn = home.arn, copy.arn
        self.register_outputs({"home_arn": self.home_arn})
