"""Every finder against the local AWS; every type that the components make is found, or may be put again."""

from dataclasses import replace

import pytest

from managed_server import recovery_finders
from managed_server.recovery_finders import FINDERS, PUT_AGAIN, LookUpError, find, finish
from tests import factories
from tests.components.conftest import environment
from tests.recovery.makers import MAKERS, egress, group, launch, role
from tests.recovery.support import ELSEWHERE, urn

GLOBAL = {
    *("aws:iam/role:Role", "aws:iam/instanceProfile:InstanceProfile", "aws:iam/user:User"),
    "aws:iam/group:Group",
}
"""IAM has no regions."""


@pytest.fixture(scope="module")
def components():
    """The AWS resources of a customer as the components register them."""
    far = factories.server("far", hosting="elsewhere", address="198.51.100.20")
    return environment(factories.server(data=factories.DATA), far, baseline=factories.BASELINE).aws


@pytest.mark.parametrize("kind", sorted(FINDERS))
def test_found_while_it_stands_and_where_it_stands(shared, stranger, kind):
    account = replace(shared, name=f"acme-{kind.rpartition(':')[2].lower()}")
    made = MAKERS[kind](account)
    assert account.find(kind, made.inputs) == []
    known = made.create()
    assert account.find(kind, made.inputs) == [known]
    assert replace(stranger, name=account.name).find(kind, made.inputs) == []
    assert account.find(kind, made.inputs, region=ELSEWHERE) == ([known] if kind in GLOBAL else [])
    made.remove(known)
    assert account.find(kind, made.inputs) == []


def test_every_type_of_the_components_is_found_or_put_again(components):
    used = {resource.type for resource in components}
    assert len(used) > 25
    assert used - set(FINDERS) - PUT_AGAIN == set()
    assert set(FINDERS) & PUT_AGAIN == set()


def test_what_the_name_tag_finds_carries_it(components):
    """Without its own Name, a resource that is found by it is made twice."""
    by_tag = {kind for kind, finder in FINDERS.items() if finder.__qualname__.startswith("_tagged")}
    by_tag |= {"aws:ec2/instance:Instance", "aws:kms/key:Key"}
    checked = [resource for resource in components if resource.type in by_tag]
    assert len(checked) > 8
    assert [r.name for r in checked if r.inputs["tags"]["Name"] != r.name] == []


def test_what_the_physical_name_finds_has_a_fixed_one(components):
    """A random name would be another one at the next run."""
    keys = {
        "aws:iam/role:Role": "name",
        "aws:iam/instanceProfile:InstanceProfile": "name",
        "aws:iam/user:User": "name",
        "aws:iam/group:Group": "name",
        "aws:ssm/parameter:Parameter": "name",
        "aws:cloudwatch/logGroup:LogGroup": "name",
        "aws:kms/alias:Alias": "name",
        "aws:s3/bucket:Bucket": "bucket",
        "aws:cloudtrail/trail:Trail": "name",
        "aws:accessanalyzer/analyzer:Analyzer": "analyzerName",
    }
    checked = [resource for resource in components if resource.type in keys]
    assert {resource.type for resource in checked} == set(keys)
    assert [r.name for r in checked if not isinstance(r.inputs.get(keys[r.type]), str)] == []


def test_all_of_one_name_are_found(account):
    """Which of them the state knows is not the finder's matter."""
    both = {launch(account), launch(account)}
    assert set(account.find("aws:ec2/instance:Instance", {})) == both


def test_an_instance_of_another_name_is_another(account):
    launch(account, "acme-thing-2")
    assert account.find("aws:ec2/instance:Instance", {}) == []


def test_a_rule_of_the_other_direction_is_another(account):
    made = egress(account)
    made.create()
    kind = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    assert account.find(kind, made.inputs) == []


def test_a_disabled_key_stands(account):
    made = MAKERS["aws:kms/key:Key"](account)
    known = made.create()
    account.client("kms").disable_key(KeyId=known)
    assert account.find("aws:kms/key:Key", {}) == [known]


def test_a_subnet_of_another_table_is_not_taken_for_ours(account):
    kind = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    made = MAKERS[kind](account)
    made.create()
    vpc = account.ec2.describe_subnets(SubnetIds=[made.inputs["subnetId"]])["Subnets"][0]["VpcId"]
    other = account.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    assert account.find(kind, {**made.inputs, "routeTableId": other}) == []


def test_a_bucket_of_another_account_is_not_ours(account, stranger):
    made = MAKERS["aws:s3/bucket:Bucket"](account)
    made.create()
    assert stranger.find("aws:s3/bucket:Bucket", made.inputs) == []


def test_a_new_group_lets_nothing_out_when_it_is_taken_over(account):
    """EC2 puts a rule into it that lets all out; the provider, killed in between, would have removed it."""
    made = group(account)
    known = made.create()
    kind = "aws:ec2/securityGroup:SecurityGroup"
    resource = {"type": kind, "urn": urn(kind, account.name), "inputs": made.inputs, "id": known}

    def out():
        return account.ec2.describe_security_groups(GroupIds=[known])["SecurityGroups"][0][
            "IpPermissionsEgress"
        ]

    assert [rule["IpProtocol"] for rule in out()] == ["-1"]
    find(resource, account.provider(), account.environ)
    assert len(out()) == 1, "looking changes nothing"
    for _ in range(2):  # a recovery that is itself run again
        finish(resource, account.provider(), account.environ)
        assert out() == []


def test_a_key_that_keeps_us_out_is_passed_over(account, monkeypatch):
    made = MAKERS["aws:kms/key:Key"](account)
    foreign = account.client("kms").create_key()["KeyMetadata"]["KeyId"]
    known = made.create()
    pages = recovery_finders._pages

    def refuse(client, operation, key, **arguments):
        if arguments.get("KeyId") == foreign:
            raise client.exceptions.ClientError(
                {"Error": {"Code": "AccessDeniedException"}}, "ListResourceTags"
            )
        return pages(client, operation, key, **arguments)

    monkeypatch.setattr(recovery_finders, "_pages", refuse)
    assert account.find("aws:kms/key:Key", {}) == [known]


def test_an_aws_that_does_not_answer_is_said(account):
    made = role(account)
    resource = {
        "type": "aws:iam/role:Role",
        "urn": urn("aws:iam/role:Role", account.name),
        "inputs": made.inputs,
    }
    environ = {**account.environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    with pytest.raises(LookUpError, match=f"can't look for {account.name} in AWS: .*127.0.0.1:9"):
        find(resource, account.provider(), environ)
