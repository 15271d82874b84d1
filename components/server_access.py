"""What a server that is hosted elsewhere may do in AWS: a user in the place of an instance's role."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.documents import Statement, document
from components.server_role import ServerRoleArgs, statements


@dataclass(frozen=True)
class ServerAccessArgs:
    """The server's user, and what it may do."""

    user: str
    group: str
    """Their names."""
    account_id: str
    role: ServerRoleArgs


class ServerAccess(pulumi.ComponentResource):
    """A user without a key: no secret of it is ever in the state.

    `managed bootstrap` makes a key and hands it to the machine, which replaces it at once, and by itself from
    then on. The rights are those that an instance's role has; a group holds them (AWS FSBP IAM.2).
    """

    def __init__(self, name: str, args: ServerAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("managed-server:index:ServerAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        user = aws.iam.User(
            f"{name}-user",
            name=args.user,
            # Its keys aren't the stack's: they go with it, so that a server that left opens nothing any more.
            force_destroy=True,
            tags={"Name": f"{name}-user", "server": args.role.server},
            opts=child,
        )
        group = aws.iam.Group(f"{name}-group", name=args.group, opts=child)
        aws.iam.GroupPolicy(
            f"{name}-rights",
            name="server",
            group=group.name,
            policy=document(*statements(args.role), own_keys(args.account_id, args.user)),
            opts=child,
        )
        aws.iam.UserGroupMembership(f"{name}-membership", user=user.name, groups=[group.name], opts=child)
        self.register_outputs({})


def own_keys(account_id: str, user: str) -> Statement:
    """Return the right to replace the keys of one user: its own."""
    return {
        "Sid": "OwnKeys",
        "Effect": "Allow",
        "Action": ["iam:CreateAccessKey", "iam:DeleteAccessKey", "iam:ListAccessKeys"],
        "Resource": f"arn:aws:iam::{account_id}:user/{user}",
    }
