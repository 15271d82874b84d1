"""The security group of one server."""

import re
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from managed_server.spec import Rule

_DESCRIPTION = "Managed server: every rule follows from its software and access"
"""Constant: another one would replace the group, and with it detach the server."""

_REFUSED = re.compile(r"[^A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]")
"""What EC2 doesn't take in a rule's description (API reference, IpRange)."""

_LONGEST = 255


@dataclass(frozen=True)
class ServerFirewallArgs:
    """Which server."""

    server: str
    vpc_id: pulumi.Input[str]
    rules: tuple[Rule, ...]


class ServerFirewall(pulumi.ComponentResource):
    """One group, and one resource for each rule, named by the rule itself: no rule's coming moves another."""

    group_id: pulumi.Output[str]
    rules: list[pulumi.Resource]

    def __init__(
        self, name: str, args: ServerFirewallArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("managed-server:index:ServerFirewall", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = aws.ec2.SecurityGroup(
            f"{name}-group",
            vpc_id=args.vpc_id,
            description=_DESCRIPTION,
            tags={"Name": f"{name}-group", "server": args.server},
            opts=child,
        )
        kinds = {"in": aws.vpc.SecurityGroupIngressRule, "out": aws.vpc.SecurityGroupEgressRule}
        self.rules = [
            kinds[rule.direction](
                f"{name}-{rule.key}",
                security_group_id=group.id,
                ip_protocol=rule.protocol,
                from_port=rule.port,
                to_port=rule.port,
                cidr_ipv4=rule.network if rule.family == 4 else None,  # noqa: PLR2004 - IPv4
                cidr_ipv6=rule.network if rule.family == 6 else None,  # noqa: PLR2004 - IPv6
                description=description(rule),
                tags={"Name": f"{name}-{rule.key}", "server": args.server},
                opts=child,
            )
            for rule in args.rules
        ]
        self.group_id = group.id
        self.register_outputs({"group_id": self.group_id})


def description(rule: Rule) -> str:
    """Return what a rule is for, in the characters and the length that EC2 takes."""
    return _REFUSED.sub("", rule.purpose)[:_LONGEST]
