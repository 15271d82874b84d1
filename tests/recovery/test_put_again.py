"""What AWS accepts a second time without making two: each type is put twice."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from managed_server.recovery_finders import PUT_AGAIN
from tests.recovery.makers import TRUST, launch, vpc_id
from tests.recovery.support import HOME, Account

Proof = Callable[[Account], tuple[Callable[[], Any], Callable[[], Any]]]
"""Returns how to put it, and how to see all that stands."""


def bucket(account: Account, **options: Any) -> str:
    name = f"acme-{account.id}"
    place = {"LocationConstraint": HOME}
    account.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=place, **options)
    return name


def of_bucket(put: str, get: str, seen: str, **value: Any) -> Proof:
    """A setting of a bucket, which has one of its kind."""

    def proof(account):
        s3, name = account.client("s3"), bucket(account, ObjectLockEnabledForBucket="lock" in put)
        return (
            lambda: getattr(s3, put)(Bucket=name, **value),
            lambda: getattr(s3, get)(Bucket=name)[seen],
        )

    return proof


def policy(account):
    s3, name = account.client("s3"), bucket(account)
    document = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "TlsOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": f"arn:aws:s3:::{name}/*",
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        }
    )
    return (
        lambda: s3.put_bucket_policy(Bucket=name, Policy=document),
        lambda: s3.get_bucket_policy(Bucket=name)["Policy"],
    )


def logging(account):
    s3, name = account.client("s3"), bucket(account)
    logs = f"{name}-logs"
    s3.create_bucket(Bucket=logs, CreateBucketConfiguration={"LocationConstraint": HOME})
    s3.put_bucket_policy(
        Bucket=logs,
        Policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "logging.s3.amazonaws.com"},
                        "Action": "s3:PutObject",
                        "Resource": f"arn:aws:s3:::{logs}/*",
                    }
                ],
            }
        ),
    )
    wanted = {"LoggingEnabled": {"TargetBucket": logs, "TargetPrefix": "backup/"}}
    return (
        lambda: s3.put_bucket_logging(Bucket=name, BucketLoggingStatus=wanted),
        lambda: s3.get_bucket_logging(Bucket=name)["LoggingEnabled"],
    )


def stored(account):
    """A second version of the same content, behind one key."""
    s3, name = account.client("s3"), bucket(account)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    def see():
        listed = s3.list_objects_v2(Bucket=name)["Contents"]
        return [(item["Key"], item["ETag"]) for item in listed]

    return lambda: s3.put_object(Bucket=name, Key="bundles/web1/0.tar", Body=b"bundle"), see


def alarm(account):
    watch = account.client("cloudwatch")
    said = {"MetricName": "CPUUtilization", "Namespace": "AWS/EC2", "Statistic": "Average", "Period": 300}
    said |= {"EvaluationPeriods": 3, "Threshold": 80.0, "ComparisonOperator": "GreaterThanThreshold"}
    return (
        lambda: watch.put_metric_alarm(AlarmName="acme-cpu", **said),
        lambda: [a["AlarmName"] for a in watch.describe_alarms()["MetricAlarms"]],
    )


def composite(account):
    watch = account.client("cloudwatch")
    said = {"AlarmRule": 'ALARM("acme-cpu")', "ActionsSuppressor": "acme-maintenance"}
    said |= {"ActionsSuppressorWaitPeriod": 60, "ActionsSuppressorExtensionPeriod": 120}
    return (
        lambda: watch.put_composite_alarm(AlarmName="acme-page", **said),
        lambda: [a["AlarmName"] for a in watch.describe_alarms()["CompositeAlarms"]],
    )


def dashboard(account):
    watch = account.client("cloudwatch")
    return (
        lambda: watch.put_dashboard(DashboardName="acme", DashboardBody='{"widgets": []}'),
        lambda: [d["DashboardName"] for d in watch.list_dashboards()["DashboardEntries"]],
    )


def role(account):
    account.client("iam").create_role(RoleName="acme", AssumeRolePolicyDocument=TRUST)
    return account.client("iam")


def role_policy(account):
    iam = role(account)
    statement = {"Effect": "Allow", "Action": "ec2:DescribeTags", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return (
        lambda: iam.put_role_policy(RoleName="acme", PolicyName="server", PolicyDocument=document),
        lambda: iam.list_role_policies(RoleName="acme")["PolicyNames"],
    )


def attachment(account):
    iam = role(account)
    arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    return (
        lambda: iam.attach_role_policy(RoleName="acme", PolicyArn=arn),
        lambda: iam.list_attached_role_policies(RoleName="acme")["AttachedPolicies"],
    )


def iam_group(account):
    iam = account.client("iam")
    iam.create_group(GroupName="acme")
    iam.create_user(UserName="acme")
    return iam


def group_policy(account):
    iam = iam_group(account)
    statement = {"Effect": "Allow", "Action": "ec2:DescribeTags", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return (
        lambda: iam.put_group_policy(GroupName="acme", PolicyName="server", PolicyDocument=document),
        lambda: iam.list_group_policies(GroupName="acme")["PolicyNames"],
    )


def membership(account):
    iam = iam_group(account)
    return (
        lambda: iam.add_user_to_group(GroupName="acme", UserName="acme"),
        lambda: iam.get_group(GroupName="acme")["Users"],
    )


def topic(account):
    sns = account.client("sns")
    tags = [{"Key": "Name", "Value": "acme-page"}]
    return (
        lambda: sns.create_topic(Name="acme-page", Attributes={"KmsMasterKeyId": "k"}, Tags=tags),
        lambda: sns.list_topics()["Topics"],
    )


def topic_policy(account):
    sns = account.client("sns")
    arn = sns.create_topic(Name="acme-page")["TopicArn"]
    statement = {
        "Sid": "Alarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": arn,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return (
        lambda: sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=document),
        lambda: sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"],
    )


def subscription(account):
    sns = account.client("sns")
    arn = sns.create_topic(Name="acme-page")["TopicArn"]
    return (
        lambda: sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="page@provider.example"),
        lambda: sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"],
    )


def default_group(account):
    """The provider creates none: it looks the VPC's own up, and takes its rules away."""
    vpc = vpc_id(account)
    wanted = [{"Name": "vpc-id", "Values": [vpc]}]

    def see():
        return [g["GroupId"] for g in account.ec2.describe_security_groups(Filters=wanted)["SecurityGroups"]]

    def put():
        (known,) = see()
        rules = account.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [known]}])
        for rule in rules["SecurityGroupRules"]:
            direction = "egress" if rule["IsEgress"] else "ingress"
            revoke = getattr(account.ec2, f"revoke_security_group_{direction}")
            revoke(GroupId=known, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])

    return put, see


