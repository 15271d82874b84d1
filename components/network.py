"""The network of a customer's servers in one region."""

import ipaddress
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.service_logs import ServiceLogsArgs, service_logs
from managed_server import spec

_NETWORK, _SUBNET = "10.80.0.0/20", "10.80.0.0/24"
"""The same for every customer, since no two networks are ever joined; room for 15 subnets more. A choice."""

_SUBNET_IPV6_BITS = 64

_FLOW_LOG_DAYS = 90
"""How long it can be looked up who talked to whom. A choice."""


@dataclass(frozen=True)
class NetworkArgs:
    """Whose network."""

    customer: str
    account_id: str
    region: str
    network: spec.Network


class Network(pulumi.ComponentResource):
    """A VPC with a public subnet, an empty default security group and flow logs (AWS FSBP EC2.2, EC2.6).

    Of a network that stands, nothing is made or changed: its default group and its records are its owner's.
    """

    vpc_id: pulumi.Output[str]
    subnet_id: pulumi.Output[str]
    zone: pulumi.Output[str] | None
    """The availability zone of its subnet; None of a network that stands."""
    way_out: list[pulumi.Resource]
    """What must stand before a server can reach the internet."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("managed-server:index:Network", name, None, opts)
        if args.network.own:
            self._make(name, args)
        else:
            self.vpc_id = pulumi.Output.from_input(str(args.network.vpc_id))
            self.subnet_id = pulumi.Output.from_input(str(args.network.subnet_id))
            self.zone = None
            self.way_out = []
        self.register_outputs({"vpc_id": self.vpc_id, "subnet_id": self.subnet_id})

    def _make(self, name: str, args: NetworkArgs) -> None:
        child = pulumi.ResourceOptions(parent=self)
        ipv6 = args.network.ipv6
        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=_NETWORK,
            assign_generated_ipv6_cidr_block=ipv6 or None,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={"Name": f"{name}-vpc"},
            opts=child,
        )
        gateway = aws.ec2.InternetGateway(
            f"{name}-gateway", vpc_id=vpc.id, tags={"Name": f"{name}-gateway"}, opts=child
        )
        routes = aws.ec2.RouteTable(
            f"{name}-routes", vpc_id=vpc.id, tags={"Name": f"{name}-routes"}, opts=child
        )
        default_route = aws.ec2.Route(
            f"{name}-default-route",
            route_table_id=routes.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=child,
        )
        # AWS chooses the zone: not every account has the same letters, and the subnet keeps what it got.
        subnet = aws.ec2.Subnet(
            f"{name}-subnet",
            vpc_id=vpc.id,
            cidr_block=_SUBNET,
            ipv6_cidr_block=vpc.ipv6_cidr_block.apply(_first_subnet) if ipv6 else None,
            map_public_ip_on_launch=False,
            tags={"Name": f"{name}-subnet"},
            opts=child,
        )
        association = aws.ec2.RouteTableAssociation(
            f"{name}-subnet-routes", route_table_id=routes.id, subnet_id=subnet.id, opts=child
        )
        aws.ec2.DefaultSecurityGroup(
            f"{name}-default-group", vpc_id=vpc.id, tags={"Name": f"{name}-default-group"}, opts=child
        )
        self._flow_logs(name, args, vpc)
        self.vpc_id, self.subnet_id, self.zone = vpc.id, subnet.id, subnet.availability_zone
        self.way_out = [default_route, association]
        if ipv6:
            default_route_ipv6 = aws.ec2.Route(
                f"{name}-default-route-ipv6",
                route_table_id=routes.id,
                destination_ipv6_cidr_block="::/0",
                gateway_id=gateway.id,
                opts=child,
            )
            self.way_out.append(default_route_ipv6)

    def _flow_logs(self, name: str, args: NetworkArgs, vpc: aws.ec2.Vpc) -> None:
        group, role, rights = service_logs(
            f"{name}-flow-logs",
            ServiceLogsArgs(
                account_id=args.account_id,
                region=args.region,
                group=f"/managed-server/{args.customer}/flow-logs",
                days=_FLOW_LOG_DAYS,
                service="vpc-flow-logs.amazonaws.com",
                policy="write-flow-logs",
                actions=("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"),
                resources=lambda group: [group, f"{group}:*"],
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.ec2.FlowLog(
            f"{name}-flow-log",
            vpc_id=vpc.id,
            traffic_type="ALL",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            tags={"Name": f"{name}-flow-log"},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[rights]),
        )


def _first_subnet(block: str) -> str:
    """Return the first /64 of the block that AWS gave, a /56: subnets are never of another size."""
    network = ipaddress.IPv6Network(block, strict=False)
    return str(next(network.subnets(new_prefix=_SUBNET_IPV6_BITS)))
