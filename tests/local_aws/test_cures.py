"""Each cure against the local AWS with all cures, and its fault against the one without any."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from managed_server.local.aws import cures, process
from managed_server.local.aws.cures import CURES, names_off

from .support import Aws, running

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
PLAN_RULE = {"RuleName": "daily", "TargetBackupVaultName": "v", "ScheduleExpression": "cron(0 3 * * ? *)"}


@dataclass(frozen=True)
class Proof:
    """Passes where the cure is on; where it is off, fails with a text that matches `fault`."""

    check: Callable[[Aws], None]
    fault: str


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


def alarms(aws: Aws) -> None:
    cloudwatch = aws.client("cloudwatch")
    quiet = {
        "ActionsSuppressor": "maintenance",
        "ActionsSuppressorWaitPeriod": 60,
        "ActionsSuppressorExtensionPeriod": 120,
    }
    for said in (quiet, {}):
        cloudwatch.put_composite_alarm(
            AlarmName="any", AlarmRule="ALARM(a) OR ALARM(b)", AlarmActions=[], **said
        )
        [alarm] = cloudwatch.describe_alarms(AlarmNames=["any"], AlarmTypes=["CompositeAlarm"])[
            "CompositeAlarms"
        ]
        assert alarm["AlarmRule"] == "ALARM(a) OR ALARM(b)"
        assert {key: alarm[key] for key in alarm if "Suppressor" in key} == said


def monitoring(aws: Aws) -> None:
    instance = aws.launch()
    aws.client("ec2").monitor_instances(InstanceIds=[instance])
    assert aws.instance(instance)["Monitoring"] == {"State": "enabled"}
    aws.client("ec2").unmonitor_instances(InstanceIds=[instance])
    assert aws.instance(instance)["Monitoring"] == {"State": "disabled"}


def launch_options(aws: Aws) -> None:
    ec2 = aws.client("ec2")
    protected = aws.launch(DisableApiTermination=True, MaintenanceOptions={"AutoRecovery": "disabled"})
    with pytest.raises(ClientError, match="OperationNotPermitted"):
        ec2.terminate_instances(InstanceIds=[protected])
    assert aws.instance(protected)["MaintenanceOptions"]["AutoRecovery"] == "disabled"
    plain = aws.launch()
    assert aws.instance(plain)["MaintenanceOptions"]["AutoRecovery"] == "default"
    ec2.terminate_instances(InstanceIds=[plain])


def termination(aws: Aws) -> None:
    ec2, instance = aws.client("ec2"), aws.launch()
    ec2.modify_instance_attribute(InstanceId=instance, Attribute="disableApiTermination", Value="true")
    with pytest.raises(ClientError, match="OperationNotPermitted"):
        ec2.terminate_instances(InstanceIds=[instance])
    ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=[instance])
    assert aws.instance(instance)["State"]["Name"] == "terminated"


def maintenance(aws: Aws) -> None:
    instance = aws.launch()
    aws.client("ec2").modify_instance_maintenance_options(InstanceId=instance, AutoRecovery="disabled")
    assert aws.instance(instance)["MaintenanceOptions"]["AutoRecovery"] == "disabled"


def burst_credits(aws: Aws) -> None:
    ec2 = aws.client("ec2")

    def credit(instance: str) -> str:
        found = ec2.describe_instance_credit_specifications(InstanceIds=[instance])
        return found["InstanceCreditSpecifications"][0]["CpuCredits"]

    assert credit(aws.launch(InstanceType="t2.micro")) == "standard"
    assert credit(aws.launch(InstanceType="t3.micro")) == "unlimited", "the default of t3"
    chosen = aws.launch(CreditSpecification={"CpuCredits": "standard"})
    assert credit(chosen) == "standard"
    ec2.modify_instance_credit_specification(
        InstanceCreditSpecifications=[{"InstanceId": chosen, "CpuCredits": "unlimited"}]
    )
    assert credit(chosen) == "unlimited"


def disk_key(aws: Aws) -> None:
    ec2 = aws.client("ec2")
    assert ec2.get_ebs_default_kms_key_id()["KmsKeyId"] == "alias/aws/ebs"
    key = aws.client("kms").create_key()["KeyMetadata"]
    ec2.modify_ebs_default_kms_key_id(KmsKeyId=key["KeyId"])
    assert ec2.get_ebs_default_kms_key_id()["KmsKeyId"] == key["Arn"]
    ec2.reset_ebs_default_kms_key_id()
    assert ec2.get_ebs_default_kms_key_id()["KmsKeyId"] == "alias/aws/ebs"


def metadata_defaults(aws: Aws) -> None:
    ec2 = aws.client("ec2")
    assert ec2.get_instance_metadata_defaults()["AccountLevel"] == {}
    ec2.modify_instance_metadata_defaults(HttpTokens="required", HttpPutResponseHopLimit=1)
    wanted = {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    assert ec2.get_instance_metadata_defaults()["AccountLevel"].items() >= wanted.items()
    ec2.modify_instance_metadata_defaults(HttpTokens="no-preference", HttpPutResponseHopLimit=-1)
    assert ec2.get_instance_metadata_defaults()["AccountLevel"] == {}


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


def metadata_options(aws: Aws) -> None:
    instance = aws.launch(MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1})
    aws.client("ec2").modify_instance_metadata_options(InstanceId=instance, HttpPutResponseHopLimit=2)
    options = aws.instance(instance)["MetadataOptions"]
    assert options["HttpPutResponseHopLimit"] == 2
    assert options.get("HttpTokens") == "required", "tokens forgotten"


def image_check(aws: Aws) -> None:
    with pytest.raises(ClientError, match=r"InvalidAMIID\.NotFound"):
        aws.launch(ImageId="ami-0123456789abcdef0")
    with pytest.raises(ClientError, match="InvalidInstanceType"):
        aws.launch(InstanceType="t3.colossal")


def elastic_addresses(aws: Aws) -> None:
    other = Aws(aws.local)
    given = [
        account.client("ec2").allocate_address(Domain="vpc")["PublicIp"] for account in (aws, aws, other)
    ]
    assert all(ip_address(address) in ip_network("198.51.100.0/24") for address in given), given
    assert len(set(given)) == len(given)


def images(aws: Aws) -> None:
    found = aws.client("ec2").describe_images(Owners=["136693071363"])["Images"]
    assert {i["Architecture"] for i in found} == {"x86_64", "arm64"}, "no Debian image"


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


def region_keys(aws: Aws) -> None:
    here, there = aws.client("kms"), Aws(aws.local, "eu-west-1", aws.account).client("kms")
    key = here.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    here.create_alias(AliasName="alias/state", TargetKeyId=key)
    here.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    there.create_alias(AliasName="alias/state", TargetKeyId=key)
    here.delete_alias(AliasName="alias/state")
    assert [alias["AliasName"] for alias in there.list_aliases(KeyId=key)["Aliases"]] == ["alias/state"]
    locked = here.encrypt(KeyId=key, Plaintext=b"plain")["CiphertextBlob"]
    assert there.decrypt(CiphertextBlob=locked)["Plaintext"] == b"plain"


def root_volume(aws: Aws) -> None:
    image, ec2 = aws.image(), aws.client("ec2")
    [root] = aws.instance(aws.launch())["BlockDeviceMappings"]
    assert root["DeviceName"] == image["RootDeviceName"]
    [volume] = ec2.describe_volumes(VolumeIds=[root["Ebs"]["VolumeId"]])["Volumes"]
    assert (volume["Size"], volume["VolumeType"]) == (8, "gp3")
    mapping = {"DeviceName": image["RootDeviceName"], "Ebs": {"VolumeSize": 20, "VolumeType": "gp3"}}
    [described] = aws.instance(aws.launch(BlockDeviceMappings=[mapping]))["BlockDeviceMappings"]
    [volume] = ec2.describe_volumes(VolumeIds=[described["Ebs"]["VolumeId"]])["Volumes"]
    assert volume["Size"] == 20


def managed_policies(aws: Aws) -> None:
    iam = aws.client("iam")
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=TRUST)
    iam.attach_role_policy(RoleName="web", PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
    [attached] = iam.list_attached_role_policies(RoleName="web")["AttachedPolicies"]
    assert attached["PolicyName"] == "AmazonSSMManagedInstanceCore"


def conditional_deny(aws: Aws) -> None:
    s3, bucket = aws.client("s3"), aws.bucket()
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    del deny["Condition"]  # without a condition it still denies
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    with pytest.raises(ClientError, match=r"AccessDenied|Forbidden"):
        s3.get_object(Bucket=bucket, Key="k")


def bucket_lock(aws: Aws) -> None:
    s3, bucket = aws.client("s3"), aws.bucket(ObjectLockEnabledForBucket=True)

    def lock(**rule: object) -> dict[str, object]:
        s3.put_object_lock_configuration(
            Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", **rule}
        )
        return s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]

    lock(Rule={"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}})
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ChecksumAlgorithm="CRC32")
    changed = lock(Rule={"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 2}})
    assert changed["Rule"]["DefaultRetention"].items() >= {"Mode": "GOVERNANCE", "Days": 2}.items()
    assert "Rule" not in lock()


def bucket_accounts(aws: Aws) -> None:
    bucket, other = aws.bucket(), Aws(aws.local)
    aws.client("s3").put_object(Bucket=bucket, Key="k", Body=b"x")
    with pytest.raises(ClientError, match="AccessDenied"):
        other.client("s3").get_object(Bucket=bucket, Key="k")
    with pytest.raises(ClientError, match="AccessDenied"):
        other.client("s3").put_bucket_policy(Bucket=bucket, Policy=TRUST)
    allow = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{other.account}:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    aws.client("s3").put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    )
    assert other.client("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def lifecycle_rules(aws: Aws) -> None:
    s3, bucket = aws.client("s3"), aws.bucket()
    both = {"Prefix": "x/", "Tags": [{"Key": "a", "Value": "b"}], "ObjectSizeGreaterThan": 5}
    rules = [
        {"ID": "and", "Status": "Enabled", "Filter": {"And": both}, "Expiration": {"Days": 365}},
        {
            "ID": "tag",
            "Status": "Enabled",
            "Filter": {"Tag": {"Key": "a", "Value": "b"}},
            "Expiration": {"Days": 3},
        },
        {
            "ID": "versions",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 90, "NewerNoncurrentVersions": 3},
        },
    ]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == rules, "rules differ"
    unnamed = [{"Status": "Enabled", "Filter": {"Prefix": "y/"}, "Expiration": {"Days": 1}}]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": unnamed})
    [rule] = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert rule["ID"]
    s3.delete_bucket_lifecycle(Bucket=bucket)
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)


def backup_tags(aws: Aws) -> None:
    vault = aws.client("backup").create_backup_vault(BackupVaultName="v", BackupVaultTags={"a": "b"})
    arn = vault["BackupVaultArn"].replace(":", "%3A")
    for path in (f"/tags/{arn}/", f"/tags/{arn}"):  # boto3's, and the one of the SDK for Go
        status, body = aws.raw("GET", path, "backup")
        assert (status, json.loads(body or "{}").get("Tags")) == (200, {"a": "b"}), path


def backup_plans(aws: Aws) -> None:
    backup = aws.client("backup")
    made = backup.create_backup_plan(BackupPlan={"BackupPlanName": "p", "Rules": [PLAN_RULE]})
    changed = {"BackupPlanName": "p", "Rules": [{**PLAN_RULE, "Lifecycle": {"DeleteAfterDays": 35}}]}
    updated = backup.update_backup_plan(BackupPlanId=made["BackupPlanId"], BackupPlan=changed)
    assert updated["VersionId"] != made["VersionId"]
    [rule] = backup.get_backup_plan(BackupPlanId=made["BackupPlanId"])["BackupPlan"]["Rules"]
    assert rule["Lifecycle"] == {"DeleteAfterDays": 35}
    backup.delete_backup_plan(BackupPlanId=made["BackupPlanId"])
    again = backup.create_backup_plan(BackupPlan={"BackupPlanName": "p", "Rules": [PLAN_RULE]})
    assert again["BackupPlanId"] != made["BackupPlanId"]


def backup_selections(aws: Aws) -> None:
    backup = aws.client("backup")
    made = backup.create_backup_plan(BackupPlan={"BackupPlanName": "p", "Rules": [PLAN_RULE]})
    plan = {"BackupPlanId": made["BackupPlanId"]}
    role = f"arn:aws:iam::{aws.account}:role/b"
    wanted = {"SelectionName": "s", "IamRoleArn": role, "Resources": ["*"]}
    selection = backup.create_backup_selection(**plan, BackupSelection=wanted)["SelectionId"]
    assert backup.get_backup_selection(**plan, SelectionId=selection)["BackupSelection"] == wanted
    [listed] = backup.list_backup_selections(**plan)["BackupSelectionsList"]
    assert (listed["SelectionName"], listed["IamRoleArn"]) == ("s", role)
    with pytest.raises(ClientError, match="selections must be deleted"):
        backup.delete_backup_plan(**plan)
    backup.delete_backup_selection(**plan, SelectionId=selection)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        backup.get_backup_selection(**plan, SelectionId=selection)
    backup.delete_backup_plan(**plan)


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


def unimplemented(aws: Aws) -> None:
    with pytest.raises(ClientError) as refused:
        aws.client("ec2").describe_conversion_tasks()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    with pytest.raises(ClientError, match="no such call"):
        aws.client("sns").list_sms_sandbox_phone_numbers()
    with pytest.raises(ClientError, match="no such call"):
        aws.client("cloudwatch").list_metric_streams()
    with pytest.raises(ClientError, match="no such call"):
        aws.client("logs").list_anomalies()


def foreign_ciphertexts(aws: Aws) -> None:
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    own = kms.encrypt(KeyId=key, Plaintext=b"plain")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=own)["Plaintext"] == b"plain"
    foreign = [b"\x01\x02\x02\x00" + bytes([number]) * 180 for number in (200, 201)]
    opened = [kms.decrypt(CiphertextBlob=one)["Plaintext"] for one in foreign]
    assert [len(one) for one in opened] == [32, 32]
    assert opened[0] != opened[1]
    assert kms.decrypt(CiphertextBlob=foreign[0])["Plaintext"] == opened[0]


def user_credentials(aws: Aws) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName="somebody")
    found = iam.list_service_specific_credentials(UserName="somebody")
    assert found["ServiceSpecificCredentials"] == []
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.list_service_specific_credentials(UserName="nobody")


PROOFS = {
    "access_analyzer": Proof(access_analyzer, "500"),
    "alarms": Proof(alarms, "500"),
    "backup_plans": Proof(backup_plans, "500"),
    "backup_selections": Proof(backup_selections, "500"),
    "backup_tags": Proof(backup_tags, "/tags/"),
    "bucket_accounts": Proof(bucket_accounts, "DID NOT RAISE"),
    "bucket_lock": Proof(bucket_lock, "Bucket needs to be empty"),
    "burst_credits": Proof(burst_credits, "the default of t3"),
    "conditional_deny": Proof(conditional_deny, "403|Forbidden|AccessDenied"),
    "disk_key": Proof(disk_key, "500|syntax error"),
    "foreign_ciphertexts": Proof(foreign_ciphertexts, "InvalidCiphertext"),
    "elastic_addresses": Proof(elastic_addresses, "127\\."),
    "image_check": Proof(image_check, "DID NOT RAISE"),
    "images": Proof(images, "no Debian image"),
    "launch_options": Proof(launch_options, "DID NOT RAISE"),
    "lifecycle_rules": Proof(lifecycle_rules, "rules differ"),
    "maintenance": Proof(maintenance, "500|syntax error"),
    "managed_policies": Proof(managed_policies, "does not exist or is not attachable"),
    "metadata_defaults": Proof(metadata_defaults, "500|syntax error"),
    "metadata_options": Proof(metadata_options, "tokens forgotten"),
    "metric_filters": Proof(metric_filters, "it stands twice"),
    "monitoring": Proof(monitoring, "500|syntax error"),
    "region_keys": Proof(region_keys, "already exists"),
    "root_volume": Proof(root_volume, "/dev/sda1"),
    "server_rights": Proof(server_rights, "DID NOT RAISE"),
    "termination": Proof(termination, "DID NOT RAISE"),
    "trail_names": Proof(trail_names, "all trails"),
    "unimplemented": Proof(unimplemented, "500|syntax error"),
    "user_credentials": Proof(user_credentials, "500|syntax error"),
}


def test_every_cure_has_a_proof_and_states_its_fault():
    assert set(PROOFS) == {cure.name for cure in CURES}
    assert all(len(cure.fault) > 40 for cure in CURES)


@pytest.mark.parametrize("name", PROOFS)
def test_cured(name: str, cured: process.LocalAws):
    PROOFS[name].check(Aws(cured))


@pytest.mark.parametrize("name", PROOFS)
def test_the_fault_shows_with_the_cure_off(name: str, bare: process.LocalAws):
    # pytest.fail.Exception: a refusal that was expected, and didn't come.
    with pytest.raises(
        (AssertionError, ClientError, ResponseParserError, pytest.fail.Exception), match=PROOFS[name].fault
    ):
        PROOFS[name].check(Aws(bare))


def test_one_cure_is_switched_off_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv(cures.OFF_VARIABLE, "monitoring")
    with running(tmp_path) as local:
        PROOFS["alarms"].check(Aws(local))
        with pytest.raises(ClientError, match="no such call"):
            PROOFS["monitoring"].check(Aws(local))


def test_names_to_switch_off():
    assert names_off("") == frozenset()
    assert names_off(" alarms, images ") == {"alarms", "images"}
    assert names_off("all") == set(PROOFS)
    with pytest.raises(cures.UnknownCureError, match="names no cure: alarm, nothing"):
        names_off("alarm,images,nothing")
