"""Each cure on the real engine, and the fault that shows without it."""

import boto3
import pytest

from tests.engine.local import DEFAULT_TAGS, HEAD, REGION, WITHOUT

pytestmark = pytest.mark.engine

NAMES = """
    bucket = aws.s3.Bucket("Data", opts=here)
    key = aws.kms.Key("key", deletion_window_in_days=7, opts=here)
    alias = aws.kms.Alias("key", target_key_id=key.id, opts=here)
    group = aws.ec2.SecurityGroup("web", opts=here)
    topic = aws.sns.Topic("alarms", opts=here)
    mail = aws.sns.TopicSubscription(
        "mail", topic=topic.arn, protocol="sqs", endpoint="arn:aws:sqs:eu-west-2:123456789012:q", opts=here)
    for name in ("bucket.bucket", "alias.name", "group.description", "mail.topic"):
        thing, attribute = name.split(".")
        pulumi.export(name, getattr(globals()[thing], attribute))
"""


def test_automatic_names_are_pulumis(project):
    assert project.write(NAMES).up().returncode == 0
    outputs = project.outputs()
    assert outputs["bucket.bucket"].startswith("data-")
    assert outputs["alias.name"].startswith("alias/key-")
    assert outputs["group.description"] == "Managed by Pulumi"
    assert outputs["mail.topic"].startswith("arn:aws:sns:")


@WITHOUT
def test_without_the_cure_names_are_not_pulumis(project):
    """The single object of default tags is a list there; without it, the subscription has no `topic`."""
    done = project.write(NAMES).up(off=("names",))
    assert done.returncode != 0
    assert "default_tags" in done.stdout
    topic = """
    topic = aws.sns.Topic("t", opts=here)
    aws.sns.TopicSubscription("s", topic=topic.arn, protocol="sqs", endpoint="x", opts=here)
    """
    done = project.write(topic, head=HEAD.replace(f", {DEFAULT_TAGS}", "")).up(off=("names",))
    assert done.returncode != 0
    assert 'aws:sns/topicSubscription:TopicSubscription has no property "topic"' in done.stdout


DOCUMENT = """
    aws.iam.Role("role", assume_role_policy={
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "x.example"}}],
    }, opts=here)
"""


def test_a_policy_may_be_a_dictionary(project):
    assert project.write(DOCUMENT).up().returncode == 0
    project.ok("preview", "--stack", "t", "--expect-no-changes")


@WITHOUT
def test_without_the_cure_a_policy_may_not_be_a_dictionary(project):
    done = project.write(DOCUMENT).up(off=("documents",))
    assert done.returncode != 0
    assert "assumeRolePolicy" in done.stdout or "assume_role_policy" in done.stdout


PREFIX = """
    document = aws.iam.get_policy_document(statements=[aws.iam.GetPolicyDocumentStatementArgs(
        actions=["sts:AssumeRole"],
        principals=[aws.iam.GetPolicyDocumentStatementPrincipalArgs(
            type="Service", identifiers=["ec2.amazonaws.com"])],
    )], opts=ask)
    role = aws.iam.Role("role", name_prefix="machine-", assume_role_policy=document.json, opts=here)
    bucket = aws.s3.Bucket("bucket", bucket_prefix="store-", opts=here)
    pulumi.export("role", role.name)
    pulumi.export("bucket", bucket.bucket)
"""


def test_a_prefix_replaces_the_automatic_name(project):
    done = project.write(PREFIX).up()
    assert done.returncode == 0, done.stdout
    outputs = project.outputs()
    assert outputs["role"].startswith("machine-")
    assert outputs["bucket"].startswith("store-")
    project.ok("preview", "--stack", "t", "--expect-no-changes")


@WITHOUT
def test_without_the_cure_a_prefix_conflicts(project):
    done = project.write(PREFIX).up(off=("name-prefix",))
    assert done.returncode != 0
    assert "conflicts with" in done.stdout.lower() or "conflicting" in done.stdout.lower()


ACCOUNT = """
    aws.s3.AccountPublicAccessBlock("all", block_public_acls=True, block_public_policy=True, opts=here)
"""


def test_s3_is_asked_of_a_whole_account(project):
    done = project.write(ACCOUNT).up(HTTP_PROXY="http://192.0.2.1:3128", NO_PROXY="*")
    assert done.returncode == 0, done.stdout
    project.ok("refresh", "--yes", "--skip-preview", "--stack", "t", "--expect-no-changes")
    project.ok("preview", "--stack", "t", "--expect-no-changes")


@WITHOUT
def test_without_the_cure_no_host_has_the_accounts_name(project):
    nobody = "http://127.0.0.1:9"  # not the proxy that watches what all tests here ask of the network
    done = project.write(ACCOUNT).up(off=("account-host",), HTTP_PROXY=nobody)
    assert done.returncode != 0
    assert "PutPublicAccessBlock" in done.stdout
    assert "123456789012.127.0.0.1" in done.stdout


