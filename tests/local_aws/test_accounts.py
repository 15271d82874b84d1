"""Accounts and regions are kept apart, and what AWS keeps unique is unique."""

import concurrent.futures

import pytest
from botocore.exceptions import ClientError

from managed_server.local.aws.client import client

from .support import Aws

OWNER = "136693071363"
TRUST = '{"Version":"2012-10-17","Statement":[]}'
REGIONS = ("eu-west-2", "eu-west-1")


def test_an_assumed_role_decides_the_account(cured):
    for account in ("111122223333", "444455556666"):
        identity = client(cured, "sts", account, "eu-west-2").get_caller_identity()
        assert identity["Account"] == account
        assert f"::{account}:assumed-role/" in identity["Arn"]


def test_two_accounts_in_two_regions_are_kept_apart(cured):
    accounts = ("511122223333", "644455556666")
    places = [Aws(cured, region, account) for account in accounts for region in REGIONS]
    for place in places:
        place.client("ssm").put_parameter(Name="/who", Value=place.account + place.region, Type="String")
        place.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")
        place.client("iam").create_role(RoleName=place.region, AssumeRolePolicyDocument=TRUST)
    for place in places:
        value = place.client("ssm").get_parameter(Name="/who")["Parameter"]["Value"]
        assert value == place.account + place.region
        only = [{"Name": "cidr", "Values": ["10.9.0.0/16"]}]
        vpcs = place.client("ec2").describe_vpcs(Filters=only)["Vpcs"]
        assert [vpc["OwnerId"] for vpc in vpcs] == [place.account]
        # Roles are the account's, in all its regions.
        roles = place.client("iam").list_roles()["Roles"]
        assert {role["Arn"] for role in roles} == {f"arn:aws:iam::{place.account}:role/{r}" for r in REGIONS}


def test_every_account_and_region_has_the_images(cured):
    found = {}
    for account in ("711122223333", "844455556666"):
        for region in REGIONS:
            images = client(cured, "ec2", account, region).describe_images(Owners=[OWNER])["Images"]
            found[account, region] = {image["Name"]: image for image in images}
    one, *others = found.values()
    assert all(set(images) == set(one) for images in others)
    ids = {
        place: {name: image["ImageId"] for name, image in images.items()} for place, images in found.items()
    }
    assert ids["711122223333", "eu-west-2"] == ids["844455556666", "eu-west-2"]
    assert not set(ids["711122223333", "eu-west-2"].values()) & set(ids["711122223333", "eu-west-1"].values())


@pytest.mark.parametrize("release", ["12", "13"])
@pytest.mark.parametrize(("debian", "architecture"), [("amd64", "x86_64"), ("arm64", "arm64")])
def test_the_usual_filters_find_the_images(aws, release, debian, architecture):
    filters = {
        "name": f"debian-{release}-{debian}-*",
        "architecture": architecture,
        "virtualization-type": "hvm",
        "root-device-type": "ebs",
        "state": "available",
    }
    images = aws.client("ec2").describe_images(
        Owners=[OWNER], Filters=[{"Name": name, "Values": [value]} for name, value in filters.items()]
    )["Images"]
    assert len(images) == 2, "two builds, so that the newest is a choice; none of backports"
    for image in images:
        assert (image["RootDeviceName"], image["OwnerId"], image["Public"]) == ("/dev/xvda", OWNER, True)
        assert image["CreationDate"][:10].replace("-", "") == image["Name"].split("-")[3]
        [root] = image["BlockDeviceMappings"]
        assert root["Ebs"]["VolumeSize"] == 8
    assert aws.launch(ImageId=images[0]["ImageId"])


def test_names_that_aws_keeps_unique(aws):
    ssm, kms, iam, ec2 = (aws.client(service) for service in ("ssm", "kms", "iam", "ec2"))
    ssm.put_parameter(Name="/a", Value="1", Type="String")
    with pytest.raises(ClientError, match="ParameterAlreadyExists"):
        ssm.put_parameter(Name="/a", Value="2", Type="String")
    assert ssm.get_parameter(Name="/a")["Parameter"]["Value"] == "1"
    ssm.put_parameter(Name="/a", Value="2", Type="String", Overwrite=True)
    key, other = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    kms.create_alias(AliasName="alias/a", TargetKeyId=key)
    with pytest.raises(ClientError, match="AlreadyExists"):
        kms.create_alias(AliasName="alias/a", TargetKeyId=other)
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    with pytest.raises(ClientError, match="EntityAlreadyExists"):
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    iam.create_instance_profile(InstanceProfileName="p")
    with pytest.raises(ClientError, match="EntityAlreadyExists"):
        iam.create_instance_profile(InstanceProfileName="p")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)
    with pytest.raises(ClientError, match=r"InvalidGroup\.Duplicate"):
        ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)
    bucket = aws.bucket()
    with pytest.raises(ClientError, match="BucketAlreadyExists"):
        Aws(aws.local).client("s3").create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
        )


def test_launches_at_once_keep_their_own_options_and_addresses(aws):
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    image = aws.image()["ImageId"]

    def launch(number: int) -> tuple[int, str]:
        recovery = "disabled" if number % 2 else "default"
        return number, aws.launch(
            ImageId=image,
            SubnetId=subnet,
            DisableApiTermination=bool(number % 2),
            MaintenanceOptions={"AutoRecovery": recovery},
        )

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        launched = dict(pool.map(launch, range(36)))
    addresses = set()
    for number, instance_id in launched.items():
        instance = aws.instance(instance_id)
        addresses.add(instance["PrivateIpAddress"])
        assert instance["MaintenanceOptions"]["AutoRecovery"] == ("disabled" if number % 2 else "default")
        value = ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="disableApiTermination")
        assert value["DisableApiTermination"]["Value"] is bool(number % 2)
    assert len(addresses) == 36
