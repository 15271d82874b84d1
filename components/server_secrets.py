"""The secrets of one server's software, in the parameter store."""

import secrets
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from managed_server.spec import Secret

_BYTES = 32
"""256 bits; 43 letters, digits, `-` and `_`, which every configuration file takes as they are."""

_PURPOSE = "software-secret"
"""By which the policies know that it may go."""


@dataclass(frozen=True)
class ServerSecretsArgs:
    """Which server's."""

    server: str
    secrets: tuple[Secret, ...]
    key_arn: pulumi.Input[str]


class ServerSecrets(pulumi.ComponentResource):
    """Each is made once; `pulumi up --replace URN` makes another, which the next converge takes."""

    arns: tuple[pulumi.Output[str], ...]

    def __init__(
        self, name: str, args: ServerSecretsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("managed-server:index:ServerSecrets", name, None, opts)
        self.arns = tuple(self._made(name, args, secret).arn for secret in args.secrets)
        self.register_outputs({})

    def _made(self, name: str, args: ServerSecretsArgs, secret: Secret) -> aws.ssm.Parameter:
        named = f"{name}-{secret.origin}-{secret.name}"
        # Every run offers a new value, and only the one that creates the parameter is taken.
        return aws.ssm.Parameter(
            named,
            name=secret.parameter,
            type="SecureString",
            key_id=args.key_arn,
            value=pulumi.Output.secret(secrets.token_urlsafe(_BYTES)),
            # Nothing is lost with it: unlike the backups' passphrase it goes with what it is for.
            tags={"Name": named, "server": args.server, "purpose": _PURPOSE},
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["value"]),
        )
