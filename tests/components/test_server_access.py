"""A server that is hosted elsewhere: what it has in AWS, and that its key is in no stack."""

import json

import pytest

from managed_server.inputs import load_project
from managed_server.model.catalogue_items import Absent
from tests import factories
from tests.components.conftest import environment
from tests.components.test_aws_resources import SECRET
from tests.conftest import ROOT

GROUP_POLICY_CHARACTERS = 5120
"""IAM user guide, quotas: all policies of a group, white space not counted."""


def far(name="far", **changes):
    made = {"hosting": "elsewhere", "address": "198.51.100.20", "instance_type": "", "alarms": ()}
    return factories.server(name, **(made | changes))


@pytest.fixture(scope="module")
def recorded():
    return environment(far())


def statements(policy):
    return {statement["Sid"]: statement for statement in json.loads(policy.inputs["policy"])["Statement"]}


def test_it_may_what_an_instance_may_and_replace_its_own_key(recorded):
    rights = statements(recorded.one("GroupPolicy"))
    own = rights.pop("OwnKeys")
    instance = statements(environment(factories.server("far")).one("RolePolicy", "acme-far-identity-rights"))
    del instance["OwnLogs"]  # of the CloudWatch agent, which is for servers on AWS
    assert rights == instance
    assert own["Resource"] == f"arn:aws:iam::{factories.ACCOUNT}:user/acme-far-access-user"
    assert own["Action"] == ["iam:CreateAccessKey", "iam:DeleteAccessKey", "iam:ListAccessKeys"]


def test_everything_that_it_names_is_its_own(recorded):
    for statement in statements(recorded.one("GroupPolicy")).values():
        places = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        buckets = [place for place in places if place.startswith("arn:aws:s3:::") and "/" in place]
        for place in buckets:
            assert "/far/" in place or "/acme-far/" in place or place.endswith("/hub/nrpe.pem"), place


def test_no_key_is_made_by_the_stack(recorded):
    user = recorded.one("User")
    assert user.inputs["name"] == factories.customer(far()).access_user("far")
    assert user.inputs["forceDestroy"] is True, "its keys go with it"
    assert not user.protect
    assert not [r.name for r in recorded.aws if "accessKey" in r.type]
    membership = recorded.one("UserGroupMembership")
    assert membership.inputs["groups"] == [recorded.one("Group").inputs["name"]]


def test_the_rights_fit_with_the_secrets_of_the_whole_catalogue():
    entries = load_project(ROOT).entries.items()
    named = [
        (entry, secret.name)
        for entry, file in entries
        if not isinstance(file.general.secrets, Absent)
        for secret in file.general.secrets
    ]
    assert len(named) > 5
    customer, server = "c" * 20, "s" * 15
    secrets = tuple(
        factories.dataclasses.replace(
            SECRET, origin=entry, name=name, path=f"/{entry}/{name}",
            parameter=f"/managed-server/{customer}/{server}/{entry}/{name}",
        )
        for entry, name in named
    )  # fmt: skip
    longest = far(server, host_name=f"{customer}-{server}", secrets=secrets)
    policy = environment(longest, customer_id=customer).one("GroupPolicy").inputs["policy"]
    # The ARN of a real key is longer than the one that stands in for it here.
    longer = policy.count("-key") * len(f"arn:aws:kms:eu-west-2:{factories.ACCOUNT}:key/{36 * '0'}")
    assert len("".join(policy.split())) + longer < GROUP_POLICY_CHARACTERS


def test_a_customer_with_no_server_on_aws_has_what_such_a_server_needs_and_nothing_else(recorded):
    kinds = {r.type.rpartition(":")[2] for r in recorded.components}
    assert kinds == {
        *("CustomerEnvironment", "EncryptionKey", "PrivateBucket", "OffsiteBackup", "BackupPassphrase"),
        *("BackupPruning", "Delivery", "Notifications", "ServerAccess", "HubFragment", "AccountBaseline"),
    }
    assert [call.token for call in recorded.calls] == []
    assert set(recorded.outputs) == {"servers", "delivery_bucket", "backup_bucket", "topics"}
    assert recorded.outputs["servers"]["far"]["address"] == "198.51.100.20"


@pytest.mark.parametrize(
    ("address", "told"),
    [("198.51.100.20", {"ipv4": "198.51.100.20"}), ("far.acme.example", {"name": "far.acme.example"})],
)
def test_the_hub_is_told_where_it_is(address, told):
    recorded = environment(far(address=address))
    [content] = [r.inputs["content"] for r in recorded.aws if r.name == "acme-far-hub-address"]
    assert json.loads(content) == {"account_id": factories.ACCOUNT, **told}


def test_peers_learn_their_private_addresses_and_get_their_secrets():
    recorded = environment(
        far("db", private_address="10.1.2.3", peers=("web",), secrets=(SECRET,)),
        far("web", address="198.51.100.21", private_address="10.1.2.4", reaches=("db",)),
    )
    told = {r.name: json.loads(r.inputs["content"]) for r in recorded.aws if r.name.endswith("-addresses")}
    assert told == {
        "acme-db-peers-addresses": {"web": {"ipv4": "10.1.2.4"}},
        "acme-web-peers-addresses": {"db": {"ipv4": "10.1.2.3"}},
    }
    rights = statements(recorded.one("GroupPolicy", "acme-db-access-rights"))
    assert rights["OwnSecrets"]["Resource"] == ["arn:aws:acme-db-secrets-redis-password"]
    assert (
        "arn:aws:s3:::ms-acme-delivery-123456789012-eu-west-2/servers/db/peers.json"
        in (rights["OwnBundles"]["Resource"])
    )
