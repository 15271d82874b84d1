"""Looks up in AWS what a killed run may have created.

A finder gets a resource's name and its inputs as Pulumi recorded them, and returns the ids under which it
may stand, in the form in which the provider imports it. What AWS takes a second time needs no finder:
creating it again is the recovery. Every type that the components make is in one of the two.
"""

import ipaddress
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

Inputs = dict[str, Any]
Client = Callable[[str], Any]
Finder = Callable[[Client, str, Inputs], list[str]]


_REACHED_BY = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_CREDENTIALS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


class LookUpError(Exception):
    """AWS can't be asked; the message says what it answered."""


def find(resource: dict[str, Any], provider: Inputs, environ: dict[str, str]) -> list[str]:
    """Return the ids under which a pending create may stand in AWS; none where it may be put again.

    Raises:
        LookUpError: if AWS can't be asked, or refuses to answer.
    """
    finder = FINDERS.get(resource["type"])
    if finder is None:
        return []
    return _asked(finder, resource, provider, environ)


def finish(resource: dict[str, Any], provider: Inputs, environ: dict[str, str]) -> None:
    """Do what the provider does right after a create, where no later run would notice that it is missing.

    Args:
        resource: with its ``id``.
        provider: the provider's inputs.
        environ: of the commands that reach AWS.

    Raises:
        LookUpError: if AWS refuses.
    """
    if resource["type"] == _GROUP and not (resource.get("inputs") or {}).get("egress"):
        _asked(_without_default_egress, resource, provider, environ)


def _asked(finder: Any, resource: dict[str, Any], provider: Inputs, environ: dict[str, str]) -> list[str]:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as below

    name = resource["urn"].rpartition("::")[2]
    inputs = {**(resource.get("inputs") or {}), "id": resource.get("id")}
    try:
        return list(finder(clients(provider, environ), name, inputs))
    except (BotoCoreError, ClientError) as error:
        raise LookUpError(f"can't look for {name} in AWS: {error}") from error


def clients(provider: Inputs, environ: dict[str, str]) -> Client:
    """Return a maker of boto3 clients with the region and the role of a provider, by its recorded inputs."""
    roles = provider.get("assumeRoles") or []
    roles = json.loads(roles) if isinstance(roles, str) else roles
    role = roles[0]["roleArn"] if roles else None
    return _maker(provider["region"], role, *(environ.get(name) for name in _REACHED_BY))


@cache  # a killed run leaves up to a dozen creates in few regions, and a client takes half a second
def _maker(region: str, role: str | None, endpoint: str | None, *credentials: str | None) -> Client:
    import boto3  # noqa: PLC0415 - 0.3 s, and only a killed run needs it

    options: dict[str, Any] = dict(zip(_CREDENTIALS, credentials, strict=True))
    options |= {"region_name": region, "endpoint_url": endpoint}
    if role:
        sts = boto3.client("sts", **options)
        given = sts.assume_role(RoleArn=role, RoleSessionName="recovery")["Credentials"]
        new = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        options |= dict(zip(_CREDENTIALS, new, strict=True))
    return cache(lambda service: boto3.client(service, **options))


def _pages(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**arguments):
            yield from page[key]
    else:
        yield from getattr(client, operation)(**arguments)[key]


def _tagged(operation: str, key: str, id_key: str, filters: str = "Filters") -> Finder:
    """Find what EC2 tags in the very call that creates it, by its Name tag: the resource's own name."""

    def finder(client: Client, name: str, _: Inputs) -> list[str]:
        wanted = {filters: [{"Name": "tag:Name", "Values": [name]}]}
        return [str(item[id_key]) for item in _pages(client("ec2"), operation, key, **wanted)]

    return finder


