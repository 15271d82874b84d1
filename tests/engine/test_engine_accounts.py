"""Two customers and a hub, each in an account of its own; and credentials that reach the wrong one."""

import json

import boto3
import pytest

from tests.engine.local import REGION

pytestmark = pytest.mark.engine

ACCOUNTS = {"acme": "511122223333", "widgets": "644455556666", "hub": "777788889999"}
THREE = f"""
import pulumi
import pulumi_aws as aws

from components.providers import ProviderArgs, aws_provider

for customer, account in {ACCOUNTS!r}.items():
    provider = aws_provider(customer, ProviderArgs(customer, account, "{REGION}", "Deployer"))
    aws.ssm.Parameter(
        f"{{customer}}-who", name="/who", type="String", value=customer,
        opts=pulumi.ResourceOptions(provider=provider))
"""
# As components.providers makes it, but that the role is in another customer's account.
WRONG = f"""
import pulumi
import pulumi_aws as aws

provider = aws.Provider(
    "acme", region="{REGION}", allowed_account_ids=["{ACCOUNTS["acme"]}"],
    assume_roles=[aws.ProviderAssumeRoleArgs(
        role_arn="arn:aws:iam::{ACCOUNTS["widgets"]}:role/Deployer")])
first = aws.ssm.Parameter(
    "first", name="/wrong", type="String", value="x", opts=pulumi.ResourceOptions(provider=provider))
"""


@pytest.fixture
def parameters(moto):
    """The parameters of an account, by name."""

    def read(account):
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        sts = boto3.client("sts", endpoint_url=moto, region_name=REGION, **keys)
        role = f"arn:aws:iam::{account}:role/Reader"
        given = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        ssm = boto3.client(
            "ssm",
            endpoint_url=moto,
            region_name=REGION,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )
        found = [one["Name"] for one in ssm.describe_parameters()["Parameters"]]
        return {name: ssm.get_parameter(Name=name)["Parameter"]["Value"] for name in found}

    return read


def test_three_accounts_each_have_their_own(project, parameters):
    done = project.write(THREE, head="").up()
    assert done.returncode == 0, done.stdout
    assert {account: parameters(account) for account in ACCOUNTS.values()} == {
        account: {"/who": customer} for customer, account in ACCOUNTS.items()
    }


def test_credentials_that_reach_another_account_create_nothing(project, parameters):
    done = project.write(WRONG, head="").up()
    assert done.returncode != 0
    assert f"AWS account ID not allowed: {ACCOUNTS['widgets']}" in done.stdout
    resources = json.loads(project.state())["checkpoint"]["latest"].get("resources") or []
    assert [one["urn"] for one in resources if one["type"].startswith("aws:")] == []
    assert all("/wrong" not in parameters(account) for account in ACCOUNTS.values())
