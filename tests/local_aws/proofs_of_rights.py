"""What cures of the local AWS are for, and what fails without them: who may do what, and the record of it."""

import json

import pytest
from botocore.exceptions import ClientError

from .support import Aws

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


def access_analyzer(aws: Aws) -> None:
    analyzers = aws.client("accessanalyzer")
    made = analyzers.create_analyzer(analyzerName="all", type="ACCOUNT", tags={"a": "b"})
    [listed] = analyzers.list_analyzers()["analyzers"]
    assert listed["arn"] == made["arn"]
    with pytest.raises(ClientError, match="ConflictException"):
        analyzers.create_analyzer(analyzerName="all", type="ACCOUNT")
    assert Aws(aws.local).client("accessanalyzer").list_analyzers()["analyzers"] == []
    analyzers.tag_resource(resourceArn=made["arn"], tags={"c": "d"})
    analyzers.untag_resource(resourceArn=made["arn"], tagKeys=["a"])
    found = analyzers.get_analyzer(analyzerName="all")["analyzer"]
    assert (found["name"], found["type"], found["status"]) == ("all", "ACCOUNT", "ACTIVE")
    assert found["tags"] == analyzers.list_tags_for_resource(resourceArn=made["arn"])["tags"] == {"c": "d"}
    analyzers.delete_analyzer(analyzerName="all")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        analyzers.get_analyzer(analyzerName="all")


