"""How each type with a finder comes into AWS: named and tagged as the components and the provider do it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.recovery.support import HOME, Account, tagged, tags

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


@dataclass
class Made:
    """What Pulumi recorded of it, how to create it, and how to delete it."""

    inputs: dict[str, Any]
    create: Callable[[], str]
    """Returns the id by which the provider imports it."""
    remove: Callable[[str], Any]


def vpc_id(account: Account) -> str:
    return account.ec2.create_vpc(CidrBlock="10.80.0.0/20")["Vpc"]["VpcId"]


def vpc(account: Account) -> Made:
    def create():
        made = account.ec2.create_vpc(CidrBlock="10.80.0.0/20", TagSpecifications=tagged("vpc", account.name))
        return made["Vpc"]["VpcId"]

    return Made({"cidrBlock": "10.80.0.0/20"}, create, lambda i: account.ec2.delete_vpc(VpcId=i))


def subnet(account: Account) -> Made:
    inputs = {"vpcId": vpc_id(account), "cidrBlock": "10.80.0.0/24"}

    def create():
        made = account.ec2.create_subnet(
            VpcId=inputs["vpcId"],
            CidrBlock=inputs["cidrBlock"],
            TagSpecifications=tagged("subnet", account.name),
        )
        return made["Subnet"]["SubnetId"]

    return Made(inputs, create, lambda i: account.ec2.delete_subnet(SubnetId=i))


def gateway(account: Account) -> Made:
    def create():
        made = account.ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway", account.name))
        return made["InternetGateway"]["InternetGatewayId"]

    return Made({}, create, lambda i: account.ec2.delete_internet_gateway(InternetGatewayId=i))


def route_table(account: Account) -> Made:
    inputs = {"vpcId": vpc_id(account)}

    def create():
        made = account.ec2.create_route_table(
            VpcId=inputs["vpcId"], TagSpecifications=tagged("route-table", account.name)
        )
        return made["RouteTable"]["RouteTableId"]

    return Made(inputs, create, lambda i: account.ec2.delete_route_table(RouteTableId=i))


def route(account: Account) -> Made:
    network = vpc_id(account)
    table = account.ec2.create_route_table(VpcId=network)["RouteTable"]["RouteTableId"]
    gateway_id = account.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    account.ec2.attach_internet_gateway(VpcId=network, InternetGatewayId=gateway_id)
    inputs = {"routeTableId": table, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway_id}
    target = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"}

    def create():
        account.ec2.create_route(**target, GatewayId=gateway_id)
        return f"{table}_0.0.0.0/0"

    return Made(inputs, create, lambda _: account.ec2.delete_route(**target))


def association(account: Account) -> Made:
    network = vpc_id(account)
    table = account.ec2.create_route_table(VpcId=network)["RouteTable"]["RouteTableId"]
    subnet_id = account.ec2.create_subnet(VpcId=network, CidrBlock="10.80.0.0/24")["Subnet"]["SubnetId"]
    known = {}

    def create():
        made = account.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet_id)
        known["id"] = made["AssociationId"]
        return f"{subnet_id}/{table}"

    return Made(
        {"subnetId": subnet_id, "routeTableId": table},
        create,
        lambda _: account.ec2.disassociate_route_table(AssociationId=known["id"]),
    )


def flow_log(account: Account) -> Made:
    inputs = {"vpcId": vpc_id(account), "trafficType": "ALL"}

    def create():
        made = account.ec2.create_flow_logs(
            ResourceIds=[inputs["vpcId"]],
            ResourceType="VPC",
            TrafficType="ALL",
            LogDestinationType="cloud-watch-logs",
            LogGroupName="flow-logs",
            DeliverLogsPermissionArn=f"arn:aws:iam::{account.id}:role/flow-logs",
            TagSpecifications=tagged("vpc-flow-log", account.name),
        )
        assert not made["Unsuccessful"]
        return made["FlowLogIds"][0]

    role = account.client("iam")
    role.create_role(RoleName="flow-logs", AssumeRolePolicyDocument=TRUST)
    account.client("logs").create_log_group(logGroupName="flow-logs")
    return Made(inputs, create, lambda i: account.ec2.delete_flow_logs(FlowLogIds=[i]))


def group(account: Account) -> Made:
    inputs = {"vpcId": vpc_id(account), "description": "d"}

    def create():
        made = account.ec2.create_security_group(
            GroupName=f"{account.name}-0a1b2c3",
            Description="d",
            VpcId=inputs["vpcId"],
            TagSpecifications=tagged("security-group", account.name),
        )
        return made["GroupId"]

    return Made(inputs, create, lambda i: account.ec2.delete_security_group(GroupId=i))


def _rule(account: Account, direction: str, **network: str) -> Made:
    """A rule as a kill may leave it: the provider tags it in a second call."""
    made = group(account)
    inputs = {
        "securityGroupId": made.create(),
        "ipProtocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
        **network,
    }
    call = getattr(account.ec2, f"authorize_security_group_{direction}")
    revoke = getattr(account.ec2, f"revoke_security_group_{direction}")

    def create(port=443):
        permission: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
        if "cidrIpv4" in network:
            permission["IpRanges"] = [{"CidrIp": network["cidrIpv4"], "Description": "web"}]
        else:
            permission["Ipv6Ranges"] = [{"CidrIpv6": network["cidrIpv6"], "Description": "web"}]
        answer = call(GroupId=inputs["securityGroupId"], IpPermissions=[permission])
        return answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]

    create(port=80)  # another one
    return Made(
        inputs,
        create,
        lambda i: revoke(GroupId=inputs["securityGroupId"], SecurityGroupRuleIds=[i]),
    )


def ingress(account: Account) -> Made:
    return _rule(account, "ingress", cidrIpv6="2001:db8:0::/48")  # AWS writes it as 2001:db8::/48


def egress(account: Account) -> Made:
    return _rule(account, "egress", cidrIpv4="0.0.0.0/0")


def launch(account: Account, name: str | None = None) -> str:
    filters = [
        {"Name": "architecture", "Values": ["x86_64"]},
        {"Name": "root-device-type", "Values": ["ebs"]},
        {"Name": "root-device-name", "Values": ["/dev/xvda"]},
    ]
    image = account.ec2.describe_images(Filters=filters)["Images"][0]["ImageId"]
    made = account.ec2.run_instances(
        ImageId=image,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=tagged("instance", name or account.name),
    )
    return made["Instances"][0]["InstanceId"]


def instance(account: Account) -> Made:
    return Made({}, lambda: launch(account), lambda i: account.ec2.terminate_instances(InstanceIds=[i]))


def address(account: Account) -> Made:
    def create():
        made = account.ec2.allocate_address(
            Domain="vpc", TagSpecifications=tagged("elastic-ip", account.name)
        )
        return made["AllocationId"]

    return Made({"domain": "vpc"}, create, lambda i: account.ec2.release_address(AllocationId=i))


def volume(account: Account) -> Made:
    def create():
        made = account.ec2.create_volume(
            AvailabilityZone=f"{HOME}a", Size=8, TagSpecifications=tagged("volume", account.name)
        )
        return made["VolumeId"]

    return Made({}, create, lambda i: account.ec2.delete_volume(VolumeId=i))


def attachment(account: Account) -> Made:
    ec2, instance = account.ec2, launch(account)
    zone = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["Placement"]
    volume_id = ec2.create_volume(AvailabilityZone=zone["AvailabilityZone"], Size=8)["VolumeId"]
    inputs = {"volumeId": volume_id, "instanceId": instance, "deviceName": "/dev/sdf"}

    def create():
        ec2.attach_volume(VolumeId=volume_id, InstanceId=instance, Device="/dev/sdf")
        return f"/dev/sdf:{volume_id}:{instance}"

    return Made(inputs, create, lambda _: ec2.detach_volume(VolumeId=volume_id, InstanceId=instance))


def key(account: Account) -> Made:
    kms = account.client("kms")

    def create():
        made = kms.create_key(Tags=[{"TagKey": "Name", "TagValue": account.name}])
        return made["KeyMetadata"]["KeyId"]

    return Made({}, create, lambda i: kms.schedule_key_deletion(KeyId=i, PendingWindowInDays=30))


def alias(account: Account) -> Made:
    kms = account.client("kms")
    inputs = {"name": f"alias/{account.name}", "targetKeyId": kms.create_key()["KeyMetadata"]["KeyId"]}

    def create():
        kms.create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
        return inputs["name"]

    return Made(inputs, create, lambda i: kms.delete_alias(AliasName=i))


def role(account: Account) -> Made:
    iam = account.client("iam")

    def create():
        iam.create_role(RoleName=account.name, AssumeRolePolicyDocument=TRUST, Tags=tags(account.name))
        return account.name

    return Made({"name": account.name}, create, lambda i: iam.delete_role(RoleName=i))


def profile(account: Account) -> Made:
    iam = account.client("iam")

    def create():
        iam.create_instance_profile(InstanceProfileName=account.name)
        return account.name

    return Made({"name": account.name}, create, lambda i: iam.delete_instance_profile(InstanceProfileName=i))


def user(account: Account) -> Made:
    iam = account.client("iam")

    def create():
        iam.create_user(UserName=account.name, Tags=tags(account.name))
        return account.name

    return Made({"name": account.name}, create, lambda i: iam.delete_user(UserName=i))


def iam_group(account: Account) -> Made:
    iam = account.client("iam")

    def create():
        iam.create_group(GroupName=account.name)
        return account.name

    return Made({"name": account.name}, create, lambda i: iam.delete_group(GroupName=i))


def bucket(account: Account) -> Made:
    s3, name = account.client("s3"), f"acme-backup-{account.id}-{HOME}"
    place = {"CreateBucketConfiguration": {"LocationConstraint": HOME}}
    s3.create_bucket(Bucket=f"{name}-logs", **place)  # another one, whose name begins alike

    def create():
        s3.create_bucket(Bucket=name, **place)
        return name

    return Made({"bucket": name}, create, lambda i: s3.delete_bucket(Bucket=i))


def parameter(account: Account) -> Made:
    ssm, name = account.client("ssm"), "/managed-server/acme/backup/passphrase"

    def create():
        ssm.put_parameter(Name=name, Type="SecureString", Value="word")
        return name

    return Made({"name": name}, create, lambda i: ssm.delete_parameter(Name=i))


def log_group(account: Account) -> Made:
    logs, name = account.client("logs"), "/managed-server/acme/flow-logs"
    logs.create_log_group(logGroupName=f"{name}-2")  # another one, whose name begins alike

    def create():
        logs.create_log_group(logGroupName=name)
        return name

    return Made({"name": name}, create, lambda i: logs.delete_log_group(logGroupName=i))


def trail(account: Account) -> Made:
    cloudtrail, bucket_name = account.client("cloudtrail"), f"acme-trail-{account.id}"
    place = {"LocationConstraint": HOME}
    account.client("s3").create_bucket(Bucket=bucket_name, CreateBucketConfiguration=place)
    cloudtrail.create_trail(Name="acme-account-trail-2", S3BucketName=bucket_name)  # whose name begins alike

    def create():
        made = cloudtrail.create_trail(
            Name="acme-account-trail", S3BucketName=bucket_name, IsMultiRegionTrail=True
        )
        return made["TrailARN"]

    return Made({"name": "acme-account-trail"}, create, lambda i: cloudtrail.delete_trail(Name=i))


def analyzer(account: Account) -> Made:
    analyzers, name = account.client("accessanalyzer"), "acme-account-analyzer"

    def create():
        analyzers.create_analyzer(analyzerName=name, type="ACCOUNT")
        return name

    return Made({"analyzerName": name}, create, lambda i: analyzers.delete_analyzer(analyzerName=i))


MAKERS: dict[str, Callable[[Account], Made]] = {
    "aws:ec2/vpc:Vpc": vpc,
    "aws:ec2/subnet:Subnet": subnet,
    "aws:ec2/internetGateway:InternetGateway": gateway,
    "aws:ec2/routeTable:RouteTable": route_table,
    "aws:ec2/route:Route": route,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": association,
    "aws:ec2/flowLog:FlowLog": flow_log,
    "aws:ec2/securityGroup:SecurityGroup": group,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ingress,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": egress,
    "aws:ec2/instance:Instance": instance,
    "aws:ec2/eip:Eip": address,
    "aws:ebs/volume:Volume": volume,
    "aws:ec2/volumeAttachment:VolumeAttachment": attachment,
    "aws:kms/key:Key": key,
    "aws:kms/alias:Alias": alias,
    "aws:iam/role:Role": role,
    "aws:iam/instanceProfile:InstanceProfile": profile,
    "aws:iam/user:User": user,
    "aws:iam/group:Group": iam_group,
    "aws:s3/bucket:Bucket": bucket,
    "aws:ssm/parameter:Parameter": parameter,
    "aws:cloudwatch/logGroup:LogGroup": log_group,
    "aws:cloudtrail/trail:Trail": trail,
    "aws:accessanalyzer/analyzer:Analyzer": analyzer,
}
"""By type; another test holds them against the finders."""
