"""What holds for every resource of a customer, whatever its type."""

import json

import pytest

from tests import factories
from tests.components.conftest import environment, name_of


@pytest.fixture(scope="module")
def acme():
    """With all that a stack can have."""
    return environment(baseline=factories.BASELINE)


def test_every_resource_names_its_provider(acme):
    providers = {"acme-aws": "eu-west-2", "acme-aws-backup": "eu-west-1", "acme-aws-hub": "eu-west-2"}
    assert {r.name: r.inputs["region"] for r in acme.of("aws")} == providers
    assert len(acme.aws) > 50
    assert {r.name for r in acme.aws if r.provider not in providers} == set()
    assert [call.token for call in acme.calls] == ["aws:ec2/getAmi:getAmi"]
    assert name_of(acme.calls[0].provider.rpartition("::")[0]) == "acme-aws"


def test_backups_are_in_the_other_region_and_nothing_else_is(acme):
    away = {r.name for r in acme.aws if r.provider == "acme-aws-backup"}
    regional = {f"acme-account-{part}-eu-west-1" for part in ("analyzer", "disks", "instances")}
    assert regional < away
    assert all(name.startswith(("acme-backup-", "acme-passphrase-copy")) for name in away - regional)
    assert {"acme-backup-store-bucket", "acme-backup-encryption-key", "acme-passphrase-copy"} <= away


def test_what_is_in_the_hubs_account_is_what_the_hub_is_told(acme):
    there = {r.name: r.inputs["key"] for r in acme.aws if r.provider == "acme-aws-hub"}
    assert there == {
        "acme-web1-hub-fragment": "fragments/acme/web1.json",
        "acme-web1-hub-address": "addresses/acme/web1.json",
    }
    [address] = [r.inputs["content"] for r in acme.aws if r.name == "acme-web1-hub-address"]
    assert json.loads(address)["account_id"] == factories.ACCOUNT


def test_providers_assume_the_role_in_one_account_only(acme):
    for provider in acme.of("aws"):
        account = "210987654321" if provider.name == "acme-aws-hub" else factories.ACCOUNT
        assert json_of(provider.inputs["assumeRoles"]) == [
            {"roleArn": f"arn:aws:iam::{account}:role/Deployer"}
        ]
        assert json_of(provider.inputs["allowedAccountIds"]) == [account]
        assert json_of(provider.inputs["defaultTags"]) == {
            "tags": {"customer": "acme", "managed-by": "managed-server", "stack": "acme"}
        }
        assert not {"endpoints", "accessKey", "secretKey", "profile"} & set(provider.inputs)


def json_of(value):
    return json.loads(value) if isinstance(value, str) else value


def test_children_are_named_after_their_component(acme):
    parents = {component.name for component in acme.components}
    for resource in acme.resources:
        if resource.parent in parents:
            assert resource.name == resource.parent or resource.name.startswith(f"{resource.parent}-")
    assert {r.name for r in acme.aws if r.parent not in parents} == set()


def test_no_two_resources_of_a_type_share_a_name():
    names = ("a", "a-firewall", "a-alarms", "network", "data", "delivery", "account", "account-trail")
    recorded = environment(*(factories.server(name) for name in names), baseline=factories.BASELINE)
    seen = [(r.type, r.name) for r in recorded.resources]
    assert len(set(seen)) == len(seen)


def test_components_register_outputs_and_are_typed_by_class(acme):
    assert {r.name for r in acme.components if not r.outputs_registered} == set()
    kinds = {r.type for r in acme.components}
    assert all(kind.startswith("managed-server:index:") for kind in kinds)
    assert {kind.rpartition(":")[2] for kind in kinds} == {
        *("CustomerEnvironment", "EncryptionKey", "PrivateBucket", "Network", "ServerFirewall"),
        *("Notifications", "OffsiteBackup", "BackupPassphrase", "Delivery", "ManagedServer", "ServerRole"),
        *("ServerAlarms", "ServerLogs", "Dashboard", "HubFragment", "BackupPruning"),
        *("AccountBaseline", "AccountTrail", "AccountAlarms"),
    }


