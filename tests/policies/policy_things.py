"""A stack in which every rule is content: the starting point that each case changes in one place."""

import json
from typing import Any

from policy_judge import LATER, TAGS, Thing

ACCOUNT = "123456789012"
TOPIC_ARN = f"arn:aws:sns:eu-west-2:{ACCOUNT}:alarms"
KEY_ARN = f"arn:aws:kms:eu-west-2:{ACCOUNT}:key/1"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def tls_statement(bucket: str) -> dict[str, Any]:
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


PROVIDER = Thing(
    "pulumi:providers:aws",
    "aws",
    {
        "region": "eu-west-2",
        "defaultTags": json.dumps({"tags": TAGS}),
        "allowedAccountIds": json.dumps([ACCOUNT]),
    },
)
VPC = Thing("aws:ec2/vpc:Vpc", "vpc", {"id": "vpc-1", "cidrBlock": "10.0.0.0/16"})
SUBNET = Thing("aws:ec2/subnet:Subnet", "subnet", {"vpcId": "vpc-1", "mapPublicIpOnLaunch": False})
DEFAULT_GROUP = Thing(
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "default",
    {"vpcId": "vpc-1", "ingress": [], "egress": []},
    links={"vpcId": [VPC.urn]},
)
GROUP = Thing("aws:ec2/securityGroup:SecurityGroup", "web1", {"vpcId": "vpc-1", "description": "web1"})
RULE = Thing(
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "web1-ssh",
    {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": "203.0.113.0/24"},
)
PUBLIC_RULE = Thing(
    RULE.type, "web1-https", {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv6": "::/0"}
)
OLD_RULE = Thing(
    "aws:ec2/securityGroupRule:SecurityGroupRule",
    "old",
    {
        "type": "ingress",
        "protocol": "tcp",
        "fromPort": 5666,
        "toPort": 5666,
        "cidrBlocks": ["198.51.100.7/32"],
        "ipv6CidrBlocks": ["2001:db8::/32"],
    },
)
INLINE = {"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["0.0.0.0/0"]}
INSTANCE = Thing(
    "aws:ec2/instance:Instance",
    "web1",
    {
        "disableApiTermination": True,
        "monitoring": True,
        "associatePublicIpAddress": False,
        "metadataOptions": {
            "httpEndpoint": "enabled",
            "httpTokens": "required",
            "httpPutResponseHopLimit": 1,
        },
        "rootBlockDevice": {"encrypted": True, "volumeSize": 20},
        "ebsBlockDevices": [{"deviceName": "/dev/sdf", "encrypted": True}],
        "tags": {"Name": "web1"},
    },
)
VOLUME = Thing("aws:ebs/volume:Volume", "web1-data", {"encrypted": True, "size": 80}, protect=True)
KEY = Thing("aws:kms/key:Key", "key", {"enableKeyRotation": True}, protect=True)
SECRET = Thing(
    "aws:ssm/parameter:Parameter",
    "passphrase",
    {"type": "SecureString", "name": "/acme/backup"},
    protect=True,
)
TOPIC = Thing("aws:sns/topic:Topic", "alarms", {"kmsMasterKeyId": KEY_ARN})
ALARM = Thing(
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "web1-cpu",
    {"alarmActions": [TOPIC_ARN], "actionsEnabled": True},
)
COMPOSITE = Thing(
    "aws:cloudwatch/compositeAlarm:CompositeAlarm",
    "web1-any",
    {"alarmActions": [TOPIC_ARN], "actionsEnabled": True},
)
ROLE = Thing(
    "aws:iam/role:Role",
    "web1",
    {
        "assumeRolePolicy": document(
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "ec2.amazonaws.com"},
            }
        ),
        "inlinePolicies": [
            {"policy": document({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"})}
        ],
    },
)
ROLE_POLICY = Thing(
    "aws:iam/rolePolicy:RolePolicy",
    "web1-logs",
    {"policy": document({"Effect": "Allow", "Action": ["logs:PutLogEvents"], "Resource": "*"})},
)
ATTACHMENT = Thing(
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "web1-ssm",
    {"policyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"},
)

BACKUP = Thing(
    "aws:s3/bucket:Bucket",
    "backup",
    {
        "id": "acme-backup",
        "bucket": "acme-backup",
        "objectLockEnabled": True,
        "forceDestroy": False,
        "tags": {"purpose": "backup"},
    },
    protect=True,
    region="eu-west-1",
)


def _of_backup(kind: str, props: dict[str, Any]) -> Thing:
    token = f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}"
    return Thing(
        token,
        f"backup-{kind}",
        {"bucket": "acme-backup", **props},
        region="eu-west-1",
        links={"bucket": [BACKUP.urn]},
    )


ACCESS_BLOCK = _of_backup(
    "BucketPublicAccessBlock",
    {
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    },
)
VERSIONING = _of_backup("BucketVersioning", {"versioningConfiguration": {"status": "Enabled"}})
LOCK = _of_backup(
    "BucketObjectLockConfiguration",
    {"rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 35}}},
)
ENCRYPTION = _of_backup(
    "BucketServerSideEncryptionConfiguration",
    {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}]},
)
POLICY = _of_backup("BucketPolicy", {"policy": document(tls_statement("acme-backup"))})
ACL = _of_backup("BucketAcl", {"acl": "private"})

BUCKET_PARTS = [ACCESS_BLOCK, VERSIONING, LOCK, ENCRYPTION, POLICY]
STACK = [
    PROVIDER, VPC, SUBNET, DEFAULT_GROUP, GROUP, RULE, PUBLIC_RULE, OLD_RULE, INSTANCE, VOLUME, KEY,
    SECRET, TOPIC, ALARM, COMPOSITE, ROLE, ROLE_POLICY, ATTACHMENT, BACKUP, *BUCKET_PARTS, ACL,
]  # fmt: skip


def at_preview(thing: Thing) -> Thing:
    """The same before its first update: what AWS will decide isn't known."""
    for path in ("id", "bucket", "vpcId"):
        if path in thing.props:
            thing = thing.having(path, LATER)
    return thing
