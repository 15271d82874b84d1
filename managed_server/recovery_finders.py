"""Looks up in AWS whether a resource that a killed run was creating stands there.

A finder gets a resource's inputs as Pulumi recorded them and returns the id to import, or None. Resources
that AWS accepts a second time (a put that replaces) need no finder: creating them again is the recovery.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

Inputs = dict[str, Any]
Client = Callable[[str], Any]
Finder = Callable[[Client, str, Inputs], str | None]


def find(resource: dict[str, Any], provider: Inputs, environ: dict[str, str]) -> str | None:
    """Return the id of a pending create in AWS, or None where it is not there or need not be known."""
    finder = FINDERS.get(resource["type"])
    if finder is None:
        return None
    name = resource["urn"].rpartition("::")[2]
    return finder(_clients(provider, environ), name, resource.get("inputs") or {})


def _clients(provider: Inputs, environ: dict[str, str]) -> Client:
    """Return a maker of boto3 clients with the region and the role of the resource's own provider."""
    import boto3  # noqa: PLC0415 - 0.3 s, and only a killed run needs it

    options: dict[str, Any] = {
        "region_name": provider["region"],
        "aws_access_key_id": environ.get("AWS_ACCESS_KEY_ID"),
        "aws_secret_access_key": environ.get("AWS_SECRET_ACCESS_KEY"),
        "aws_session_token": environ.get("AWS_SESSION_TOKEN"),
    }
    endpoint = environ.get("AWS_ENDPOINT_URL")
    roles = provider.get("assumeRoles") or []
    roles = json.loads(roles) if isinstance(roles, str) else roles
    if roles:
        sts = boto3.client("sts", endpoint_url=endpoint, **options)
        given = sts.assume_role(RoleArn=roles[0]["roleArn"], RoleSessionName="recovery")["Credentials"]
        options |= {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }
    return lambda service: boto3.client(service, endpoint_url=endpoint, **options)


def _pages(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**arguments):
            yield from page[key]
    else:
        yield from getattr(client, operation)(**arguments)[key]


def _tagged(operation: str, key: str, id_key: str, alive: Callable[[Any], bool] = lambda _: True) -> Finder:
    """Find an EC2 resource by its Name tag, which is the resource's own name and so the only one."""

    def finder(client: Client, name: str, _: Inputs) -> str | None:
        filters = [{"Name": "tag:Name", "Values": [name]}]
        for item in _pages(client("ec2"), operation, key, Filters=filters):
            if alive(item):
                return str(item[id_key])
        return None

    return finder


def _instance(client: Client, name: str, _: Inputs) -> str | None:
    filters = [
        {"Name": "tag:Name", "Values": [name]},
        {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
    ]
    for reservation in _pages(client("ec2"), "describe_instances", "Reservations", Filters=filters):
        for instance in reservation["Instances"]:
            return str(instance["InstanceId"])
    return None


def _named(service: str, operation: str, argument: str, key: str, error: str) -> Finder:
    """Find a resource whose id is its own name."""

    def finder(client: Client, _: str, inputs: Inputs) -> str | None:
        made = client(service)
        try:
            getattr(made, operation)(**{argument: inputs[key]})
        except made.exceptions.ClientError as refused:
            if refused.response["Error"]["Code"] in (error, "404"):
                return None
            raise
        return str(inputs[key])

    return finder


def _log_group(client: Client, _: str, inputs: Inputs) -> str | None:
    groups = _pages(client("logs"), "describe_log_groups", "logGroups", logGroupNamePrefix=inputs["name"])
    return next((str(g["logGroupName"]) for g in groups if g["logGroupName"] == inputs["name"]), None)


def _key(client: Client, name: str, _: Inputs) -> str | None:
    """Find a key by its Name tag; one that is on its way out is gone."""
    kms = client("kms")
    for key in _pages(kms, "list_keys", "Keys"):
        tags = kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]
        if {"TagKey": "Name", "TagValue": name} in tags:
            state = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]
            if state == "Enabled":
                return str(key["KeyId"])
    return None


def _alias(client: Client, _: str, inputs: Inputs) -> str | None:
    aliases = _pages(client("kms"), "list_aliases", "Aliases")
    return next((str(a["AliasName"]) for a in aliases if a["AliasName"] == inputs["name"]), None)


def _route(client: Client, _: str, inputs: Inputs) -> str | None:
    tables = client("ec2").describe_route_tables(RouteTableIds=[inputs["routeTableId"]])["RouteTables"]
    network = inputs.get("destinationCidrBlock") or inputs.get("destinationIpv6CidrBlock")
    for route in tables[0]["Routes"]:
        if network in (route.get("DestinationCidrBlock"), route.get("DestinationIpv6CidrBlock")):
            return f"{inputs['routeTableId']}_{network}"  # the form in which the provider imports a route
    return None


def _association(client: Client, _: str, inputs: Inputs) -> str | None:
    filters = [{"Name": "association.subnet-id", "Values": [inputs["subnetId"]]}]
    tables = client("ec2").describe_route_tables(Filters=filters)["RouteTables"]
    return f"{inputs['subnetId']}/{inputs['routeTableId']}" if tables else None


FINDERS: dict[str, Finder] = {
    "aws:ec2/vpc:Vpc": _tagged("describe_vpcs", "Vpcs", "VpcId"),
    "aws:ec2/subnet:Subnet": _tagged("describe_subnets", "Subnets", "SubnetId"),
    "aws:ec2/internetGateway:InternetGateway": _tagged(
        "describe_internet_gateways", "InternetGateways", "InternetGatewayId"
    ),
    "aws:ec2/routeTable:RouteTable": _tagged("describe_route_tables", "RouteTables", "RouteTableId"),
    "aws:ec2/route:Route": _route,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _association,
    "aws:ec2/flowLog:FlowLog": _tagged("describe_flow_logs", "FlowLogs", "FlowLogId"),
    "aws:ec2/securityGroup:SecurityGroup": _tagged("describe_security_groups", "SecurityGroups", "GroupId"),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _tagged(
        "describe_security_group_rules", "SecurityGroupRules", "SecurityGroupRuleId"
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _tagged(
        "describe_security_group_rules", "SecurityGroupRules", "SecurityGroupRuleId"
    ),
    "aws:ec2/instance:Instance": _instance,
    "aws:ec2/eip:Eip": _tagged("describe_addresses", "Addresses", "AllocationId"),
    "aws:ebs/volume:Volume": _tagged("describe_volumes", "Volumes", "VolumeId"),
    "aws:kms/key:Key": _key,
    "aws:kms/alias:Alias": _alias,
    "aws:iam/role:Role": _named("iam", "get_role", "RoleName", "name", "NoSuchEntity"),
    "aws:iam/instanceProfile:InstanceProfile": _named(
        "iam", "get_instance_profile", "InstanceProfileName", "name", "NoSuchEntity"
    ),
    "aws:s3/bucket:Bucket": _named("s3", "head_bucket", "Bucket", "bucket", "NoSuchBucket"),
    "aws:ssm/parameter:Parameter": _named("ssm", "get_parameter", "Name", "name", "ParameterNotFound"),
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
}
"""How to find each type that AWS would refuse, or make twice."""
