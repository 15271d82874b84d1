"""State for teams as docs/state.md describes it: made of its template, encrypted and locked."""

import base64
import getpass
import json
import re
import signal
import socket
import time
from dataclasses import dataclass

import boto3
import pytest
import yaml
from botocore.config import Config

from managed_server.local import session
from managed_server.local.aws import process
from tests.conftest import ROOT
from tests.engine.local import REGION, Project, built

pytestmark = pytest.mark.engine

BUCKET, COPY, ELSEWHERE = "hosting-state", "hosting-state-copy", "eu-west-1"
DOCUMENT = (ROOT / "docs" / "state.md").read_text()
TEMPLATE = ROOT / "docs" / "by-hand" / "state.yaml"
OF_THE_COPY = ROOT / "docs" / "by-hand" / "state-copy.yaml"
SECRET = "planted-" + "b7Qx9"
# A program that waits for a file to go while it updates, and holds a secret.
PROGRAM = f"""
import os
import time

import pulumi

pulumi.export("passphrase", pulumi.Output.secret("{SECRET}"))
while not pulumi.runtime.is_dry_run() and os.path.exists("hold"):
    time.sleep(0.05)
"""
STACK_FILE = "# written by people\nconfig:\n  trial:customer:\n    name: Acme  # the first\n"


@dataclass
class Team:
    """What engineers share, and a client of each service."""

    backend: str
    provider: str
    environ: dict[str, str]

    def client(self, service, region=REGION):
        return boto3.client(
            service,
            endpoint_url=self.environ["AWS_ENDPOINT_URL"],
            region_name=region,
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(s3={"addressing_style": "path"}),
        )

    def locks(self):
        """Keys of the locks that are there now."""
        found = self.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=".pulumi/locks/")
        return [one["Key"] for one in found.get("Contents", [])]

    def versions(self):
        """Every version of every object in the bucket: key, what it says, and how it is encrypted."""
        s3 = self.client("s3")
        for one in s3.list_object_versions(Bucket=BUCKET)["Versions"]:
            got = s3.get_object(Bucket=BUCKET, Key=one["Key"], VersionId=one["VersionId"])
            yield one["Key"], got["Body"].read().decode(), got.get("SSEKMSKeyId")


class Template(yaml.SafeLoader):
    """Reads CloudFormation's short forms."""


for tag in ("!Sub", "!Ref", "!GetAtt"):
    Template.add_constructor(tag, lambda loader, node: Given(loader.construct_scalar(node)))
for tag in ("!If", "!Not", "!Equals"):
    Template.add_constructor(tag, lambda loader, node: Choice(loader.construct_sequence(node, deep=True)))


class Given(str):
    """What CloudFormation fills in."""

    __slots__ = ()


class Choice(tuple):
    """A condition's name, what holds with it, and what without it."""

    __slots__ = ()


def filled(value, given):
    """Fill in parameters and what was made, as CloudFormation does; there is a copy."""
    if isinstance(value, Choice):
        assert value[0] == "Copied"
        return filled(value[1], given)
    if isinstance(value, dict):
        return {key: filled(one, given) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, given) for one in value]
    if isinstance(value, Given):
        return given[value] if value in given else re.sub(r"\$\{([^}]+)\}", lambda m: given[m[1]], value)
    return value


def provision(team):
    """Make what the template says, by its own properties: moto's CloudFormation leaves some out."""
    template = yaml.load(TEMPLATE.read_text(), Loader=Template)  # noqa: S506 - a SafeLoader
    s3, kms = team.client("s3"), team.client("kms")
    account = team.client("sts").get_caller_identity()["Account"]
    given = {"BucketName": BUCKET, "Bucket": BUCKET, "AWS::AccountId": account, "AWS::Region": REGION}
    given |= {"CopyBucketName": COPY, "CopyRegion": ELSEWHERE}

    def of(name):
        resource = template["Resources"][name]
        return resource["Type"], filled(resource["Properties"], given)

    kind, key = of("Key")
    assert kind == "AWS::KMS::Key"
    made = kms.create_key(
        Description=key["Description"], Policy=json.dumps(key["KeyPolicy"]), MultiRegion=key["MultiRegion"]
    )["KeyMetadata"]
    given |= {"Key": made["KeyId"], "Key.Arn": made["Arn"]}
    if key["EnableKeyRotation"]:
        kms.enable_key_rotation(KeyId=made["KeyId"])
    _, alias = of("KeyAlias")
    kms.create_alias(AliasName=alias["AliasName"], TargetKeyId=alias["TargetKeyId"])
    kind, bucket = of("Bucket")
    assert kind == "AWS::S3::Bucket"
    place = {"LocationConstraint": REGION}
    s3.create_bucket(Bucket=bucket["BucketName"], CreateBucketConfiguration=place)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=bucket["VersioningConfiguration"])
    rules = [
        {
            "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
            "BucketKeyEnabled": rule["BucketKeyEnabled"],
        }
        for rule in bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    ]
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": rules})
    block = bucket["PublicAccessBlockConfiguration"]
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=block)
    s3.put_bucket_ownership_controls(Bucket=BUCKET, OwnershipControls=bucket["OwnershipControls"])
    _, policy = of("BucketPolicy")
    s3.put_bucket_policy(Bucket=policy["Bucket"], Policy=json.dumps(policy["PolicyDocument"]))
    return {name: filled(one["Value"], given) for name, one in template["Outputs"].items()}


