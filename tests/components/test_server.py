"""Servers: the instance, what it may do, what watches it."""

import base64
import json

import pytest

from components.user_data import UserDataError, user_data
from tests import factories
from tests.components.conftest import environment
from tests.conftest import ROOT


@pytest.fixture
def instance(acme):
    return acme.one("Instance")


def test_instance(instance):
    wanted = {
        "ami": "ami-0123456789abcdef0",
        "instanceType": "t3.large",
        "subnetId": "acme-network-subnet-id",
        "iamInstanceProfile": "acme-web1-identity-profile",
        "monitoring": True,
        "ebsOptimized": True,
        "disableApiTermination": True,
        "userDataReplaceOnChange": False,
        "maintenanceOptions": {"autoRecovery": "default"},
        "metadataOptions": {
            "httpEndpoint": "enabled",
            "httpTokens": "required",
            "httpPutResponseHopLimit": 1,
        },
    }
    assert {key: instance.inputs[key] for key in wanted} == wanted
    disk = instance.inputs["rootBlockDevice"]
    assert (disk["volumeType"], disk["volumeSize"], disk["encrypted"]) == ("gp3", 80, True)
    assert disk["kmsKeyId"] == "arn:aws:acme-data-key"


def test_image_and_user_data_matter_at_creation_alone(instance):
    assert instance.ignores == ["ami", "userDataBase64"]


def test_the_server_starts_when_its_way_out_and_its_rights_stand(instance):
    assert {
        "acme-network-default-route",
        "acme-network-subnet-routes",
        "acme-web1-firewall-out-tcp-443-0.0.0.0-0",
        "acme-web1-identity-rights",
    } <= instance.depends_on


def test_the_image_is_looked_up_by_owner_and_name_once_for_all():
    arm = factories.server("c", architecture="arm64", image_name="debian-13-arm64-*")
    recorded = environment(factories.server("a"), factories.server("b"), arm)
    looked_up = {}
    for call in recorded.calls:
        filters = {one["name"]: one["values"] for one in call.args["filters"]}
        looked_up[filters["name"][0]] = (call.args["owners"], filters["architecture"])
        assert call.args["mostRecent"] is True
    assert len(recorded.calls) == 2
    assert looked_up == {
        "debian-13-amd64-*": (["136693071363"], ["x86_64"]),
        "debian-13-arm64-*": (["136693071363"], ["arm64"]),
    }


def test_the_address_is_an_elastic_one(acme, instance):
    assert not instance.inputs.get("associatePublicIpAddress")
    assert acme.one("Subnet").inputs["mapPublicIpOnLaunch"] is False
    association = acme.one("EipAssociation").inputs
    assert association == {"allocationId": "acme-web1-address-id", "instanceId": "acme-web1-instance-id"}


# --- rights ---------------------------------------------------------------------------------------


def granted(recorded, name="acme-web1-identity-rights"):
    return json.loads(recorded.one("RolePolicy", name).inputs["policy"])["Statement"]


def listed(value):
    return [value] if isinstance(value, str) else value


def test_a_server_publishes_figures_where_an_alarm_waits_for_them_and_nowhere_else():
    own = factories.alarm("alive", namespace="ManagedServer/Hub", metric="Alive")
    recorded = environment(factories.server(alarms=(*factories.ALARMS, own)))
    [figures] = [s for s in granted(recorded) if s["Action"] == "cloudwatch:PutMetricData"]
    assert figures["Condition"] == {"StringEquals": {"cloudwatch:namespace": ["ManagedServer/Hub"]}}