def test_what_can_be_tagged_is_named_by_its_resource(acme):
    """Recovery after a kill finds a resource by this tag, so no two may share it."""
    untagged = {
        *("Route", "RouteTableAssociation", "RolePolicy", "RolePolicyAttachment", "Alias", "TopicPolicy"),
        *("TopicSubscription", "EipAssociation", "Dashboard", "Group", "GroupPolicy", "UserGroupMembership"),
        *("BucketVersioning", "BucketPolicy", "BucketPublicAccessBlock", "BucketOwnershipControls"),
        *("BucketServerSideEncryptionConfiguration", "BucketLifecycleConfiguration", "BucketLogging"),
        *("BucketObjectLockConfiguration", "LogMetricFilter"),
        *("EncryptionByDefault", "DefaultKmsKey", "InstanceMetadataDefaults"),
        *("AccountPublicAccessBlock", "AccountPasswordPolicy"),
    }
    named = [r for r in acme.aws if r.type.rpartition(":")[2] not in untagged]
    assert len(named) > 20
    for resource in named:
        assert resource.inputs["tags"]["Name"] == resource.name
    servers = {r.name for r in named if r.inputs["tags"].get("server") == "web1"}
    assert {"acme-web1-instance", "acme-web1-address", "acme-web1-firewall-group"} <= servers


def test_what_holds_or_opens_data_is_protected(acme):
    protected = {r.name for r in acme.aws if r.protect}
    keys = {r.name for r in acme.of("Key")}
    assert keys == {
        *("acme-data-key", "acme-alarms-encryption-key", "acme-backup-encryption-key"),
        "acme-account-trail-encryption-key",
    }
    assert keys <= protected
    assert {r.name for r in acme.of("Parameter")} <= protected
    backup = {r.name for r in acme.aws if r.name.startswith("acme-backup-")}
    assert backup <= protected, "what guards the backups is protected with them"
    server = {"acme-web1-instance", "acme-web1-address"}
    trail = {r.name for r in acme.aws if r.name.startswith("acme-account-trail-store-")}
    assert protected == keys | backup | server | trail | {"acme-passphrase-home", "acme-passphrase-copy"}


def test_outputs(acme):
    assert acme.outputs == {
        "servers": {
            "web1": {
                "bundle_sha256": factories.bundle().sha256,
                "pointer": "servers/web1/current.json",
                "debian": 13,
                "instance_id": "acme-web1-instance-id",
                "address": "192.0.2.9",
                "instance_type": "t3.large",
                "architecture": "amd64",
                "disk_gb": 80,
            }
        },
        "delivery_bucket": "ms-acme-delivery-123456789012-eu-west-2",
        "backup_bucket": "ms-acme-backup-123456789012-eu-west-1",
        "dashboard": "https://eu-west-2.console.aws.amazon.com/cloudwatch/home?region=eu-west-2"
        "#dashboards/dashboard/acme-dashboard",
        "trail_bucket": "ms-acme-trail-123456789012-eu-west-2",
        "topics": {"page": "arn:aws:acme-alarms-page", "ticket": "arn:aws:acme-alarms-ticket"},
    }


def test_only_servers_on_aws_get_aws_resources():
    far = factories.server("far", hosting="elsewhere", address="198.51.100.20")
    recorded = environment(factories.server(), far)
    assert {r.name for r in recorded.of("Instance")} == {"acme-web1-instance"}
    assert {r.inputs["key"] for r in recorded.of("BucketObjectv2")} >= {"servers/far/current.json"}
    assert set(recorded.outputs["servers"]["far"]) == {"bundle_sha256", "pointer", "debian", "address"}


def test_a_customer_without_servers_on_aws_has_no_network():
    recorded = environment(factories.server(hosting="elsewhere"))
    assert not [r.name for r in recorded.aws if "network" in r.name]


def test_fixed_names_hold_the_customer(acme):
    for resource in acme.aws:
        for key in ("name", "bucket", "dashboardName"):
            value = resource.inputs.get(key)
            inner = resource.type.endswith((":RolePolicy",))  # named within its role
            if value is not None and not inner and resource.provider != "acme-aws-hub":
                assert "acme" in value, (resource.name, key)


@pytest.mark.parametrize("length", [20])
def test_the_longest_names_fit(length):
    customer, server = "c" * length, "s" * 15
    recorded = environment(factories.server(server, host_name=f"{customer}-{server}"), customer_id=customer)
    limits = {"Role": 64, "InstanceProfile": 128, "MetricAlarm": 255, "Topic": 256, "Alias": 250}
    for kind, limit in limits.items():
        for resource in recorded.of(kind):
            assert len(resource.inputs["name"]) <= limit
    for bucket in recorded.of("Bucket"):
        assert len(bucket.inputs["bucket"]) <= 63