def _instance(client: Client, name: str, _: Inputs) -> list[str]:
    filters = [
        {"Name": "tag:Name", "Values": [name]},
        {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
    ]
    found = _pages(client("ec2"), "describe_instances", "Reservations", Filters=filters)
    return [str(instance["InstanceId"]) for reservation in found for instance in reservation["Instances"]]


def _attachment(client: Client, _: str, inputs: Inputs) -> list[str]:
    """Find a volume that is attached already: AWS attaches none twice."""
    volume, instance, device = (inputs[key] for key in ("volumeId", "instanceId", "deviceName"))
    wanted = [{"Name": "volume-id", "Values": [volume]}]
    found = [
        attached
        for each in _pages(client("ec2"), "describe_volumes", "Volumes", Filters=wanted)
        for attached in each["Attachments"]
        if (attached["InstanceId"], attached["Device"]) == (instance, device)
    ]
    return [f"{device}:{volume}:{instance}"] if found else []


def _named(service: str, operation: str, argument: str, error: str) -> Finder:
    """Find a resource whose id is its own name."""

    def finder(client: Client, _: str, inputs: Inputs) -> list[str]:
        made = client(service)
        try:
            getattr(made, operation)(**{argument: inputs["name"]})
        except made.exceptions.ClientError as refused:
            if refused.response["Error"]["Code"] == error:
                return []
            raise
        return [str(inputs["name"])]

    return finder


def _bucket(client: Client, _: str, inputs: Inputs) -> list[str]:
    """Find a bucket of this account and region: names are the world's, and another's answers as well."""
    buckets = client("s3").list_buckets(BucketRegion=client("s3").meta.region_name, Prefix=inputs["bucket"])
    return [str(bucket["Name"]) for bucket in buckets["Buckets"] if bucket["Name"] == inputs["bucket"]]


def _log_group(client: Client, _: str, inputs: Inputs) -> list[str]:
    groups = _pages(client("logs"), "describe_log_groups", "logGroups", logGroupNamePrefix=inputs["name"])
    return [str(g["logGroupName"]) for g in groups if g["logGroupName"] == inputs["name"]]


def _key(client: Client, name: str, _: Inputs) -> list[str]:
    """Find a key by its Name tag; one that is on its way out is gone."""
    kms = client("kms")
    found = []
    for key in _pages(kms, "list_keys", "Keys"):
        try:
            tags = _pages(kms, "list_resource_tags", "Tags", KeyId=key["KeyId"])
            ours = {"TagKey": "Name", "TagValue": name} in list(tags)
            state = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] if ours else ""
        except kms.exceptions.ClientError as refused:
            # Its own policy keeps us out: none of ours, which leave it to the account's IAM policies.
            if refused.response["Error"]["Code"] != "AccessDeniedException":
                raise
            continue
        if ours and state not in ("PendingDeletion", "PendingReplicaDeletion"):
            found.append(str(key["KeyId"]))
    return found


def _alias(client: Client, _: str, inputs: Inputs) -> list[str]:
    aliases = _pages(client("kms"), "list_aliases", "Aliases")
    return [str(a["AliasName"]) for a in aliases if a["AliasName"] == inputs["name"]]


def _trail(client: Client, _: str, inputs: Inputs) -> list[str]:
    """Find a trail of this region by its name: its id is its ARN."""
    trails = client("cloudtrail").describe_trails(trailNameList=[inputs["name"]], includeShadowTrails=False)
    return [str(trail["TrailARN"]) for trail in trails["trailList"]]


def _analyzer(client: Client, _: str, inputs: Inputs) -> list[str]:
    found = _pages(client("accessanalyzer"), "list_analyzers", "analyzers")
    return [str(one["name"]) for one in found if one["name"] == inputs["analyzerName"]]


def _tables(client: Client, *filters: tuple[str, str]) -> list[dict[str, Any]]:
    wanted = [{"Name": name, "Values": [value]} for name, value in filters]
    return list(_pages(client("ec2"), "describe_route_tables", "RouteTables", Filters=wanted))


def _route(client: Client, _: str, inputs: Inputs) -> list[str]:
    network = inputs.get("destinationCidrBlock") or inputs.get("destinationIpv6CidrBlock")
    found = [
        route
        for table in _tables(client, ("route-table-id", inputs["routeTableId"]))
        for route in table["Routes"]
        if network in (route.get("DestinationCidrBlock"), route.get("DestinationIpv6CidrBlock"))
    ]
    return [f"{inputs['routeTableId']}_{network}"] if found else []


def _association(client: Client, _: str, inputs: Inputs) -> list[str]:
    """Find a subnet's own table; under another one AWS refuses, and says so."""
    subnet, table = inputs["subnetId"], inputs["routeTableId"]
    found = _tables(client, ("association.subnet-id", subnet), ("route-table-id", table))
    return [f"{subnet}/{table}"] if found else []


def _rule(direction: str) -> Finder:
    """Find a rule by what it says: the provider tags it in a second call, which a kill may forestall.

    EC2 itself takes no second rule of the same protocol, ports and source.
    """

    def finder(client: Client, _: str, inputs: Inputs) -> list[str]:
        wanted = _said(inputs, inputs.get("referencedSecurityGroupId"))
        filters = [{"Name": "group-id", "Values": [inputs["securityGroupId"]]}]
        rules = _pages(client("ec2"), "describe_security_group_rules", "SecurityGroupRules", Filters=filters)
        return [
            str(rule["SecurityGroupRuleId"])
            for rule in rules
            if rule["IsEgress"] == (direction == "egress") and _said_by_aws(rule) == wanted
        ]

    return finder


def _said(rule: Inputs, group: str | None) -> tuple[Any, ...]:
    """Return what a rule says, in one form; AWS gives -1 for ports that don't matter."""
    ports = (rule.get(key) for key in ("fromPort", "toPort"))
    networks = (rule.get(key) for key in ("cidrIpv4", "cidrIpv6"))
    return (
        str(rule["ipProtocol"]),
        *(None if port in (None, -1) else int(str(port)) for port in ports),
        *(ipaddress.ip_network(network, strict=False) if network else None for network in networks),
        rule.get("prefixListId"),
        group,
    )


def _said_by_aws(rule: dict[str, Any]) -> tuple[Any, ...]:
    """Return the same of AWS's words, which begin with capitals."""
    group = rule.get("ReferencedGroupInfo", {}).get("GroupId")
    return _said({key[0].lower() + key[1:]: value for key, value in rule.items()}, group)


