"""A log group that an AWS service writes to, and how it comes to be allowed to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.documents import document, trust


@dataclass(frozen=True)
class ServiceLogsArgs:
    """Which group, who writes to it, and what that asks."""

    account_id: str
    region: str
    group: str
    """The log group's own name."""
    days: int
    """For which it keeps what is written."""
    service: str
    """Such as ``cloudtrail.amazonaws.com``: it may assume the role, on behalf of this account alone."""
    policy: str
    """Name of the role's policy."""
    actions: Sequence[str]
    resources: Callable[[str], str | list[str]]
    """Of the actions; is given the ARN of the log group."""


def service_logs(
    name: str, args: ServiceLogsArgs, opts: pulumi.ResourceOptions
) -> tuple[aws.cloudwatch.LogGroup, aws.iam.Role, aws.iam.RolePolicy]:
    """Make the group, the role, and its rights, below the component that ``opts`` name."""
    group = aws.cloudwatch.LogGroup(
        name, name=args.group, retention_in_days=args.days, tags={"Name": name}, opts=opts
    )
    role = aws.iam.Role(
        f"{name}-role",
        name=f"{name}-role",
        assume_role_policy=document(trust(args.service, args.account_id)),
        tags={"Name": f"{name}-role"},
        opts=opts,
    )
    arn = f"arn:aws:logs:{args.region}:{args.account_id}:log-group:{args.group}"
    rights = aws.iam.RolePolicy(
        f"{name}-rights",
        name=args.policy,
        role=role.id,
        policy=document(
            {"Effect": "Allow", "Action": list(args.actions), "Resource": args.resources(arn)},
        ),
        opts=opts,
    )
    return group, role, rights
