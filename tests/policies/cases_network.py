from typing import Any

from policy_cases import Case, fails, lacks, passes
from policy_judge import Thing
from policy_things import (
    ACL_RULE,
    DEFAULT_GROUP,
    FLOW_LOG,
    GROUP,
    INLINE,
    NETWORK_ACL,
    OLD_RULE,
    PUBLIC_RULE,
    RULE,
    VPC,
)

ADMIN = "ec2-security-group-no-world-admin-port"
LISTED = "ec2-security-group-world-ports-listed"
ALL_PORTS = "port 20, 21, 22 … must not be open to the world."
PUBLIC = "tcp/443, tcp/53, tcp/636, tcp/80, udp/1194, udp/53"
WORLD = RULE.having("cidrIpv4", "0.0.0.0/0")


def rule(protocol: Any, ports: tuple[int, int], *cidrs: str) -> Thing:
    """An old-style rule: it takes several networks, of both versions."""
    props = {"type": "ingress", "protocol": protocol, "fromPort": ports[0], "toPort": ports[1]}
    v6 = [one for one in cidrs if ":" in one]
    return OLD_RULE.but(
        props={**props, "cidrBlocks": [one for one in cidrs if one not in v6], "ipv6CidrBlocks": v6}
    )


def admin(about: str, thing: Thing, opened: str, ports: str) -> Case:
    says = f"'{thing.name}' opens {opened}: port {ports} must not be open to the world."
    return fails(ADMIN, thing, says=says, about=about)


def unlisted(about: str, thing: Thing, opened: str) -> Case:
    says = f"'{thing.name}' opens {opened}: only {PUBLIC} may be open, it must be limited."
    return fails(LISTED, thing, says=says, about=about)


FLOWS = "ec2-vpc-flow-logs"
NO_FLOWS = "VPC 'vpc' keeps no flow logs: it must have a FlowLog."
ENTRIES = "ec2-network-acl-no-world-admin-port"
WORLD_ACL = ACL_RULE.having("cidrBlock", "0.0.0.0/0")


def entry(about: str, thing: Thing, opened: str, ports: str) -> Case:
    says = f"'{thing.name}' opens {opened}: port {ports} must not be open to the world."
    return fails(ENTRIES, thing, says=says, about=about)


