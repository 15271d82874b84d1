"""What cures of the local AWS are for, and what fails without them: buckets, keys and backups."""

import json

import pytest
from botocore.exceptions import ClientError

from .support import Aws

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
PLAN_RULE = {"RuleName": "daily", "TargetBackupVaultName": "v", "ScheduleExpression": "cron(0 3 * * ? *)"}


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