def copied(team):
    """Make the copy and what keeps it up to date; return the copy's outputs and the rules."""
    kms, s3 = team.client("kms"), team.client("s3")
    account = team.client("sts").get_caller_identity()["Account"]
    key = kms.describe_key(KeyId="alias/managed-server-state")["KeyMetadata"]
    template = yaml.load(OF_THE_COPY.read_text(), Loader=Template)  # noqa: S506 - a SafeLoader
    given = {"BucketName": COPY, "Bucket": COPY, "KeyArn": key["Arn"], "AWS::AccountId": account}
    given |= {"AWS::Region": ELSEWHERE, "Key": key["KeyId"]}
    replica = filled(template["Resources"]["Key"], given)
    assert (replica["Type"], replica["Properties"]["PrimaryKeyArn"]) == ("AWS::KMS::ReplicaKey", key["Arn"])
    there = kms.replicate_key(KeyId=key["KeyId"], ReplicaRegion=ELSEWHERE)["ReplicaKeyMetadata"]["Arn"]
    alias = filled(template["Resources"]["KeyAlias"], given)["Properties"]
    team.client("kms", ELSEWHERE).create_alias(AliasName=alias["AliasName"], TargetKeyId=alias["TargetKeyId"])
    place = {"LocationConstraint": ELSEWHERE}
    team.client("s3", ELSEWHERE).create_bucket(Bucket=COPY, CreateBucketConfiguration=place)
    given |= {"Key.Arn": there, "CopyBucketName": COPY, "CopyRegion": ELSEWHERE, "CopyRole.Arn": "arn:role"}
    first = yaml.load(TEMPLATE.read_text(), Loader=Template)  # noqa: S506 - a SafeLoader
    rules = filled(first["Resources"]["Bucket"]["Properties"]["ReplicationConfiguration"], given)["Rules"]
    for rule in rules:
        assert rule["Status"] == "Enabled"
        assert rule["Destination"]["Bucket"] == f"arn:aws:s3:::{COPY}"
        assert rule["Destination"]["EncryptionConfiguration"]["ReplicaKmsKeyID"] == there
        assert rule["SourceSelectionCriteria"] == {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    # As S3 does by these rules: moto keeps them, and copies nothing.
    for rule in rules:
        prefix = rule["Filter"]["Prefix"]
        for one in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", []):
            body = s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()
            team.client("s3", ELSEWHERE).put_object(Bucket=COPY, Key=one["Key"], Body=body)
    return {name: filled(one["Value"], given) for name, one in template["Outputs"].items()}


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    folder = tmp_path_factory.mktemp("team")
    try:
        local = process.start(folder, lambda _: None)
        environ = {
            "AWS_ENDPOINT_URL": local.endpoint,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": REGION,
        }
        made = Team("", "", environ)
        outputs = provision(made)
        # No name resolves to a bucket here.
        made.backend, made.provider = f"{outputs['Backend']}&use_path_style=true", outputs["SecretsProvider"]
        yield made
    finally:
        process.stop(folder)


@pytest.fixture
def engineer(team, tmp_path):
    """A clone of the project with the state of the team."""
    built()
    made = Project(
        tmp_path, {**team.environ, "PULUMI_BACKEND_URL": team.backend, "PULUMI_CONFIG_PASSPHRASE": ""}
    )
    made.write(PROGRAM, head="")
    (tmp_path / "Pulumi.t.yaml").write_text(STACK_FILE)
    return made


UP = ("up", "--yes", "--skip-preview", "--stack", "t")


def test_the_template_makes_what_the_page_says(team):
    assert "'s3://BUCKET?region=REGION'" in DOCUMENT
    assert team.backend == f"s3://{BUCKET}?region={REGION}&use_path_style=true"
    said = re.search(r"--secrets-provider '(\S+)'", DOCUMENT)
    assert said
    assert team.provider == said[1].replace("REGION", REGION)
    s3, kms = team.client("s3"), team.client("kms")
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    key = kms.describe_key(KeyId="alias/managed-server-state")["KeyMetadata"]
    default = rule["ApplyServerSideEncryptionByDefault"]
    assert default["SSEAlgorithm"] == "aws:kms"
    assert default["KMSMasterKeyID"] == key["Arn"]
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]
    assert set(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values()) == {True}
    (denial,) = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    assert denial["Effect"] == "Deny"
    assert denial["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_engineers_share_a_state_and_are_told_who_holds_it(team, engineer):
    """One stack from its first day: encrypted, one at a time, and after a kill."""
    engineer.ok("stack", "init", "t", "--secrets-provider", team.provider)
    written = (engineer.folder / "Pulumi.t.yaml").read_text()
    assert f"secretsprovider: {team.provider}\n" in written
    assert "encryptedkey: " in written
    assert "encryptionsalt" not in written
    assert "# written by people" in written
    assert "# the first" in written

    (engineer.folder / "hold").touch()
    with engineer.start(*UP) as first:
        deadline = time.monotonic() + 60
        while not team.locks():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        refused = engineer.run(*UP)
        assert refused.returncode != 0
        assert "the stack is currently locked by 1 lock(s)" in refused.stdout
        holder = f"created by {getpass.getuser()}@{socket.gethostname()} (pid {first.pid})"
        assert holder in refused.stdout
        assert "pulumi cancel" in refused.stdout
        first.send_signal(signal.SIGKILL)
        first.communicate(timeout=30)
    (engineer.folder / "hold").unlink()

    left = engineer.run(*UP)
    assert left.returncode != 0, "a killed run's lock stays"
    assert holder in left.stdout
    engineer.ok("cancel", "--yes", "--stack", "t")
    printed = engineer.ok(*UP)

    assert SECRET not in printed
    key = team.client("kms").describe_key(KeyId="alias/managed-server-state")["KeyMetadata"]
    found = list(team.versions())
    assert any("/stacks/trial/t.json" in name for name, _, _ in found)
    for name, text, encrypted_with in found:
        assert SECRET not in text, name
        assert encrypted_with == key["Arn"], name
    assert SECRET not in (engineer.folder / "Pulumi.t.yaml").read_text()
    assert SECRET not in engineer.ok("stack", "export", "--stack", "t")
    assert SECRET in engineer.ok("stack", "output", "--show-secrets", "--stack", "t")

    # Nobody answers there: without asking for the key, nothing can be read.
    unasked = {"AWS_ENDPOINT_URL_KMS": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    without = engineer.run("stack", "output", "--show-secrets", "--stack", "t", **unasked)
    assert without.returncode != 0
    assert "KMS: Decrypt" in without.stdout
    assert SECRET not in without.stdout


DEPLOYED = """\
# written by people
config:
  trial:customer: {name: Acme}
secretsprovider: awskms://alias/managed-server-state?region=eu-west-2
encryptedkey: KEY
"""


def test_a_deployed_customers_stack_can_be_tried_on_the_local_aws(team, tmp_path):
    """Its file names a key of the real KMS, and stays as it is."""
    built()
    made = Project(tmp_path, team.environ).write(PROGRAM, head="")
    (tmp_path / "Pulumi.yaml").write_text("name: trial\nruntime: python\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()
    path = tmp_path / "stacks" / "Pulumi.t.yaml"
    path.write_text(DEPLOYED.replace("KEY", base64.b64encode(b"\x01\x02\x02\x00" + b"\xc8" * 180).decode()))
    before = path.read_text()
    session._select(tmp_path, "t", made.environment())
    printed = made.ok(*UP)
    assert path.read_text() == before
    assert SECRET not in printed + made.state()
    assert '"type":"cloud"' in made.state().replace(" ", "")
    assert SECRET in made.ok("stack", "output", "--show-secrets", "--stack", "t")


def test_a_lost_region_takes_no_state_with_it(team, engineer):
    """From the copy, with the copy's key, as the page says: secrets are read, and another run goes on."""
    (engineer.folder / "Pulumi.yaml").write_text("name: lost\nruntime: python\n")
    engineer.ok("stack", "init", "t", "--secrets-provider", team.provider)
    engineer.ok(*UP)
    outputs = copied(team)
    said = re.search(r"sed 's/(\S+)REGION/(\S+)OTHER/'", DOCUMENT)
    assert said
    old, new = f"{said[1]}{REGION}", f"{said[2]}{ELSEWHERE}"
    s3, key = team.client("s3", ELSEWHERE), ".pulumi/stacks/lost/t.json"
    kept = s3.get_object(Bucket=COPY, Key=key)["Body"].read().decode()
    assert old in kept
    s3.put_object(Bucket=COPY, Key=key, Body=kept.replace(old, new).encode())
    stack_file = engineer.folder / "Pulumi.t.yaml"
    stack_file.write_text(stack_file.read_text().replace(old, new))
    assert f"secretsprovider: {outputs['SecretsProvider']}\n" in stack_file.read_text()
    there = {"PULUMI_BACKEND_URL": f"{outputs['Backend']}&use_path_style=true"}
    assert outputs["Backend"] == f"s3://{COPY}?region={ELSEWHERE}"
    assert SECRET in engineer.ok("stack", "output", "--show-secrets", "--stack", "t", **there)
    engineer.ok(*UP, "--expect-no-changes", **there)
    written = s3.get_object(Bucket=COPY, Key=key)["Body"].read().decode()
    assert new in written
    assert old not in written
