"""The role that a new account needs: made of its template by CloudFormation, twice, and what it allows."""

import ast

import pytest
from botocore.exceptions import ClientError

from managed_server.local.aws.iam_policy import Request, allowed

from .support import ACCOUNT_TEMPLATE, PROVIDER


def statements(made):
    iam = made.client("iam")
    role = iam.get_role(RoleName="ManagedServerDeploy")["Role"]
    never = iam.get_role_policy(RoleName="ManagedServerDeploy", PolicyName="never")["PolicyDocument"]
    return role, role["AssumeRolePolicyDocument"], ast.literal_eval(never)  # as moto keeps it


def test_it_may_be_run_again(made):
    cloudformation = made.client("cloudformation")
    before = statements(made)
    with pytest.raises(ClientError, match="No updates are to be performed"):
        cloudformation.update_stack(**ACCOUNT_TEMPLATE)
    assert statements(made) == before


def test_the_deploying_account_alone_may_take_it_on(made):
    role, trust, _ = statements(made)
    assert role["MaxSessionDuration"] == 3600

    def may(account):
        names = (f"arn:aws:iam::{account}:role/ci", f"arn:aws:iam::{account}:root", account)
        asked = Request("sts:AssumeRole", role["Arn"], names, {"aws:principalorgid": "o-exampleorg1"})
        everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        return allowed(asked, [everything], trust, both=True)

    assert may(PROVIDER)
    assert not may("999999999999")
    [statement] = trust["Statement"]
    assert statement["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}}


def test_what_a_deploy_must_never_do_is_denied(made):
    role, _, never = statements(made)
    assert (
        "arn:aws:iam::aws:policy/AdministratorAccess" in ACCOUNT_TEMPLATE["TemplateBody"]
    )  # moto attaches none
    all_else = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

    def may(action, resource="*"):
        return allowed(Request(action, resource, (role["Arn"],), {}), [never, all_else])

    for action in (
        "iam:PutRolePolicy",
        "iam:DetachRolePolicy",
        "iam:UpdateAssumeRolePolicy",
        "iam:DeleteRole",
    ):
        assert not may(action, role["Arn"])
        assert may(action, role["Arn"].replace("ManagedServerDeploy", "acme-web1-identity-role"))
    assert not may("s3:BypassGovernanceRetention", "arn:aws:s3:::b/k")
    assert not may("organizations:LeaveOrganization")
    assert not may("iam:CreateLoginProfile")
    assert may("ec2:RunInstances")
