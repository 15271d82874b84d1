"""What a server may do in AWS, and nothing else."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.backup_rights import own_backups
from components.documents import Statement, document, parameter_rights, trust
from managed_server.delivery_keys import bundle_key, peers_key, pointer_key


@dataclass(frozen=True)
class ServerRoleArgs:
    """The server, and what it works with."""

    server: str
    region: str
    backup_region: str
    delivery_bucket: str
    data_key_arn: pulumi.Input[str]
    backup_bucket: str
    backup_key_arn: pulumi.Input[str]
    passphrase_arn: pulumi.Input[str]
    secret_arns: tuple[pulumi.Input[str], ...] = ()
    """Parameters of its software."""
    linked: bool = False
    """Whether it is told where other servers are."""
    namespaces: tuple[str, ...] = ()
    """Of CloudWatch, in which the server publishes figures of its own."""
    more: tuple[Statement, ...] = ()
    """Rights to its logs, and those by which it takes part in its hub's fleet."""


def role_names(customer: str) -> str:
    """Return the pattern of the names of a customer's servers' roles."""
    return f"{customer}-*-identity-role"


class ServerRole(pulumi.ComponentResource):
    """An instance profile. The customer's administrators are root, so it holds for them as well."""

    profile_name: pulumi.Output[str]
    granted: list[pulumi.Resource]
    """What must stand before the server starts, or its first steps fail."""

    def __init__(self, name: str, args: ServerRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("managed-server:index:ServerRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            name=f"{name}-role",
            assume_role_policy=document(trust("ec2.amazonaws.com")),
            tags={"Name": f"{name}-role", "server": args.server},
            opts=child,
        )
        rights = aws.iam.RolePolicy(
            f"{name}-rights",
            name="server",
            role=role.id,
            policy=document(*statements(args)),
            opts=child,
        )
        session = aws.iam.RolePolicyAttachment(
            f"{name}-session-manager",
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
            opts=child,
        )
        profile = aws.iam.InstanceProfile(
            f"{name}-profile",
            name=f"{name}-profile",
            role=role.name,
            tags={"Name": f"{name}-profile", "server": args.server},
            opts=child,
        )
        self.profile_name, self.granted = profile.name, [rights, session]
        self.register_outputs({"profile_name": self.profile_name})


def statements(args: ServerRoleArgs) -> list[Statement]:
    """Return everything that a server may do, wherever it is hosted."""
    return [*_own(args), *_secrets(args), *figure_statements(args.namespaces), *args.more]


def _own(args: ServerRoleArgs) -> list[Statement]:
    """Return a server's rights to its own bundles, its own backups, and the passphrase.

    The AWS-managed policy for Session Manager lets it read other parameters of the account; secret ones stay
    closed, since the key opens for the one parameter named here alone.
    """
    delivery = f"arn:aws:s3:::{args.delivery_bucket}"
    return [
        {
            "Sid": "OwnBundles",
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": [
                f"{delivery}/{bundle_key(args.server, '*')}",
                f"{delivery}/{pointer_key(args.server)}",
                *([f"{delivery}/{peers_key(args.server)}"] if args.linked else []),
            ],
        },
        *own_backups(f"arn:aws:s3:::{args.backup_bucket}", f"{args.server}/"),
        *parameter_rights("Passphrase", "ssm:GetParameter", args.passphrase_arn, args.data_key_arn),
        {
            "Sid": "OpenBundles",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": args.data_key_arn,
            "Condition": {"StringEquals": {"kms:ViaService": f"s3.{args.region}.amazonaws.com"}},
        },
        {
            "Sid": "EncryptBackups",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": args.backup_key_arn,
            "Condition": {"StringEquals": {"kms:ViaService": f"s3.{args.backup_region}.amazonaws.com"}},
        },
    ]


def _secrets(args: ServerRoleArgs) -> tuple[Statement, ...]:
    if not args.secret_arns:
        return ()
    return parameter_rights("OwnSecrets", "ssm:GetParameters", list(args.secret_arns), args.data_key_arn)


def figure_statements(namespaces: tuple[str, ...]) -> list[Statement]:
    """Return the right to publish figures in some namespaces of CloudWatch, and in no other."""
    if not namespaces:
        return []
    return [
        {
            "Sid": "OwnFigures",
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringEquals": {"cloudwatch:namespace": list(namespaces)}},
        }
    ]