def _without_default_egress(client: Client, _: str, inputs: Inputs) -> list[str]:
    """Take away the rule that lets everything out, which EC2 puts into a new group of a VPC.

    The provider removes it right after the create. Later it would take the rule for somebody's, and leave it.
    """
    ec2 = client("ec2")
    filters = [{"Name": "group-id", "Values": [inputs["id"]]}]
    rules = _pages(ec2, "describe_security_group_rules", "SecurityGroupRules", Filters=filters)
    open_rules = [str(r["SecurityGroupRuleId"]) for r in rules if r["IsEgress"] and r["IpProtocol"] == "-1"]
    if open_rules:
        ec2.revoke_security_group_egress(GroupId=inputs["id"], SecurityGroupRuleIds=open_rules)
    return open_rules


_GROUP = "aws:ec2/securityGroup:SecurityGroup"

FINDERS: dict[str, Finder] = {
    "aws:ec2/vpc:Vpc": _tagged("describe_vpcs", "Vpcs", "VpcId"),
    "aws:ec2/subnet:Subnet": _tagged("describe_subnets", "Subnets", "SubnetId"),
    "aws:ec2/internetGateway:InternetGateway": _tagged(
        "describe_internet_gateways", "InternetGateways", "InternetGatewayId"
    ),
    "aws:ec2/routeTable:RouteTable": _tagged("describe_route_tables", "RouteTables", "RouteTableId"),
    "aws:ec2/route:Route": _route,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _association,
    "aws:ec2/flowLog:FlowLog": _tagged("describe_flow_logs", "FlowLogs", "FlowLogId", filters="Filter"),
    _GROUP: _tagged("describe_security_groups", "SecurityGroups", "GroupId"),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _rule("ingress"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _rule("egress"),
    "aws:ec2/instance:Instance": _instance,
    "aws:ec2/eip:Eip": _tagged("describe_addresses", "Addresses", "AllocationId"),
    "aws:ebs/volume:Volume": _tagged("describe_volumes", "Volumes", "VolumeId"),
    "aws:ec2/volumeAttachment:VolumeAttachment": _attachment,
    "aws:kms/key:Key": _key,
    "aws:kms/alias:Alias": _alias,
    "aws:iam/role:Role": _named("iam", "get_role", "RoleName", "NoSuchEntity"),
    "aws:iam/user:User": _named("iam", "get_user", "UserName", "NoSuchEntity"),
    "aws:iam/group:Group": _named("iam", "get_group", "GroupName", "NoSuchEntity"),
    "aws:iam/instanceProfile:InstanceProfile": _named(
        "iam", "get_instance_profile", "InstanceProfileName", "NoSuchEntity"
    ),
    "aws:s3/bucket:Bucket": _bucket,
    "aws:ssm/parameter:Parameter": _named("ssm", "get_parameter", "Name", "ParameterNotFound"),
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:cloudtrail/trail:Trail": _trail,
    "aws:accessanalyzer/analyzer:Analyzer": _analyzer,
}
"""How to find each type that AWS would refuse, or make twice."""

NOT_TOLD: dict[str, tuple[str, ...]] = {
    # Of text that nobody gave it the provider keeps a hash, under another name: each preview would show it.
    "aws:ec2/instance:Instance": ("userDataBase64",),
    # How it is to be ended, which is the provider's affair.
    "aws:ec2/volumeAttachment:VolumeAttachment": ("stopInstanceBeforeDetaching",),
}
"""Inputs that a first reading must have before it, since AWS does not tell them as they were given."""

PUT_AGAIN = frozenset(
    {
        # A put replaces what is there (the services' API references).
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        "aws:cloudwatch/dashboard:Dashboard",
        "aws:cloudwatch/logMetricFilter:LogMetricFilter",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:iam/groupPolicy:GroupPolicy",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketLogging:BucketLogging",
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketVersioning:BucketVersioning",
        "aws:sns/topicPolicy:TopicPolicy",
        # Settings of the account, of which it has one each.
        "aws:ebs/defaultKmsKey:DefaultKmsKey",
        "aws:ebs/encryptionByDefault:EncryptionByDefault",
        "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults",
        "aws:iam/accountPasswordPolicy:AccountPasswordPolicy",
        "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
        # One more version of the same content, which expires like every overwritten one.
        "aws:s3/bucketObjectv2:BucketObjectv2",
        # Not an object of its own: the provider takes over the group that every VPC has.
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        # AWS answers with what stands: AddUserToGroup, AttachRolePolicy, CreateTopic and Subscribe are
        # idempotent, and AssociateAddress takes the pair that is associated already.
        "aws:ec2/eipAssociation:EipAssociation",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws:iam/userGroupMembership:UserGroupMembership",
        "aws:sns/topic:Topic",
        "aws:sns/topicSubscription:TopicSubscription",
    }
)
"""The types that AWS accepts a second time without making two."""