EMPTY = 'pulumi.export("said", pulumi.Config().get("word") or "nothing")'


def test_a_stack_needs_no_configuration(project):
    assert project.write(EMPTY, head="import pulumi\n").up().returncode == 0
    assert project.outputs() == {"said": "nothing"}
    project.ok("config", "set", "word", "something", "--stack", "t")
    assert project.up().returncode == 0
    assert project.outputs() == {"said": "something"}


@WITHOUT
def test_without_the_cure_a_stack_needs_configuration(project):
    done = project.write(EMPTY, head="import pulumi\n").up(off=("empty-config",))
    assert done.returncode != 0
    assert "NoneType" in done.stdout


MACHINE = """
    import os
    image = aws.ec2.get_ami(most_recent=True, owners=["amazon"], opts=ask)
    machine = aws.ec2.Instance(
        "web", ami=image.id, instance_type="t3.micro", user_data="#!/bin/sh\\ntrue\\n",
        root_block_device=aws.ec2.InstanceRootBlockDeviceArgs(volume_size=20, encrypted=True),
        tags={"Turn": os.environ.get("TURN", "1")}, opts=here)
    address = aws.ec2.Eip("web", domain="vpc", opts=here)
    aws.ec2.EipAssociation("web", allocation_id=address.id, instance_id=machine.id, opts=here)
    pulumi.export("id", machine.id)
"""


def client(endpoint, service):
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    return boto3.client(service, endpoint_url=endpoint, region_name=REGION, **keys)


def attach_volume(endpoint, instance):
    """By hand, since the provider's own resource takes half a minute here."""
    ec2 = client(endpoint, "ec2")
    zone = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["Placement"]
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "Stack", "Value": "t"}]}]
    volume = ec2.create_volume(AvailabilityZone=zone["AvailabilityZone"], Size=8, TagSpecifications=tags)
    ec2.attach_volume(Device="/dev/sdf", InstanceId=instance, VolumeId=volume["VolumeId"])


def test_an_instance_is_updated_and_refreshes_are_clean(project, moto, tmp_path):
    """One instance for two cures, since it takes ten seconds to make."""
    refresh = ("refresh", "--yes", "--skip-preview", "--stack", "t", "--expect-no-changes")
    done = project.write(MACHINE).up()
    assert done.returncode == 0, done.stdout
    made = project.outputs()["id"]
    attach_volume(moto, made)

    for _ in range(3):
        project.ok(*refresh)
    project.ok(*refresh, off=("refresh",))  # this one puts the hash into the state, and still is clean
    without = project.run(*refresh, off=("refresh",))
    assert without.returncode != 0
    assert "aws:ec2:Instance web updated" in without.stdout
    project.ok("up", "--yes", "--skip-preview", "--stack", "t", "--expect-no-changes")
    project.ok(*refresh)

    log = tmp_path / "terraform.log"
    failed = project.up(off=("null-blocks",), TURN="2", MANAGED_SERVER_TERRAFORM_LOG=str(log))
    assert failed.returncode != 0
    assert "EOF" in failed.stdout or "error reading from server" in failed.stdout
    assert "panic" in log.read_text()
    done = project.up(TURN="3")
    assert done.returncode == 0, done.stdout
    assert project.outputs()["id"] == made


FILE = """
    bucket = aws.s3.Bucket("bucket", opts=here)
    bundle = pulumi.FileAsset("build/bundle")
    aws.s3.BucketObjectv2("bundle", bucket=bucket.id, key="k", source=bundle, opts=here)
    pulumi.export("bucket", bucket.bucket)
"""


def test_a_file_is_uploaded_and_only_its_hash_is_kept(project, moto):
    """And nothing asks for the file again: neither a refresh nor its end, nor a run with another one."""
    bundle = project.folder / "build" / "bundle"
    bundle.parent.mkdir()
    bundle.write_bytes(b"one " * 1000)
    assert project.write(FILE).up().returncode == 0
    s3 = client(moto, "s3")
    bucket = project.outputs()["bucket"]
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"one " * 1000
    assert "one one" not in project.ok("stack", "export", "--stack", "t")
    project.ok("preview", "--stack", "t", "--expect-no-changes")
    bundle.unlink()
    project.ok("refresh", "--yes", "--skip-preview", "--stack", "t", "--expect-no-changes")
    bundle.write_bytes(b"two")
    assert project.up().returncode == 0
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"two"
    bundle.unlink()
    project.ok("destroy", "--yes", "--skip-preview", "--stack", "t")


@WITHOUT
def test_without_the_cure_a_file_is_refused(project):
    bundle = project.folder / "build" / "bundle"
    bundle.parent.mkdir()
    bundle.write_bytes(b"one")
    done = project.write(FILE).up(off=("files",))
    assert done.returncode != 0
    assert 'on property "source"' in done.stdout