def test_rights_are_least(acme):
    statements = granted(acme)
    assert {s["Effect"] for s in statements} == {"Allow"}
    actions = {action for s in statements for action in listed(s["Action"])}
    assert actions == {
        *("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:ListBucket", "s3:ListBucketVersions"),
        "ssm:GetParameter",
        *("kms:Decrypt", "kms:GenerateDataKey", "s3:DeleteObject", "s3:GetBucketLocation"),
        *("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
    }
    deletes = [s for s in statements if any("Delete" in action for action in listed(s["Action"]))]
    assert [s["Resource"] for s in deletes] == [
        "arn:aws:s3:::ms-acme-backup-123456789012-eu-west-1/web1/locks/*"
    ]
    assert not any("*" in action for action in actions)
    for statement in statements:
        assert "*" not in listed(statement["Resource"])
        if any(action.startswith("kms:") for action in listed(statement["Action"])):
            assert statement["Condition"], "a key opens for one purpose"


def test_a_server_reaches_its_own_bundles_and_backups_alone(acme):
    by_sid = {s["Sid"]: s for s in granted(acme)}
    delivery, backup = "ms-acme-delivery-123456789012-eu-west-2", "ms-acme-backup-123456789012-eu-west-1"
    assert by_sid["OwnBundles"]["Resource"] == [
        f"arn:aws:s3:::{delivery}/bundles/web1/*.tar",
        f"arn:aws:s3:::{delivery}/servers/web1/current.json",
    ]
    assert by_sid["OwnBackups"]["Resource"] == f"arn:aws:s3:::{backup}/web1/*"
    prefixes = by_sid["ListOwnBackups"]["Condition"]["StringLike"]["s3:prefix"]
    assert prefixes == ["web1/", "web1/*"]
    assert by_sid["ListOwnBackups"]["Action"] == ["s3:ListBucket", "s3:ListBucketVersions"]
    logs = "arn:aws:logs:eu-west-2:123456789012:log-group:/managed-server/acme/servers/web1"
    assert by_sid["OwnLogs"]["Resource"] == [logs, f"{logs}:log-stream:*"]
    assert by_sid["Passphrase"]["Resource"] == "arn:aws:acme-passphrase-home"
    assert {
        sid: by_sid[sid]["Condition"]["StringEquals"] for sid in by_sid if "Open" in sid or "Encrypt" in sid
    } == {
        "OpenPassphrase": {"kms:EncryptionContext:PARAMETER_ARN": "arn:aws:acme-passphrase-home"},
        "OpenBundles": {"kms:ViaService": "s3.eu-west-2.amazonaws.com"},
        "EncryptBackups": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"},
    }


def test_roles_are_for_ec2_and_session_manager(acme):
    trusted = json.loads(acme.one("Role", "acme-web1-identity-role").inputs["assumeRolePolicy"])
    assert [s["Principal"] for s in trusted["Statement"]] == [{"Service": "ec2.amazonaws.com"}]
    attached = [r.inputs["policyArn"].rpartition("/")[2] for r in acme.of("RolePolicyAttachment")]
    assert attached == ["AmazonSSMManagedInstanceCore"]


# --- topics ---------------------------------------------------------------------------------------


def test_topics_are_encrypted_and_belong_to_the_account(acme):
    assert {t.name for t in acme.of("Topic")} == {"acme-alarms-page", "acme-alarms-ticket"}
    for topic in acme.of("Topic"):
        assert topic.inputs["kmsMasterKeyId"] == "arn:aws:acme-alarms-encryption-key"
    for one in acme.of("TopicPolicy"):
        for statement in json.loads(one.inputs["policy"])["Statement"]:
            root = statement["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
            limited = statement.get("Condition") == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
            assert root or limited
    subscribed = {
        r.inputs["topic"]: (r.inputs["protocol"], r.inputs["endpoint"]) for r in acme.of("TopicSubscription")
    }
    assert subscribed == {
        "arn:aws:acme-alarms-page": ("email", "page@hosting.example"),
        "arn:aws:acme-alarms-ticket": ("email", "ticket@hosting.example"),
    }


# --- user data ------------------------------------------------------------------------------------


def test_user_data_names_the_server_and_is_small(instance):
    text = base64.b64decode(instance.inputs["userDataBase64"]).decode()
    assert text.startswith("#!/bin/bash\n")
    for said in (
        "MANAGED_CUSTOMER=acme",
        "MANAGED_SERVER=web1",
        "MANAGED_DELIVERY_BUCKET=ms-acme-delivery-123456789012-eu-west-2",
        "MANAGED_POINTER_KEY=servers/web1/current.json",
        "MANAGED_BUNDLE_PREFIX=bundles/web1/",
        "AWS_REGION=eu-west-2",
    ):
        assert f"{said}\n" in text
    assert "{{" not in text
    assert len(text.encode()) < 16384


def test_user_data_over_the_limit_is_refused(tmp_path):
    (tmp_path / "bootstrap").mkdir()
    (tmp_path / "bootstrap" / "user-data.sh.j2").write_text("x" * 16385)
    with pytest.raises(UserDataError, match="16385 bytes"):
        user_data(tmp_path, factories.customer(), factories.server())


def test_user_data_is_constant_for_a_server():
    """Whatever changes in its configuration: only who it is and where its bundles are."""
    customer = factories.customer()
    plain = user_data(ROOT / "templates", customer, factories.server())
    changed = factories.server(
        software=("redis",), rules=(), sites=("www.acme.example",), disk_gb=200, pin="a" * 64
    )
    assert user_data(ROOT / "templates", customer, changed) == plain