def server_rights(aws: Aws) -> None:
    iam, bucket = aws.client("iam"), aws.bucket()
    arn = f"arn:aws:s3:::{bucket}"
    allow = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{arn}/web1/*"}
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": f"{arn}/web1/closed"}
    iam.create_role(RoleName="web1", AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(
        RoleName="web1",
        PolicyName="server",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow, deny]}),
    )
    for key in ("web1/pointer", "web1/closed", "web2/pointer"):
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=b"x")
    aws.assumed("web1", "s3").delete_object(Bucket=bucket, Key="other")  # not yet the role of an instance
    iam.create_instance_profile(InstanceProfileName="web1")
    iam.add_role_to_instance_profile(InstanceProfileName="web1", RoleName="web1")
    server = aws.assumed("web1", "s3")
    assert server.get_object(Bucket=bucket, Key="web1/pointer")["Body"].read() == b"x"
    server.put_object(Bucket=bucket, Key="web1/backup", Body=b"y")
    for refused in (
        lambda: server.delete_object(Bucket=bucket, Key="web1/backup"),
        lambda: server.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "web1/backup"}]}),
        lambda: server.get_object(Bucket=bucket, Key="web1/closed"),
        lambda: server.get_object(Bucket=bucket, Key="web2/pointer"),
        lambda: server.copy_object(Bucket=bucket, Key="web1/x", CopySource=f"{bucket}/web2/pointer"),
        lambda: server.put_object(Bucket=bucket, Key="web1/x", Body=b"", Tagging="a=b"),
        lambda: server.list_objects_v2(Bucket=bucket, Prefix="web1/"),
        server.list_buckets,
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()
    with pytest.raises(ClientError, match="AccessDeniedException"):
        aws.assumed("web1", "ssm").get_parameter(Name="/web1/passphrase")
    with pytest.raises(ClientError, match=r"AccessDenied.*ec2:DescribeInstances"):
        aws.assumed("web1", "ec2").describe_instances()
    assert aws.assumed("web1", "sts").get_caller_identity()["Account"] == aws.account
    reading = {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}
    reader = aws.assumed("web1", "s3", json.dumps({"Version": "2012-10-17", "Statement": [reading]}))
    assert reader.get_object(Bucket=bucket, Key="web1/pointer")["Body"].read() == b"x"
    with pytest.raises(ClientError, match="AccessDenied"):  # the session's policy limits the role
        reader.put_object(Bucket=bucket, Key="web1/backup", Body=b"z")
    with pytest.raises(ClientError, match="AccessDenied"):  # and adds nothing to it
        reader.get_object(Bucket=bucket, Key="web2/pointer")
    aws.client("s3").delete_object(Bucket=bucket, Key="web1/backup")  # whoever provisions goes on
    users_rights(aws, bucket)


def users_rights(aws: Aws, bucket: str) -> None:
    """Of users with access keys: their groups' policies; and a key that is gone opens nothing."""
    iam, name = aws.client("iam"), f"far-{aws.account}"
    iam.create_user(UserName=name)
    iam.create_group(GroupName=name)
    iam.add_user_to_group(UserName=name, GroupName=name)
    own = {
        "Effect": "Allow",
        "Action": "iam:*AccessKey*",
        "Resource": f"arn:aws:iam::{aws.account}:user/{name}",
    }
    read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/web1/*"}
    iam.put_group_policy(
        GroupName=name,
        PolicyName="server",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [own, read]}),
    )
    first = iam.create_access_key(UserName=name)["AccessKey"]
    server = aws.by(first, "s3")
    assert server.get_object(Bucket=bucket, Key="web1/pointer")["Body"].read() == b"x"
    with pytest.raises(ClientError, match="AccessDenied"):
        server.get_object(Bucket=bucket, Key="web2/pointer")
    assert aws.by(first, "sts").get_caller_identity()["Arn"].endswith(f":user/{name}")
    iam.create_user(UserName=f"{name}-b")
    for refused in (
        {"UserName": f"{name}-b"},
        {},
    ):  # another's; and nobody's, which none of our programs asks for
        with pytest.raises(ClientError, match="AccessDenied"):
            aws.by(first, "iam").create_access_key(**refused)
    second = aws.by(first, "iam").create_access_key(UserName=name)["AccessKey"]
    aws.by(second, "iam").delete_access_key(UserName=name, AccessKeyId=first["AccessKeyId"])
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        server.get_object(Bucket=bucket, Key="web1/pointer")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        aws.by(first, "sts").get_caller_identity()
    iam.update_access_key(UserName=name, AccessKeyId=second["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        aws.by(second, "s3").get_object(Bucket=bucket, Key="web1/pointer")


def managed_policies(aws: Aws) -> None:
    iam = aws.client("iam")
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=TRUST)
    iam.attach_role_policy(RoleName="web", PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
    [attached] = iam.list_attached_role_policies(RoleName="web")["AttachedPolicies"]
    assert attached["PolicyName"] == "AmazonSSMManagedInstanceCore"


def user_credentials(aws: Aws) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName="somebody")
    found = iam.list_service_specific_credentials(UserName="somebody")
    assert found["ServiceSpecificCredentials"] == []
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.list_service_specific_credentials(UserName="nobody")


def metric_filters(aws: Aws) -> None:
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="g")
    metric = {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}
    for pattern in ("{$.a=1}", "{$.a=2}"):
        logs.put_metric_filter(
            logGroupName="g", filterName="f", filterPattern=pattern, metricTransformations=[metric]
        )
    found = logs.describe_metric_filters(logGroupName="g")["metricFilters"]
    assert [one["filterPattern"] for one in found] == ["{$.a=2}"], "it stands twice"


def trail_names(aws: Aws) -> None:
    trails, bucket = aws.client("cloudtrail"), aws.bucket("-trails")
    made = [trails.create_trail(Name=name, S3BucketName=bucket)["TrailARN"] for name in ("one", "two")]
    for wanted in ("two", made[1]):
        found = trails.describe_trails(trailNameList=[wanted])["trailList"]
        assert [trail["Name"] for trail in found] == ["two"], "all trails"
    assert len(trails.describe_trails()["trailList"]) == 2
    assert trails.describe_trails(trailNameList=["three"])["trailList"] == []
    trails.delete_trail(Name=made[0])
    assert [trail["Name"] for trail in trails.describe_trails()["trailList"]] == ["two"]
    with pytest.raises(ClientError, match="TrailNotFoundException"):
        trails.delete_trail(Name="three")
