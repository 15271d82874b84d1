"""Who may do what with the backups, by evaluating the documents: the local AWS ignores some conditions."""

import json
from dataclasses import replace

import pytest

from managed_server.local.aws.iam_policy import Request, allowed
from tests import factories
from tests.components.conftest import environment

AWAY_ACCOUNT = "333333333333"
KEY, OTHER_KEY = "arn:aws:acme-backup-encryption-key", "arn:aws:acme-data-key"
ALGORITHM = "s3:x-amz-server-side-encryption"
KEY_ID = "s3:x-amz-server-side-encryption-aws-kms-key-id"


class Stand:
    """The documents of one customer, and what they say to a request of its server web1."""

    def __init__(self, backup_account):
        recorded = environment(backup_account_id=backup_account)
        self.bucket = f"arn:aws:s3:::ms-acme-backup-{backup_account}-eu-west-1"
        self.apart = backup_account != factories.ACCOUNT
        self.policy = json.loads(recorded.one("BucketPolicy", "acme-backup-store-policy").inputs["policy"])
        self.key = json.loads(recorded.one("Key", "acme-backup-encryption-key").inputs["policy"])
        self.role = json.loads(recorded.one("RolePolicy", "acme-web1-identity-rights").inputs["policy"])

    def request(self, action, key="web1/data/00/x", role="acme-web1-identity-role", server="web1", **context):
        account = factories.ACCOUNT
        arn = f"arn:aws:iam::{account}:role/{role}"
        names = (
            f"arn:aws:sts::{account}:assumed-role/{role}/i-1",
            arn,
            f"arn:aws:iam::{account}:root",
            account,
        )
        keys = {
            "aws:securetransport": "true",
            "aws:principalarn": arn,
            "aws:principaltag/server": server,
            **context,
        }
        return Request(action, f"{self.bucket}/{key}" if key else self.bucket, names, keys)

    def may(self, action, key="web1/data/00/x", rights=None, **more):
        asked = self.request(action, key, **more)
        return allowed(asked, [rights or self.role], self.policy, both=self.apart)


@pytest.fixture(
    scope="module", params=[factories.ACCOUNT, AWAY_ACCOUNT], ids=["one account", "another account"]
)
def stand(request):
    return Stand(request.param)


ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def test_a_server_adds_and_reads_its_own_backups(stand):
    assert stand.may("s3:PutObject")
    assert stand.may("s3:GetObject")
    assert stand.may("s3:GetObjectVersion")
    assert stand.may("s3:DeleteObject", "web1/locks/x")
    for action in ("s3:ListBucket", "s3:ListBucketVersions"):
        assert stand.may(action, None, **{"s3:prefix": "web1/data/"})
    assert stand.may("s3:GetBucketLocation", None)


@pytest.mark.parametrize(
    ("action", "key", "context"),
    [
        ("s3:DeleteObject", "web1/data/00/x", {}),
        ("s3:DeleteObject", "web1/locks", {}),
        ("s3:DeleteObjectVersion", "web1/locks/x", {}),
        ("s3:DeleteObjectVersion", "web1/data/00/x", {}),
        ("s3:BypassGovernanceRetention", "web1/data/00/x", {}),
        ("s3:PutObjectRetention", "web1/data/00/x", {}),
        ("s3:PutObjectLegalHold", "web1/data/00/x", {}),
        ("s3:PutObject", "web2/data/00/x", {}),
        ("s3:GetObject", "web2/data/00/x", {}),
        ("s3:DeleteObject", "web2/locks/x", {}),
        ("s3:ListBucket", None, {}),
        ("s3:ListBucket", None, {"s3:prefix": ""}),
        ("s3:ListBucket", None, {"s3:prefix": "web2/"}),
        ("s3:PutLifecycleConfiguration", None, {}),
        ("s3:PutBucketPolicy", None, {}),
        ("s3:PutBucketVersioning", None, {}),
        ("s3:PutBucketObjectLockConfiguration", None, {}),
        ("s3:DeleteBucket", None, {}),
    ],
)
def test_a_server_does_nothing_else(stand, action, key, context):
    assert not stand.may(action, key, **context)


def test_nothing_goes_without_tls_whoever_asks(stand):
    plain = {"aws:securetransport": "false"}
    for action, key in (("s3:PutObject", "web1/x"), ("s3:GetObject", "web1/x"), ("s3:ListBucket", None)):
        assert not stand.may(action, key, **{"s3:prefix": "web1/"}, **plain)
        assert not allowed(stand.request(action, key, **plain), [ALL], stand.policy)
    assert allowed(stand.request("s3:GetObject"), [ALL], stand.policy), "of the own account, with all rights"


