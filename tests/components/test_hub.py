"""A hub's own stack, and what customers' stacks and machines may do in its account."""

import dataclasses
import json

import pytest

from managed_server.inputs import load_project
from managed_server.model.fragment import Fragment, ServerAddress
from managed_server.resolve import resolve_stack
from tests import factories
from tests.components.conftest import Recorded, environment

HUB = factories.HUB
BUCKET = "ms-hub-fleet-210987654321-eu-west-2"


@pytest.fixture(scope="module")
def hub() -> Recorded:
    """The stack of a hub that watches itself."""
    return environment(
        factories.server("mon1", host_name="hub-mon1"),
        customer_id="hub",
        account_id=HUB.account_id,
        region=HUB.region,
        runs_hub=HUB,
    )


def statements(recorded, kind, name, key="policy"):
    found = json.loads(recorded.one(kind, name).inputs[key])["Statement"]
    return {statement["Sid"]: statement for statement in found}


# --- the bucket -------------------------------------------------------------------------------------


def test_the_fleet_bucket_lets_in_the_organization_and_each_account_below_its_own_prefix(hub):
    policy = statements(hub, "BucketPolicy", "hub-fleet-store-policy")
    denied = policy.pop("TlsOnly")
    assert denied["Effect"] == "Deny"
    assert {sid: (s["Action"], s["Resource"]) for sid, s in policy.items()} == {
        "OwnCertificates": (
            "s3:PutObject",
            f"arn:aws:s3:::{BUCKET}/machines/${{aws:PrincipalAccount}}/*",
        ),
        "HubCertificate": ("s3:GetObject", f"arn:aws:s3:::{BUCKET}/hub/*"),
    }
    for statement in policy.values():
        assert statement["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}}
        assert statement["Principal"] == {"AWS": "*"}


def test_the_fleet_bucket_is_closed_versioned_and_encrypted_by_s3_itself(hub):
    """Machines of other accounts have no right to a key of the hub's."""
    bucket = hub.one("Bucket", "hub-fleet-store-bucket")
    assert bucket.inputs["bucket"] == BUCKET == HUB.fleet_bucket
    assert bucket.inputs["tags"]["purpose"] == "fleet"
    access = hub.one("BucketPublicAccessBlock", "hub-fleet-store-access").inputs
    assert access["blockPublicPolicy"] is access["restrictPublicBuckets"] is True
    encryption = hub.one("BucketServerSideEncryptionConfiguration", "hub-fleet-store-encryption").inputs
    by_default = encryption["rules"][0]["applyServerSideEncryptionByDefault"]
    assert by_default["sseAlgorithm"] == "AES256"
    versioning = hub.one("BucketVersioning", "hub-fleet-store-versioning").inputs
    assert versioning["versioningConfiguration"]["status"] == "Enabled"
    assert not [r for r in hub.aws if "LifecycleConfiguration" in r.type and "fleet" in r.name]


def test_a_customer_has_no_fleet_bucket(acme):
    assert not [r.name for r in acme.aws if "fleet" in r.name]


def test_nothing_of_a_hubs_stack_depends_on_who_its_customers_are(hub, acme):
    """The text of everything in it names no customer and no account but its own."""
    text = json.dumps([r.inputs for r in hub.aws], default=str)
    assert factories.ACCOUNT not in text
    assert "acme-" not in text
    assert [r.name for r in acme.aws if r.provider == "acme-aws-hub"], "what changes is in the customer's"


# --- fragments --------------------------------------------------------------------------------------


def test_what_a_customer_publishes_is_what_the_hub_reads(acme):
    found = {r.inputs["key"]: r.inputs for r in acme.of("BucketObjectv2") if r.provider == "acme-aws-hub"}
    fragment = Fragment.model_validate_json(found["fragments/acme/web1.json"]["content"])
    address = ServerAddress.model_validate_json(found["addresses/acme/web1.json"]["content"])
    assert (fragment.customer.id, fragment.server, fragment.host) == ("acme", "web1", "acme-web1")
    assert (str(address.ipv4), address.account_id) == ("192.0.2.9", factories.ACCOUNT)
    assert {inputs["bucket"] for inputs in found.values()} == {BUCKET}


def test_a_hub_that_watches_itself_needs_no_other_provider(hub):
    objects = {r.inputs["key"]: r for r in hub.of("BucketObjectv2") if r.inputs["bucket"] == BUCKET}
    assert set(objects) == {"fragments/hub/mon1.json", "addresses/hub/mon1.json"}
    assert {r.provider for r in objects.values()} == {"hub-aws"}
    for object_ in objects.values():
        assert {"hub-fleet-store-access", "hub-fleet-store-policy"} <= object_.depends_on


def test_a_hub_may_be_watched_by_another():
    other = dataclasses.replace(HUB, id="other", ipv4="198.51.100.11", account_id="555555555555")
    recorded = environment(
        factories.server("mon1", host_name="hub-mon1"),
        customer_id="hub",
        account_id=HUB.account_id,
        region=HUB.region,
        runs_hub=HUB,
        hub=other,
    )
    objects = [r for r in recorded.of("BucketObjectv2") if r.provider == "hub-aws-hub"]
    assert {r.inputs["bucket"] for r in objects} == {other.fleet_bucket}
    rights = statements(recorded, "RolePolicy", "hub-mon1-identity-rights")
    assert other.fleet_bucket in rights["ShowCertificate"]["Resource"]
    assert HUB.fleet_bucket in json.dumps(rights["ReadFleet"]["Resource"])


# --- rights -----------------------------------------------------------------------------------------


def test_a_machine_shows_its_own_certificate_and_reads_the_hubs(acme):
    rights = statements(acme, "RolePolicy", "acme-web1-identity-rights")
    fleet = {sid: s for sid, s in rights.items() if BUCKET in json.dumps(s["Resource"])}
    assert {sid: (s["Action"], s["Resource"]) for sid, s in fleet.items()} == {
        "ShowCertificate": (
            "s3:PutObject",
            f"arn:aws:s3:::{BUCKET}/machines/{factories.ACCOUNT}/acme-web1/nrpe.pem",
        ),
        "HubCertificate": ("s3:GetObject", f"arn:aws:s3:::{BUCKET}/hub/nrpe.pem"),
    }
    assert not {"ReadFleet", "ListFleet", "ShowHub", "Page", "OwnFigures"} & set(rights)


def test_a_hub_reads_its_fleet_and_pages(hub):
    rights = statements(hub, "RolePolicy", "hub-mon1-identity-rights")
    bucket = f"arn:aws:s3:::{BUCKET}"
    assert rights["ReadFleet"]["Resource"] == [
        f"{bucket}/{prefix}/*" for prefix in ("addresses", "fragments", "hub", "machines")
    ]
    assert rights["ListFleet"]["Resource"] == bucket
    assert rights["ShowHub"] | {"Sid": ""} == {
        "Sid": "",
        "Effect": "Allow",
        "Action": "s3:PutObject",
        "Resource": f"{bucket}/hub/nrpe.pem",
    }
    assert not [s for s in rights.values() if "Delete" in json.dumps(s["Action"]) and BUCKET in str(s)]


def test_the_topic_that_a_page_goes_out_by_is_the_stacks_own_and_its_key_opens(hub):
    rights = statements(hub, "RolePolicy", "hub-mon1-identity-rights")
    region, account, name = rights["Page"]["Resource"].split(":")[3:]
    topic = hub.one("Topic", "hub-alarms-page")
    assert (region, account, name) == (HUB.region, HUB.account_id, topic.inputs["name"])
    assert rights["EncryptPage"]["Resource"] == topic.inputs["kmsMasterKeyId"]
    assert rights["EncryptPage"]["Condition"] == {
        "StringEquals": {"kms:ViaService": "sns.eu-west-2.amazonaws.com"}
    }


# --- the address and the alarm ----------------------------------------------------------------------


def test_a_hubs_address_is_the_one_that_is_recorded(hub):
    """It is looked up, never made: firewalls of all customers name it."""
    assert not [r for r in hub.aws if r.type.endswith(":Eip")]
    calls = [call.args for call in hub.calls if call.token == "aws:ec2/getElasticIp:getElasticIp"]
    assert calls == [{"publicIp": HUB.ipv4}]
    association = hub.one("EipAssociation").inputs
    assert association["instanceId"] == "hub-mon1-instance-id"
    [address] = [r.inputs["content"] for r in hub.aws if r.name == "hub-mon1-hub-address"]
    assert json.loads(address) == {"account_id": HUB.account_id, "ipv4": HUB.ipv4}


def test_an_alarm_outside_the_hub_goes_off_when_it_says_nothing(root):
    project = load_project(root)
    customer = resolve_stack(project, "hub")[0]
    [alarm] = [alarm for alarm in customer.servers[0].alarms if alarm.wakes == "itself"]
    assert alarm.own
    assert alarm.missing == "breaching"
    assert (alarm.comparison, alarm.threshold, alarm.period_s) == ("LessThanThreshold", 1, 60)
    assert alarm.detection_s <= 15 * 60 / 3
    assert dict(customer.routes)[alarm.priority] == "page"
    example = resolve_stack(project, "example")[0]
    assert alarm.id not in {alarm.id for alarm in example.servers[0].alarms}
