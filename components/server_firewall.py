"""The security group of one server."""

import re
from collections.abc import Mapping
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


class ServerFirewall(pulumi.ComponentResource):
    """One group, and one resource for each rule, named by the rule itself: no rule's coming moves another.

    `open` it once all groups of the customer are there: peers are named by their groups.
    """

    group_id: pulumi.Output[str]
    rules: list[pulumi.Resource]

    def __init__(
        self, name: str, args: ServerFirewallArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("managed-server:index:ServerFirewall", name, None, opts)
        self._name, self._server = name, args.server
        group = aws.ec2.SecurityGroup(
            f"{name}-group",
            vpc_id=args.vpc_id,
            description=_DESCRIPTION,
            tags={"Name": f"{name}-group", "server": args.server},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.group_id, self.rules = group.id, []
        self.register_outputs({"group_id": self.group_id})

    def open(self, rules: tuple[Rule, ...], groups: Mapping[str, pulumi.Input[str]]) -> None:
        """Make the rules; `groups` are those of the customer's servers, by their names."""
        kinds = {"in": aws.vpc.SecurityGroupIngressRule, "out": aws.vpc.SecurityGroupEgressRule}
        self.rules = [
            kinds[rule.direction](
                f"{self._name}-{rule.key}",
                security_group_id=self.group_id,
                ip_protocol=rule.protocol,
                from_port=rule.port,
                to_port=rule.port,
                description=description(rule),
                tags={"Name": f"{self._name}-{rule.key}", "server": self._server},
                opts=pulumi.ResourceOptions(parent=self),
                **_whom(rule, groups),
            )
            for rule in rules
        ]


def _whom(rule: Rule, groups: Mapping[str, pulumi.Input[str]]) -> dict[str, pulumi.Input[str]]:
    if rule.peer is not None:
        return {"referenced_security_group_id": groups[rule.peer]}
    return {f"cidr_ipv{rule.family}": rule.network}


def description(rule: Rule) -> str:
    """Return what a rule is for, in the characters and the length that EC2 takes."""
    return _REFUSED.sub("", rule.purpose)[:_LONGEST]
