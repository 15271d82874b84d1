"""Rules on who may reach what."""

from collections.abc import Iterator

from pulumi_policy import Severity

from .base import (
    Finding,
    Resource,
    Rule,
    Source,
    Stack,
    Undecided,
    Violation,
    resource_rule,
    security_hub,
    stack_rule,
    unless,
)
from .ingress import ACLS, DEFAULT_GROUP, GROUP, TYPES, Ingress, entries, ingress, is_world
from .reading import UNKNOWN, Unknown
from .settings import ADMIN_PORTS, WORLD_PORTS, WORLD_PREFIX_V4, WORLD_PREFIX_V6

_WIDTH = (WORLD_PREFIX_V4, WORLD_PREFIX_V6)
_VPC = "aws:ec2/vpc:Vpc"
_FLOW_LOG = "aws:ec2/flowLog:FlowLog"
_REMOTE_ADMINISTRATION = (22, 3389)


def _worldly(resource: Resource) -> Iterator[tuple[Ingress, bool | None]]:
    """What is open to the world (True), or might be (None)."""
    for one in ingress(resource):
        world = is_world(one.sources, *(int(resource.setting(width)) for width in _WIDTH))
        if world is not False:
            yield one, world


@resource_rule(
    "ec2-security-group-no-world-admin-port",
    types=TYPES,
    description="A security group must not open an administrative or high-risk port to the world.",
    severity=Severity.CRITICAL,
    source=security_hub("EC2.19"),
    remediation="Name the office, VPN or peer networks that may connect, instead of the whole internet.",
    settings=(ADMIN_PORTS, *_WIDTH),
)
def no_world_admin_port(resource: Resource) -> Iterator[Finding]:
    """Also a range or a protocol that covers such a port, and the world in halves."""
    admin = [int(port) for port in resource.setting(ADMIN_PORTS)]
    for one, world in _worldly(resource):
        if one.protocol not in ("tcp", "udp", "all", UNKNOWN):
            continue
        if isinstance(one.ports, Unknown):
            yield Undecided("fromPort")
            continue
        opened = [str(port) for port in admin if port in one.ports]
        if not opened:
            continue
        if world is None:
            yield Undecided("cidrIpv4")
        else:
            few = ", ".join(opened[:3]) + (" …" if len(opened) > 3 else "")  # noqa: PLR2004
            yield Violation(f"'{resource.name}' opens {one}: port {few} must not be open to the world.")


@resource_rule(
    "ec2-security-group-world-ports-listed",
    types=TYPES,
    description="A security group must open nothing to the world but the listed public services.",
    severity=Severity.HIGH,
    source=security_hub("EC2.18"),
    remediation="Limit the source networks, or add the service to worldPorts in the policy configuration.",
    settings=(WORLD_PORTS, *_WIDTH),
)
def world_ports_listed(resource: Resource) -> Iterator[Finding]:
    """Web, name and VPN servers are public; all else has a list of networks."""
    listed = set(resource.setting(WORLD_PORTS))
    for one, world in _worldly(resource):
        if isinstance(one.ports, Unknown):
            yield Undecided("fromPort")
        elif len(one.ports) <= len(listed) and {f"{one.protocol}/{port}" for port in one.ports} <= listed:
            continue
        elif world is None:
            yield Undecided("cidrIpv4")
        else:
            public = ", ".join(sorted(listed))
            yield Violation(f"'{resource.name}' opens {one}: only {public} may be open, it must be limited.")


@resource_rule(
    "ec2-security-group-no-inline-rules",
    types=(GROUP,),
    description="A security group must hold no rules of its own: each rule must be a resource.",
    severity=Severity.MEDIUM,
    source=Source(
        "Pulumi AWS",
        "SecurityGroup",
        "https://www.pulumi.com/registry/packages/aws/api-docs/ec2/securitygroup/",
    ),
    remediation="Use aws.vpc.SecurityGroupIngressRule and SecurityGroupEgressRule, one network each.",
)
def no_inline_rules(group: Resource) -> Iterator[Finding]:
    """Inline and separate rules delete each other at every update."""
    yield from _without_rules(group, "Security group", "they must be resources")


