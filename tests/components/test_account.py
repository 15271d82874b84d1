"""What is set for the account as a whole: each part, where it is, and what stays when it goes."""

import dataclasses
import json

import pulumi_aws as aws
import pytest

from components.account_baseline import AccountBaseline, AccountBaselineArgs
from managed_server.local.aws.iam_policy import Request, allowed
from managed_server.model.contract import Priority
from tests import factories
from tests.components.conftest import Recorded, environment, record

HOME, AWAY = "acme-aws", "acme-aws-backup"
TRAIL = "arn:aws:cloudtrail:eu-west-2:123456789012:trail/acme-account-trail"
BUCKET = "ms-acme-trail-123456789012-eu-west-2"


@pytest.fixture(scope="module")
def account() -> Recorded:
    return environment(baseline=factories.BASELINE)


def of_the_account(recorded):
    return [r for r in recorded.aws if r.name.startswith("acme-account-")]


def test_regional_parts_are_in_both_regions_and_the_rest_is_at_home(account):
    where = {r.name: r.provider for r in of_the_account(account)}
    for part in ("disks", "instances", "analyzer"):
        assert where.pop(f"acme-account-{part}-eu-west-2") == HOME
        assert where.pop(f"acme-account-{part}-eu-west-1") == AWAY
    assert set(where.values()) == {HOME}


def test_disks_are_encrypted_with_the_servers_key_where_servers_are(account):
    assert {r.inputs["enabled"] for r in account.of("EncryptionByDefault")} == {True}
    key = account.one("DefaultKmsKey")
    assert (key.inputs["keyArn"], key.provider) == ("arn:aws:acme-data-key", HOME)


def test_instances_answer_imdsv2_alone(account):
    for one in account.of("InstanceMetadataDefaults"):
        assert one.inputs == {"httpTokens": "required", "httpPutResponseHopLimit": 1}


def test_no_bucket_of_the_account_becomes_public(account):
    assert account.one("AccountPublicAccessBlock").inputs == dict.fromkeys(
        ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True
    )


def test_passwords_are_those_of_the_benchmark(account):
    inputs = account.one("AccountPasswordPolicy").inputs
    assert inputs["minimumPasswordLength"] >= 14
    assert inputs["passwordReusePrevention"] == 24
    assert "maxPasswordAge" not in inputs, "the policies say why (policies/left-out.yaml, IAM.17)"
    kinds = ("LowercaseCharacters", "UppercaseCharacters", "Numbers", "Symbols")
    assert all(inputs[f"require{kind}"] is True for kind in kinds)


def test_settings_stay_when_they_are_taken_out_and_what_stands_by_itself_goes(account):
    kept = {r.type.rpartition(":")[2] for r in of_the_account(account) if r.retained}
    assert kept == {
        *("EncryptionByDefault", "InstanceMetadataDefaults"),
        *("AccountPublicAccessBlock", "AccountPasswordPolicy"),
    }, "the disks' key goes with what made it: without it no disk could be made"


def test_the_trail_is_whole_encrypted_and_validated(account):
    trail = account.one("Trail")
    assert trail.inputs["isMultiRegionTrail"] is trail.inputs["enableLogFileValidation"] is True
    assert trail.inputs["kmsKeyId"] == "arn:aws:acme-account-trail-encryption-key"
    assert trail.inputs["s3BucketName"] == BUCKET
    assert f"arn:aws:cloudtrail:eu-west-2:123456789012:trail/{trail.inputs['name']}" == TRAIL
    assert trail.inputs["cloudWatchLogsGroupArn"] == "arn:aws:acme-account-trail-logs:*"
    assert {"acme-account-trail-store-policy", "acme-account-trail-logs-rights"} <= trail.depends_on


def test_what_was_recorded_is_protected_with_what_guards_it(account):
    for one in of_the_account(account):
        guarded = one.name.startswith("acme-account-trail-store-") or one.type.endswith(":Key")
        assert one.protect == guarded, one.name


def request(action, resource, **context):
    keys = {"aws:securetransport": "true", "aws:sourcearn": TRAIL, **context}
    return Request(action, resource, ("cloudtrail.amazonaws.com",), keys)


def as_principal(policy):
    """The policy with services as plain names, which is all that the evaluator asks for."""
    for statement in policy["Statement"]:
        if isinstance(statement["Principal"], dict) and "Service" in statement["Principal"]:
            statement["Principal"] = {"AWS": statement["Principal"]["Service"]}
    return policy


