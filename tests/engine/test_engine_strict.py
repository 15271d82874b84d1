"""What the local provider doesn't have is refused by name; what Pulumi adds itself is not."""

import pytest

from tests.engine.local import HEAD, REGION, WITHOUT

pytestmark = pytest.mark.engine

UNKNOWN = [
    pytest.param(
        f'aws.ec2.Vpc("v", cidr_block="10.0.0.0/16", region="{REGION}", opts=here)',
        ["aws:ec2/vpc:Vpc", '"region"'],
        id="a property",
    ),
    pytest.param(
        'aws.ec2.RouteTable("r", vpc_id="vpc-1", routes=[aws.ec2.RouteTableRouteArgs('
        'cidr_block="0.0.0.0/0", gateway_id="igw-1", odb_network_arn="arn:aws:x")], opts=here)',
        ["aws:ec2/routeTable:RouteTable", '"routes.odbNetworkArn"'],
        id="a nested property",
    ),
    pytest.param(
        'aws.ec2.get_ami(most_recent=True, owners=["amazon"], allow_unsafe_filter=True, opts=ask)',
        ["aws:ec2/getAmi:getAmi", '"allowUnsafeFilter"'],
        id="an argument of a function",
    ),
]


@pytest.mark.parametrize(("program", "said"), UNKNOWN)
def test_an_unknown_property_is_refused_by_name(project, program, said):
    done = project.write(program).up()
    assert done.returncode != 0
    assert all(text in done.stdout for text in said), done.stdout


@WITHOUT
def test_without_the_cure_it_is_dropped(project):
    vpc = f'aws.ec2.Vpc("v", cidr_block="10.0.0.0/16", region="{REGION}", opts=here)'
    done = project.write(f'pulumi.export("id", {vpc}.id)').up(off=("strict",))
    assert done.returncode == 0, done.stdout
    assert project.outputs()["id"].startswith("vpc-")


ASSUME = """
import pulumi
import pulumi_aws as aws

provider = aws.Provider("other", region="eu-west-2", assume_roles=[{role}])
ask = pulumi.InvokeOptions(provider=provider)
pulumi.export("account", aws.get_caller_identity(opts=ask).account_id)
"""
ROLE = "arn:aws:iam::222222222222:role/Deploy"


def test_a_role_in_another_account_is_assumed(project):
    role = f'aws.ProviderAssumeRoleArgs(role_arn="{ROLE}")'
    project.write(ASSUME.format(role=role), head="")
    assert project.up().returncode == 0
    assert project.outputs() == {"account": "222222222222"}


def test_a_setting_in_snake_case_is_refused(project):
    """In a plain dictionary it reaches the provider like this; it was dropped, and the role not assumed."""
    done = project.write(ASSUME.format(role=f'{{"role_arn": "{ROLE}"}}'), head="").up()
    assert done.returncode != 0
    assert '"assumeRoles.role_arn"' in done.stdout


@WITHOUT
def test_without_the_cure_the_role_is_not_assumed(project):
    project.write(ASSUME.format(role=f'{{"role_arn": "{ROLE}"}}'), head="")
    done = project.up(off=("strict",))
    assert done.returncode != 0 or project.outputs()["account"] != "222222222222"


def test_the_wrong_account_is_refused(project):
    head = HEAD.replace('region="', 'allowed_account_ids=["333333333333"], region="')
    done = project.write('aws.ec2.Eip("e", opts=here)', head=head).up()
    assert done.returncode != 0
    assert "AWS account ID not allowed: 123456789012" in done.stdout


def test_what_pulumi_adds_is_accepted(project):
    """A version, options, secrets and unknown values in the inputs."""
    program = """
    first = aws.ssm.Parameter("a", type="SecureString", value=pulumi.Output.secret("quiet"), opts=here)
    aws.ssm.Parameter(
        "b", type="String", value=first.arn, tags={"from": first.name}, opts=pulumi.ResourceOptions(
            provider=provider, version="7.51.1", ignore_changes=["tags"], protect=False,
            custom_timeouts=pulumi.CustomTimeouts(create="1m")))
    """
    done = project.write(program).up()
    assert done.returncode == 0, done.stdout
    assert "quiet" not in project.state()