CASES = [
    passes(FLOWS, VPC, FLOW_LOG),
    passes(FLOWS, VPC, FLOW_LOG.having("trafficType", "REJECT"), about="what was rejected"),
    fails(
        FLOWS,
        VPC,
        FLOW_LOG.having("trafficType", "ACCEPT"),
        says="Flow log 'flows' leaves out what was rejected: it must be ALL.",
    ),
    fails(FLOWS, VPC, FLOW_LOG.having("vpcId", "vpc-2"), says=NO_FLOWS, about="another VPC's"),
    lacks(FLOWS, VPC, says=NO_FLOWS),
    passes(ENTRIES, NETWORK_ACL, ACL_RULE),
    passes(ENTRIES, WORLD_ACL.having("ruleAction", "deny"), about="a denial"),
    passes(ENTRIES, WORLD_ACL.having("egress", to=True), about="on the way out"),
    passes(ENTRIES, WORLD_ACL.having("protocol", "udp"), about="another protocol"),
    entry("ssh", WORLD_ACL, "tcp 22 to 0.0.0.0/0", "22"),
    entry("number", WORLD_ACL.having("protocol", "6"), "tcp 22 to 0.0.0.0/0", "22"),
    entry("ipv6", ACL_RULE.without("cidrBlock").having("ipv6CidrBlock", "::/0"), "tcp 22 to ::/0", "22"),
    entry(
        "everything",
        NETWORK_ACL.having("ingress.0.action", "allow"),
        "everything to 0.0.0.0/0",
        "22, 3389",
    ),
    lacks(ENTRIES, ACL_RULE.without("cidrBlock"), says=None),
    lacks(
        ENTRIES,
        WORLD_ACL.without("egress"),
        says="'acl-ssh' opens tcp 22 to 0.0.0.0/0: port 22 must not be open to the world.",
        about="direction",
    ),
    passes(ADMIN, RULE, PUBLIC_RULE, OLD_RULE, GROUP, DEFAULT_GROUP),
    passes(ADMIN, rule("tcp", (22, 22), "10.0.0.0/8", "fc00::/7"), about="private networks"),
    passes(ADMIN, rule("tcp", (22, 22), "0.0.0.0/0").having("type", "egress"), about="egress"),
    passes(ADMIN, WORLD.having("ipProtocol", "icmp"), about="an icmp type is no port"),
    passes(ADMIN, WORLD, about="config", config={"adminPorts": [3389]}),
    admin("ssh", WORLD, "tcp 22 to 0.0.0.0/0", "22"),
    admin("rdp", rule("tcp", (3389, 3389), "0.0.0.0/0"), "tcp 3389 to 0.0.0.0/0", "3389"),
    admin("nrpe", rule("tcp", (5666, 5666), "::/0"), "tcp 5666 to ::/0", "5666"),
    admin("munin", rule("tcp", (4949, 4949), "0.0.0.0/0"), "tcp 4949 to 0.0.0.0/0", "4949"),
    admin("ipv6", RULE.without("cidrIpv4").having("cidrIpv6", "::/0"), "tcp 22 to ::/0", "22"),
    admin("udp", rule("udp", (11211, 11211), "0.0.0.0/0"), "udp 11211 to 0.0.0.0/0", "11211"),
    admin(
        "range", WORLD.having("fromPort", 20).having("toPort", 25), "tcp 20-25 to 0.0.0.0/0", "20, 21, 22 …"
    ),
    admin(
        "all ports",
        WORLD.having("fromPort", 0).having("toPort", 65535),
        "tcp 0-65535 to 0.0.0.0/0",
        "20, 21, 22 …",
    ),
    admin("minus one", WORLD.having("ipProtocol", "-1"), "everything to 0.0.0.0/0", "20, 21, 22 …"),
    admin("number", rule("6", (22, 22), "0.0.0.0/0"), "tcp 22 to 0.0.0.0/0", "22"),
    admin("numeric type", rule(-1, (0, 0), "0.0.0.0/0"), "everything to 0.0.0.0/0", "20, 21, 22 …"),
    admin("half", WORLD.having("cidrIpv4", "128.0.0.0/1"), "tcp 22 to 128.0.0.0/1", "22"),
    admin("v6 half", rule("tcp", (22, 22), "2000::/3"), "tcp 22 to 2000::/3", "22"),
    admin("widest v4", WORLD.having("cidrIpv4", "2.0.0.0/7"), "tcp 22 to 2.0.0.0/7", "22"),
    admin("widest v6", rule("tcp", (22, 22), "2400::/12"), "tcp 22 to 2400::/12", "22"),
    passes(ADMIN, rule("tcp", (22, 22), "3.0.0.0/8", "2400::/13"), about="one large organisation"),
    admin("halves", rule("tcp", (22, 22), "0.0.0.0/8", "1.0.0.0/8"), "tcp 22 to 0.0.0.0/8, 1.0.0.0/8", "22"),
    admin("unreadable", WORLD.having("cidrIpv4", "anywhere"), "tcp 22 to anywhere", "22"),
    admin(
        "inline",
        GROUP.having("ingress", [{**INLINE, "fromPort": 22, "toPort": 22}]),
        "tcp 22 to 0.0.0.0/0",
        "22",
    ),
    admin(
        "default group",
        DEFAULT_GROUP.having("ingress", [{**INLINE, "fromPort": 0, "toPort": 0, "protocol": "-1"}]),
        "everything to 0.0.0.0/0",
        "20, 21, 22 …",
    ),
    lacks(ADMIN, RULE.without("cidrIpv4"), says=None, about="no network: another group is the source"),
    lacks(
        ADMIN,
        WORLD.without("fromPort").without("toPort"),
        says=f"'web1-ssh' opens tcp 0-65535 to 0.0.0.0/0: {ALL_PORTS}",
        about="ports",
    ),
    lacks(
        ADMIN,
        WORLD.without("ipProtocol"),
        says=f"'web1-ssh' opens everything to 0.0.0.0/0: {ALL_PORTS}",
        about="protocol",
    ),
    passes(LISTED, RULE, PUBLIC_RULE, OLD_RULE, GROUP, DEFAULT_GROUP),
    passes(LISTED, rule("udp", (1194, 1194), "0.0.0.0/0"), about="vpn"),
    passes(
        LISTED, rule("tcp", (8443, 8443), "0.0.0.0/0"), config={"worldPorts": ["tcp/8443"]}, about="config"
    ),
    passes(LISTED, rule("icmp", (8, 0), "0.0.0.0/0"), config={"worldPorts": ["icmp/8"]}, about="ping"),
    unlisted("port", rule("tcp", (8443, 8443), "0.0.0.0/0"), "tcp 8443 to 0.0.0.0/0"),
    unlisted("udp of a tcp service", rule("udp", (443, 443), "::/0"), "udp 443 to ::/0"),
    unlisted("range", rule("tcp", (80, 443), "0.0.0.0/0"), "tcp 80-443 to 0.0.0.0/0"),
    unlisted("ping", rule("icmp", (8, 0), "0.0.0.0/0"), "icmp 8 to 0.0.0.0/0"),
    unlisted("every ping", rule("icmp", (-1, -1), "0.0.0.0/0"), "icmp 0-255 to 0.0.0.0/0"),
    unlisted("half a range", rule("tcp", (443, -1), "0.0.0.0/0"), "tcp 0-65535 to 0.0.0.0/0"),
    unlisted("no first", rule("tcp", (-1, 443), "0.0.0.0/0"), "tcp 0-65535 to 0.0.0.0/0"),
    unlisted("another protocol", rule("47", (0, 0), "0.0.0.0/0"), "47 0 to 0.0.0.0/0"),
    unlisted("everything", rule("-1", (0, 0), "0.0.0.0/1"), "everything to 0.0.0.0/1"),
    lacks(
        LISTED,
        WORLD.without("fromPort"),
        says=f"'web1-ssh' opens tcp 0-65535 to 0.0.0.0/0: only {PUBLIC} may be open, it must be limited.",
    ),
    lacks(
        LISTED,
        WORLD.having("fromPort", 443).without("toPort"),
        says=f"'web1-ssh' opens tcp 0-65535 to 0.0.0.0/0: only {PUBLIC} may be open, it must be limited.",
        about="last",
    ),
    passes("ec2-security-group-no-inline-rules", GROUP),
    passes("ec2-security-group-no-inline-rules", GROUP.having("ingress", []), about="empty"),
    fails(
        "ec2-security-group-no-inline-rules",
        GROUP.having("ingress", [INLINE]),
        says="Security group 'web1' has rules in ingress: they must be resources.",
    ),
    fails(
        "ec2-security-group-no-inline-rules",
        GROUP.having("egress", [INLINE]),
        says="Security group 'web1' has rules in egress: they must be resources.",
        about="egress",
    ),
    lacks("ec2-security-group-no-inline-rules", GROUP, says=None, about="no list is no rule"),
    passes("ec2-default-security-group-empty", DEFAULT_GROUP),
    fails(
        "ec2-default-security-group-empty",
        DEFAULT_GROUP.having("ingress", [INLINE]),
        says="Default security group 'default' has rules in ingress: it must be empty.",
    ),
    fails(
        "ec2-default-security-group-empty",
        DEFAULT_GROUP.having("egress", [INLINE]),
        says="Default security group 'default' has rules in egress: it must be empty.",
        about="egress",
    ),
    lacks("ec2-default-security-group-empty", DEFAULT_GROUP.without("ingress").without("egress"), says=None),
    passes("ec2-vpc-default-group-managed", VPC, DEFAULT_GROUP),
    fails(
        "ec2-vpc-default-group-managed",
        VPC,
        DEFAULT_GROUP.having("vpcId", "vpc-2"),
        says="VPC 'vpc' leaves its default security group open: it must be taken over.",
        about="another VPC's",
    ),
    lacks(
        "ec2-vpc-default-group-managed",
        VPC,
        says="VPC 'vpc' leaves its default security group open: it must be taken over.",
    ),
]