def test_cloudtrail_alone_writes_to_the_bucket_and_for_this_trail_alone(account):
    policy = as_principal(
        json.loads(account.one("BucketPolicy", "acme-account-trail-store-policy").inputs["policy"])
    )
    here, acl = f"arn:aws:s3:::{BUCKET}/AWSLogs/123456789012/x", {"s3:x-amz-acl": "bucket-owner-full-control"}

    def may(asked):
        return allowed(asked, [], policy)

    assert may(request("s3:PutObject", here, **acl))
    assert may(request("s3:GetBucketAcl", f"arn:aws:s3:::{BUCKET}"))
    assert not may(request("s3:PutObject", here))
    assert not may(request("s3:PutObject", here.replace("123456789012", "210987654321"), **acl))
    assert not may(request("s3:PutObject", here, **acl, **{"aws:sourcearn": f"{TRAIL}-other"}))
    assert not may(request("s3:PutObject", here, **acl, **{"aws:securetransport": "false"}))
    assert not may(request("s3:GetObject", here))
    assert not may(
        dataclasses.replace(request("s3:PutObject", here, **acl), principals=("config.amazonaws.com",))
    )


def test_cloudtrail_encrypts_with_its_key_for_this_account_alone(account):
    policy = as_principal(
        json.loads(account.one("Key", "acme-account-trail-encryption-key").inputs["policy"])
    )
    context = "kms:encryptioncontext:aws:cloudtrail:arn"

    def may(action, **more):
        return allowed(request(action, "*", **more), [], policy)

    assert may("kms:GenerateDataKeyWithoutPlaintext", **{context: TRAIL})
    assert may("kms:DescribeKey")
    assert not may("kms:GenerateDataKey")
    assert not may("kms:GenerateDataKey", **{context: TRAIL.replace("123456789012", "210987654321")})
    assert not may("kms:Decrypt", **{context: TRAIL})


def test_each_alarm_has_a_filter_on_the_trails_logs_and_tells_whom_its_priority_says(account):
    alarms = {r.name: r.inputs for r in account.of("MetricAlarm") if r.name.startswith("acme-account-")}
    assert len(alarms) == len(factories.BASELINE.alarms)
    topics = {"root-used": "arn:aws:acme-alarms-page", "route-changes": "arn:aws:acme-alarms-ticket"}
    for alarm in factories.BASELINE.alarms:
        inputs = alarms[f"acme-account-alarms-{alarm.id}"]
        found = account.one("LogMetricFilter", f"acme-account-alarms-{alarm.id}-filter").inputs
        assert found["logGroupName"] == "/managed-server/acme/trail"
        assert found["pattern"] == alarm.pattern
        metric = found["metricTransformation"]
        assert (metric["namespace"], metric["name"]) == (inputs["namespace"], inputs["metricName"])
        assert (inputs["statistic"], inputs["threshold"], inputs["period"]) == (
            "Sum",
            alarm.threshold,
            alarm.period_s,
        )
        assert inputs["treatMissingData"] == "notBreaching"
        assert inputs["alarmActions"] == [topics[alarm.id]]
        assert f"docs/runbooks/{alarm.runbook}.md" in inputs["alarmDescription"]


def alone(baseline, *, has_record=False) -> Recorded:
    """The component by itself: what a switch does needs no more."""

    def program():
        providers = {region: aws.Provider(region, region=region) for region in ("eu-west-1", "eu-west-2")}
        AccountBaseline(
            "acme-account",
            AccountBaselineArgs(
                customer="acme",
                account_id=factories.ACCOUNT,
                region="eu-west-2",
                trail_bucket=BUCKET,
                baseline=baseline,
                has_record=has_record,
                providers=providers,
                disk_key_arn="arn:aws:key",
                topics=dict.fromkeys(Priority, "arn:aws:topic"),
            ),
        )
        return {}

    return record(program)


@pytest.mark.parametrize(
    ("part", "off", "kinds"),
    [
        ("ebs_encryption", (), {"EncryptionByDefault", "DefaultKmsKey"}),
        ("instance_metadata", (), {"InstanceMetadataDefaults"}),
        ("access_analyzer", (), {"Analyzer"}),
        ("public_access_block", False, {"AccountPublicAccessBlock"}),
        ("password_policy", False, {"AccountPasswordPolicy"}),
    ],
)
def test_each_part_can_be_off(account, part, off, kinds):
    rest = alone(dataclasses.replace(factories.BASELINE, **{part: off}))
    gone = {r.name: r.type.rpartition(":")[2] for r in of_the_account(account)}
    for left in of_the_account(rest):
        del gone[left.name]
    assert set(gone.values()) == kinds


def test_who_ends_the_record_keeps_what_was_recorded_with_all_that_guards_it(account):
    off = dataclasses.replace(factories.BASELINE, trail=False, alarms=())
    left = {r.name: r.protect for r in of_the_account(alone(off, has_record=True)) if "-trail-" in r.name}
    guarded = {r.name for r in of_the_account(account) if "-trail-" in r.name and r.protect}
    assert left.keys() - guarded == {"acme-account-trail-encryption-alias"}
    assert guarded <= left.keys()
    assert all(left[name] for name in guarded)


def test_nothing_of_an_account_that_has_all_of_its_own():
    assert alone(factories.NO_BASELINE).aws == []
