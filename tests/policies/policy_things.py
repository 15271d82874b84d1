"""A stack in which every rule is content: the starting point that each case changes in one place."""

import json
from typing import Any

from policy_filters import FILTERS
from policy_judge import ACCOUNT, LATER, TAGS, Thing

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
FLOW_LOG = Thing(
    "aws:ec2/flowLog:FlowLog",
    "flows",
    {"vpcId": "vpc-1", "trafficType": "ALL"},
    links={"vpcId": [VPC.urn]},
)
NETWORK_ACL = Thing(
    "aws:ec2/networkAcl:NetworkAcl",
    "acl",
    {
        "vpcId": "vpc-1",
        "ingress": [
            {"action": "deny", "protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlock": "0.0.0.0/0"},
            {"action": "allow", "protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlock": "0.0.0.0/0"},
        ],
    },
)
ACL_RULE = Thing(
    "aws:ec2/networkAclRule:NetworkAclRule",
    "acl-ssh",
    {
        "egress": False,
        "ruleAction": "allow",
        "protocol": "tcp",
        "fromPort": 22,
        "toPort": 22,
        "cidrBlock": "203.0.113.0/24",
    },
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
PROFILE = Thing(
    "aws:iam/instanceProfile:InstanceProfile",
    "web1-profile",
    {"id": "web1-profile", "role": "web1-role"},
    links={"role": ["urn:pulumi:acme::managed-server::aws:iam/role:Role::web1"]},
)
INSTANCE = Thing(
    "aws:ec2/instance:Instance",
    "web1",
    {
        "instanceType": "t3.large",
        "iamInstanceProfile": "web1-profile",
        "userData": "#!/bin/sh\nexit 0\n",
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
    links={"iamInstanceProfile": [PROFILE.urn]},
)
VOLUME = Thing("aws:ebs/volume:Volume", "web1-data", {"encrypted": True, "size": 80}, protect=True)
KEY = Thing("aws:kms/key:Key", "key", {"enableKeyRotation": True}, protect=True)
SECRET = Thing(
    "aws:ssm/parameter:Parameter",
    "passphrase",
    {"type": "SecureString", "name": "/acme/backup"},
    protect=True,
)
PLAIN_PARAMETER = Thing(
    "aws:ssm/parameter:Parameter", "version", {"type": "String", "name": "/acme/version", "value": "1"}
)
OBJECT = Thing(
    "aws:s3/bucketObjectv2:BucketObjectv2",
    "bundle",
    {"bucket": "acme-delivery", "key": "bundle.tar", "contentBase64": "YnVuZGxl"},
)
TOPIC = Thing("aws:sns/topic:Topic", "alarms", {"kmsMasterKeyId": KEY_ARN})
ALARM = Thing(
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "web1-cpu",
    {"name": "web1-cpu", "alarmActions": [TOPIC_ARN], "actionsEnabled": True},
)
PAGE_ARN = f"arn:aws:sns:eu-west-2:{ACCOUNT}:page"
QUIET = Thing(
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "web1-maintenance",
    {"name": "web1-maintenance", "tags": {"purpose": "suppressor"}},
)
COMPOSITE = Thing(
    "aws:cloudwatch/compositeAlarm:CompositeAlarm",
    "web1-any",
    {
        "alarmName": "web1-any",
        "alarmRule": 'ALARM("web1-cpu") OR ALARM("web1-disk")',
        "alarmActions": [PAGE_ARN],
        "actionsEnabled": True,
        "actionsSuppressor": {"alarm": "web1-maintenance", "waitPeriod": 60, "extensionPeriod": 60},
    },
    links={"actionsSuppressor": [QUIET.urn]},
)
TOPIC_POLICY = Thing(
    "aws:sns/topicPolicy:TopicPolicy",
    "alarms-policy",
    {
        "arn": TOPIC_ARN,
        "policy": document(
            {
                "Effect": "Allow",
                "Action": "sns:Publish",
                "Resource": TOPIC_ARN,
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
            }
        ),
    },
)
LOG_GROUP = Thing("aws:cloudwatch/logGroup:LogGroup", "flow-logs", {"retentionInDays": 90})
ROLE = Thing(
    "aws:iam/role:Role",
    "web1",
    {
        "id": "web1-role",
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
GROUP_POLICY = Thing("aws:iam/groupPolicy:GroupPolicy", "operators", ROLE_POLICY.props)
USER = Thing("aws:iam/user:User", "far", {"forceDestroy": True})
ACCESS_KEY = Thing("aws:iam/accessKey:AccessKey", "far-key", {"user": "far"})
USER_POLICY = Thing("aws:iam/userPolicy:UserPolicy", "far-own", {"user": "far", **ROLE_POLICY.props})
SHARED_ATTACHMENT = Thing(
    "aws:iam/policyAttachment:PolicyAttachment",
    "shared",
    {"policyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore", "groups": ["far"], "users": []},
)
ATTACHMENT = Thing(
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "web1-ssm",
    {"role": "web1-role", "policyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"},
    links={"role": [ROLE.urn]},
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
OWNERSHIP = _of_backup("BucketOwnershipControls", {"rule": {"objectOwnership": "BucketOwnerEnforced"}})
LOGGING = _of_backup("BucketLogging", {"targetBucket": "acme-logs", "targetPrefix": "backup/"})
LIFECYCLE = _of_backup(
    "BucketLifecycleConfiguration",
    {
        "rules": [
            {
                "id": "housekeeping",
                "status": "Enabled",
                "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                "noncurrentVersionExpiration": {"noncurrentDays": 42},
            }
        ]
    },
)

TRAIL = Thing(
    "aws:cloudtrail/trail:Trail",
    "trail",
    {
        "s3BucketName": "acme-backup",
        "isMultiRegionTrail": True,
        "enableLogFileValidation": True,
        "kmsKeyId": KEY_ARN,
        "cloudWatchLogsGroupArn": f"arn:aws:logs:eu-west-2:{ACCOUNT}:log-group:trail:*",
        "eventSelectors": [{"includeManagementEvents": True, "readWriteType": "All"}],
    },
    links={"s3BucketName": [BACKUP.urn]},
)


FILTER = FILTERS["keys"]
TRAIL_ALARMS = [
    Thing(
        ALARM.type,
        f"trail-{name}",
        {"alarmActions": [TOPIC_ARN], "namespace": "acme/trail", "metricName": name},
    )
    for name in FILTERS
]

BY_DEFAULT = Thing("aws:ebs/encryptionByDefault:EncryptionByDefault", "disks", {"enabled": True})
METADATA = Thing(
    "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults",
    "metadata",
    {"httpTokens": "required", "httpPutResponseHopLimit": 1},
)
ACCOUNT_BLOCK = Thing(
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock", "account", dict(ACCESS_BLOCK.props)
).without("bucket")
SNAPSHOTS = Thing(
    "aws:ebs/snapshotBlockPublicAccess:SnapshotBlockPublicAccess", "snapshots", {"state": "block-all-sharing"}
)
DOCUMENTS = Thing(
    "aws:ssm/serviceSetting:ServiceSetting",
    "documents",
    {"settingId": "/ssm/documents/console/public-sharing-permission", "settingValue": "Disable"},
)
PASSWORDS = Thing(
    "aws:iam/accountPasswordPolicy:AccountPasswordPolicy",
    "passwords",
    {
        "minimumPasswordLength": 14,
        "passwordReusePrevention": 24,
        "requireLowercaseCharacters": True,
        "requireNumbers": True,
        "requireSymbols": True,
        "requireUppercaseCharacters": True,
    },
)
ANALYZER = Thing("aws:accessanalyzer/analyzer:Analyzer", "analyzer", {"type": "ACCOUNT"})

BUCKET_PARTS = [ACCESS_BLOCK, VERSIONING, LOCK, ENCRYPTION, POLICY, OWNERSHIP, LOGGING, LIFECYCLE]
ACCOUNT_PARTS = [BY_DEFAULT, METADATA, ACCOUNT_BLOCK, SNAPSHOTS, DOCUMENTS, PASSWORDS, ANALYZER]
STACK = [
    PROVIDER, VPC, SUBNET, DEFAULT_GROUP, FLOW_LOG, NETWORK_ACL, ACL_RULE, GROUP, RULE, PUBLIC_RULE, OLD_RULE,
    PROFILE, INSTANCE, VOLUME, KEY, SECRET, PLAIN_PARAMETER, OBJECT, TOPIC, TOPIC_POLICY, ALARM, COMPOSITE,
    QUIET, LOG_GROUP, ROLE, ROLE_POLICY, GROUP_POLICY, ATTACHMENT, USER, SHARED_ATTACHMENT, BACKUP,
    *BUCKET_PARTS, ACL, TRAIL,
    *FILTERS.values(), *TRAIL_ALARMS, *ACCOUNT_PARTS,
]  # fmt: skip


def at_preview(thing: Thing) -> Thing:
    """The same before its first update: what AWS will decide isn't known."""
    for path in ("id", "bucket", "vpcId"):
        if path in thing.props:
            thing = thing.having(path, LATER)
    return thing