def address(account):
    instance = launch(account)
    known = account.ec2.allocate_address(Domain="vpc")["AllocationId"]

    def see():
        found = account.ec2.describe_addresses()["Addresses"]
        return [(a["AllocationId"], a["InstanceId"]) for a in found]

    return lambda: account.ec2.associate_address(AllocationId=known, InstanceId=instance), see


def metric_filter(account):
    logs = account.client("logs")
    logs.create_log_group(logGroupName="acme")
    metric = {"metricName": "m", "metricNamespace": "LogMetrics", "metricValue": "1"}
    said = {"filterName": "routes", "filterPattern": "{$.eventName=CreateRoute}"}
    return (
        lambda: logs.put_metric_filter(logGroupName="acme", metricTransformations=[metric], **said),
        lambda: logs.describe_metric_filters(logGroupName="acme")["metricFilters"],
    )


def of_the_account(service: str, put: str, get: str, **value: Any) -> Proof:
    """A setting of an account, which has one of its kind."""

    def proof(account):
        client = account.client(service)

        def see():
            found = getattr(client, get)()
            return {key: value for key, value in found.items() if key != "ResponseMetadata"}

        return lambda: getattr(client, put)(**value), see

    return proof


def public_access(account):
    control = account.s3control()
    wanted = {"BlockPublicAcls": True, "BlockPublicPolicy": True}
    return (
        lambda: control.put_public_access_block(AccountId=account.id, PublicAccessBlockConfiguration=wanted),
        lambda: control.get_public_access_block(AccountId=account.id)["PublicAccessBlockConfiguration"],
    )


def disk_key(account):
    key = account.client("kms").create_key()["KeyMetadata"]["Arn"]
    put, get = "modify_ebs_default_kms_key_id", "get_ebs_default_kms_key_id"
    return of_the_account("ec2", put, get, KmsKeyId=key)(account)


PROOFS: dict[str, Proof] = {
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": metric_filter,
    "aws:ebs/defaultKmsKey:DefaultKmsKey": disk_key,
    "aws:ebs/encryptionByDefault:EncryptionByDefault": of_the_account(
        "ec2", "enable_ebs_encryption_by_default", "get_ebs_encryption_by_default"
    ),
    "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults": of_the_account(
        "ec2",
        "modify_instance_metadata_defaults",
        "get_instance_metadata_defaults",
        HttpTokens="required",
    ),
    "aws:iam/accountPasswordPolicy:AccountPasswordPolicy": of_the_account(
        "iam", "update_account_password_policy", "get_account_password_policy", MinimumPasswordLength=14
    ),
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": public_access,
    "aws:cloudwatch/dashboard:Dashboard": dashboard,
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": composite,
    "aws:cloudwatch/metricAlarm:MetricAlarm": alarm,
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": default_group,
    "aws:ec2/eipAssociation:EipAssociation": address,
    "aws:iam/groupPolicy:GroupPolicy": group_policy,
    "aws:iam/userGroupMembership:UserGroupMembership": membership,
    "aws:iam/rolePolicy:RolePolicy": role_policy,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": attachment,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": of_bucket(
        "put_bucket_lifecycle_configuration",
        "get_bucket_lifecycle_configuration",
        "Rules",
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "housekeeping",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 42},
                }
            ]
        },
    ),
    "aws:s3/bucketLogging:BucketLogging": logging,
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": of_bucket(
        "put_object_lock_configuration",
        "get_object_lock_configuration",
        "ObjectLockConfiguration",
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 35}},
        },
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": stored,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": of_bucket(
        "put_bucket_ownership_controls",
        "get_bucket_ownership_controls",
        "OwnershipControls",
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    ),
    "aws:s3/bucketPolicy:BucketPolicy": policy,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": of_bucket(
        "put_public_access_block",
        "get_public_access_block",
        "PublicAccessBlockConfiguration",
        PublicAccessBlockConfiguration={"BlockPublicAcls": True, "BlockPublicPolicy": True},
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": of_bucket(
        "put_bucket_encryption",
        "get_bucket_encryption",
        "ServerSideEncryptionConfiguration",
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    ),
    "aws:s3/bucketVersioning:BucketVersioning": of_bucket(
        "put_bucket_versioning",
        "get_bucket_versioning",
        "Status",
        VersioningConfiguration={"Status": "Enabled"},
    ),
    "aws:sns/topic:Topic": topic,
    "aws:sns/topicPolicy:TopicPolicy": topic_policy,
    "aws:sns/topicSubscription:TopicSubscription": subscription,
}


@pytest.mark.parametrize("kind", sorted(PUT_AGAIN))
def test_a_second_put_is_accepted_and_makes_no_second(account, kind):
    put, see = PROOFS[kind](account)
    put()
    once = see()
    assert once
    put()
    assert see() == once