@resource_rule(
    "ec2-default-security-group-empty",
    types=(DEFAULT_GROUP,),
    description="The default security group of a VPC must let nothing in or out.",
    severity=Severity.HIGH,
    source=security_hub("EC2.2"),
    remediation="Give aws.ec2.DefaultSecurityGroup neither ingress nor egress.",
)
def default_group_empty(group: Resource) -> Iterator[Finding]:
    """What is launched without a group gets this one."""
    yield from _without_rules(group, "Default security group", "it must be empty")


def _without_rules(group: Resource, what: str, must: str) -> Iterator[Finding]:
    for key in ("ingress", "egress"):
        rules = group.at(key)
        message = f"{what} '{group.name}' has rules in {key}: {must}."
        yield from unless(None if rules is UNKNOWN else not rules, message, key)


@stack_rule(
    "ec2-vpc-default-group-managed",
    types=(_VPC,),
    description="Every VPC must have its default security group taken over, so that it is emptied.",
    severity=Severity.HIGH,
    source=security_hub("EC2.2"),
    remediation="Add aws.ec2.DefaultSecurityGroup(vpc_id=vpc.id) without rules.",
)
def vpc_default_group_managed(stack: Stack) -> Iterator[Finding]:
    """AWS makes one for each VPC that lets its members reach each other and the world."""
    for vpc in stack.of(_VPC):
        if not stack.attached(vpc, "vpcId", DEFAULT_GROUP):
            message = f"VPC '{vpc.name}' leaves its default security group open: it must be taken over."
            yield Violation(message, vpc.urn)


@stack_rule(
    "ec2-vpc-flow-logs",
    types=(_VPC, _FLOW_LOG),
    description="Every VPC must have flow logs, of rejected traffic at least.",
    severity=Severity.MEDIUM,
    source=security_hub("EC2.6"),
    remediation="Add aws.ec2.FlowLog(vpc_id=vpc.id, traffic_type='ALL').",
)
def vpc_flow_logs(stack: Stack) -> Iterator[Finding]:
    """Who tried to reach what is the first question after a break-in."""
    for vpc in stack.of(_VPC):
        kinds = [(one, one.at("trafficType")) for one in stack.attached(vpc, "vpcId", _FLOW_LOG)]
        if not kinds:
            yield Violation(f"VPC '{vpc.name}' keeps no flow logs: it must have a FlowLog.", vpc.urn)
        elif any(kind in ("ALL", "REJECT") for _, kind in kinds):
            continue
        elif any(kind is UNKNOWN for _, kind in kinds):
            yield Undecided("trafficType")
        else:
            log = kinds[0][0]
            yield Violation(f"Flow log '{log.name}' leaves out what was rejected: it must be ALL.", log.urn)


@resource_rule(
    "ec2-network-acl-no-world-admin-port",
    types=ACLS,
    description="A network ACL must not let the world reach the ports of remote administration.",
    severity=Severity.MEDIUM,
    source=security_hub("EC2.21"),
    remediation="Name the networks that may connect to ports 22 and 3389.",
    settings=_WIDTH,
)
def network_acl_no_world_admin_port(acl: Resource) -> Iterator[Finding]:
    """A VPC's default ACL lets everything in, and Security Hub leaves it out: security groups decide."""
    for one in entries(acl):
        world = is_world(one.sources, *(int(acl.setting(width)) for width in _WIDTH))
        if world is False or one.protocol not in ("tcp", "all", UNKNOWN):
            continue
        if isinstance(one.ports, Unknown) or world is None or one.protocol is UNKNOWN:
            yield Undecided("ingress")
            continue
        opened = [str(port) for port in _REMOTE_ADMINISTRATION if port in one.ports]
        if opened:
            ports = ", ".join(opened)
            yield Violation(f"'{acl.name}' opens {one}: port {ports} must not be open to the world.")


RULES: list[Rule] = [
    no_world_admin_port,
    world_ports_listed,
    no_inline_rules,
    default_group_empty,
    vpc_default_group_managed,
    vpc_flow_logs,
    network_acl_no_world_admin_port,
]
