"""What a security group or a network ACL lets in, read alike from each of the ways to say it."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .base import Resource
from .reading import UNKNOWN, Unknown, at, items

RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
OLD_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
TYPES = (RULE, OLD_RULE, GROUP, DEFAULT_GROUP)
_ACL_RULE = "aws:ec2/networkAclRule:NetworkAclRule"
ACLS = ("aws:ec2/networkAcl:NetworkAcl", _ACL_RULE)

# IANA protocol numbers that AWS takes instead of a name.
_NUMBERS = {"-1": "all", "1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}
_EVERY_PORT = range(65536)
_LOCAL_V6 = ipaddress.IPv6Network("fc00::/7")


@dataclass(frozen=True)
class Ingress:
    """One thing let in: `ports` are types for icmp; sources are networks and may hold UNKNOWN."""

    protocol: str | Unknown
    ports: range | Unknown
    sources: tuple[Any, ...]

    def __str__(self) -> str:
        shown = ", ".join("?" if one is UNKNOWN else str(one) for one in self.sources)
        if isinstance(self.ports, Unknown) or isinstance(self.protocol, Unknown):
            return f"ports to {shown}"
        if self.protocol == "all":
            return f"everything to {shown}"
        last = self.ports.stop - 1
        span = f"{self.ports.start}" if last == self.ports.start else f"{self.ports.start}-{last}"
        return f"{self.protocol} {span} to {shown}"


_UNREAD = Ingress(UNKNOWN, UNKNOWN, (UNKNOWN,))


def ingress(resource: Resource) -> Iterator[Ingress]:
    """Yields what `resource` lets in; other groups and prefix lists as a source aren't networks."""
    if resource.type == RULE:
        yield _read(resource.props, "ipProtocol", "cidrIpv4", "cidrIpv6")
    elif resource.type == OLD_RULE:
        if resource.at("type") in ("ingress", UNKNOWN):
            yield _read(resource.props, "protocol", "cidrBlocks", "ipv6CidrBlocks")
    else:
        for inline in items(resource.at("ingress")):
            yield _read(inline, "protocol", "cidrBlocks", "ipv6CidrBlocks")


def entries(acl: Resource) -> Iterator[Ingress]:
    """Yields what a network ACL allows in; a denial before it isn't weighed, so it may say too much."""
    if acl.type == _ACL_RULE:
        if UNKNOWN in (acl.at("egress"), acl.at("ruleAction")):
            yield _UNREAD
        elif not acl.at("egress") and acl.at("ruleAction") == "allow":
            yield _read(acl.props, "protocol", "cidrBlock", "ipv6CidrBlock")
        return
    for entry in items(acl.at("ingress")):
        action = at(entry, "action")
        if action is UNKNOWN:
            yield _UNREAD
        elif action == "allow":
            yield _read(entry, "protocol", "cidrBlock", "ipv6CidrBlock")


def _read(data: Any, protocol_key: str, *source_keys: str) -> Ingress:
    protocol = at(data, protocol_key)
    name: str | Unknown = UNKNOWN
    if protocol is not UNKNOWN:
        text = str(int(protocol)) if isinstance(protocol, float) else str(protocol or "-1").lower()
        name = _NUMBERS.get(text, text)
    sources = tuple(source for key in source_keys for source in items(at(data, key)))
    return Ingress(name, _ports(name, at(data, "fromPort"), at(data, "toPort")), sources)


def _ports(protocol: str | Unknown, first: Any, last: Any) -> range | Unknown:
    if protocol == "all":
        return _EVERY_PORT
    if UNKNOWN in (first, last) or isinstance(protocol, Unknown):
        return UNKNOWN
    if protocol in ("icmp", "icmpv6"):  # toPort is the code there, and -1 stands for every type
        return range(256) if first is None or first < 0 else range(int(first), int(first) + 1)
    if first is None or last is None or first < 0 or last < 0:
        return _EVERY_PORT
    return range(int(first), int(last) + 1)


def is_world(sources: tuple[Any, ...], prefix_v4: int, prefix_v6: int) -> bool | None:
    """Whether the networks, taken together, are the world; None when that isn't known yet.

    Neighbours are joined first, so two halves of the world are the world.
    """
    known = [_network(one) for one in sources if one is not UNKNOWN]
    joined: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = [
        *ipaddress.collapse_addresses(one for one in known if isinstance(one, ipaddress.IPv4Network)),
        *ipaddress.collapse_addresses(one for one in known if isinstance(one, ipaddress.IPv6Network)),
    ]
    for network in joined:
        if isinstance(network, ipaddress.IPv4Network):
            if network.prefixlen <= prefix_v4:
                return True
        elif network.prefixlen <= prefix_v6 and not network.subnet_of(_LOCAL_V6):
            return True
    return None if UNKNOWN in sources else False


def _network(text: Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(str(text), strict=False)
    except ValueError:
        return ipaddress.IPv4Network("0.0.0.0/0")  # what can't be read might be anything