@pytest.mark.parametrize(
    ("headers", "right"),
    [
        ({}, True),  # the bucket's default, which is the right key
        ({ALGORITHM: "aws:kms"}, True),  # S3 takes the bucket's key
        ({ALGORITHM: "aws:kms", KEY_ID: KEY}, True),
        ({ALGORITHM: "aws:kms", KEY_ID: OTHER_KEY}, False),
        ({KEY_ID: OTHER_KEY}, False),
        ({ALGORITHM: "aws:kms", KEY_ID: "alias/aws/s3"}, False),
        ({ALGORITHM: "AES256"}, False),
        ({ALGORITHM: "aws:kms:dsse"}, False),
    ],
)
def test_nothing_is_put_under_another_key(stand, headers, right):
    assert stand.may("s3:PutObject", **headers) is right
    assert allowed(stand.request("s3:PutObject", **headers), [ALL], stand.policy) is right


def test_in_another_account_the_servers_account_is_bounded_by_the_bucket_too():
    """Whoever takes over the servers' account, with all rights in it, neither deletes nor opens a backup."""
    stand = Stand(AWAY_ACCOUNT)
    assert stand.may("s3:PutObject", rights=ALL)
    for action, key in (
        ("s3:DeleteObject", "web1/data/00/x"),
        ("s3:DeleteObjectVersion", "web1/data/00/x"),
        ("s3:BypassGovernanceRetention", "web1/data/00/x"),
        ("s3:GetObject", "web2/data/00/x"),
        ("s3:PutBucketPolicy", None),
        ("s3:PutLifecycleConfiguration", None),
    ):
        assert not stand.may(action, key, rights=ALL), action
    assert not stand.may("s3:GetObject", rights=ALL, role="somebody"), "no other role, nor a person"
    assert not stand.may("s3:GetObject", rights=ALL, server="web2")


@pytest.mark.parametrize("action", ["kms:Decrypt", "kms:GenerateDataKey"])
def test_in_another_account_the_key_opens_for_servers_through_s3_alone(action):
    stand = Stand(AWAY_ACCOUNT)
    through = {"kms:viaservice": "s3.eu-west-1.amazonaws.com"}

    def may(**more):
        asked = replace(stand.request(action, None, **more), resource=KEY)
        return allowed(asked, [stand.role], stand.key, both=True)

    assert may(**through)
    assert not may()
    assert not may(**{"kms:viaservice": "s3.eu-west-2.amazonaws.com"})
    assert not may(role="somebody", **through)


def test_the_other_account_is_reached_by_a_provider_of_its_own():
    recorded = environment(backup_account_id=AWAY_ACCOUNT)
    providers = {r.name: r.inputs for r in recorded.of("aws")}
    assert json.loads(providers["acme-aws-backup"]["allowedAccountIds"]) == [AWAY_ACCOUNT]
    assert f"arn:aws:iam::{AWAY_ACCOUNT}:role/Deployer" in providers["acme-aws-backup"]["assumeRoles"]
    there = {r.name for r in recorded.aws if r.provider == "acme-aws-backup"}
    assert {"acme-backup-store-bucket", "acme-passphrase-copy", "acme-pruning-role"} <= there
    trusted = json.loads(recorded.one("Role", "acme-pruning-role").inputs["assumeRolePolicy"])["Statement"]
    assert [s["Principal"] for s in trusted] == [{"AWS": f"arn:aws:iam::{AWAY_ACCOUNT}:role/Deployer"}]
    owner = json.loads(recorded.one("Key", "acme-backup-encryption-key").inputs["policy"])["Statement"][0]
    assert owner["Principal"] == {"AWS": f"arn:aws:iam::{AWAY_ACCOUNT}:root"}
    logs = json.loads(recorded.one("BucketPolicy", "acme-backup-logs-policy").inputs["policy"])["Statement"][
        0
    ]
    assert logs["Condition"]["StringEquals"] == {"aws:SourceAccount": AWAY_ACCOUNT}
    assert "acme-backup-store-bucket" in {r.name for r in recorded.aws if r.protect}


def test_the_policy_of_another_account_does_not_grow_with_the_servers():
    """S3 takes 20 KB."""
    names = [f"s{n}" for n in range(20)]
    recorded = environment(*(factories.server(n) for n in names), backup_account_id=AWAY_ACCOUNT)
    assert len(recorded.one("BucketPolicy", "acme-backup-store-policy").inputs["policy"]) < 4000
