"""Which stack sets what for an AWS account, and whose account it is."""

import pytest

from managed_server.inputs import load_project
from managed_server.problems import InputError
from managed_server.reports.check import check_stacks
from managed_server.resolve import resolve_stack
from tests.stackfile import STACK, write_stack

ACCOUNT = '"123456789012"'
AWS = f"aws: {{account_id: {ACCOUNT}, region: eu-west-2, backup_region: eu-west-1}}"


def aws(region="eu-west-2", backup_region="eu-west-1", **more):
    """The stack file with other words on AWS."""
    extra = "".join(f", {key}: {value}" for key, value in more.items())
    assert AWS in STACK
    return STACK.replace(
        AWS, f"aws: {{account_id: {ACCOUNT}, region: {region}, backup_region: {backup_region}{extra}}}"
    )


def baseline(root, stack="acme"):
    return resolve_stack(load_project(root), stack)[0].baseline


def said(root, stack):
    with pytest.raises(InputError) as error:
        baseline(root, stack)
    return "\n".join(str(problem) for problem in error.value.problems)


def test_a_stack_sets_everything_in_both_regions(inputs):
    write_stack(inputs)
    found = baseline(inputs)
    assert found.ebs_encryption == found.instance_metadata == found.access_analyzer
    assert found.ebs_encryption == ("eu-west-1", "eu-west-2")
    assert found.public_access_block
    assert found.password_policy
    assert found.trail
    assert {alarm.priority.value for alarm in found.alarms} == {"high", "normal"}
    assert len(found.alarms) == len(load_project(inputs).account_alarms.alarms)


@pytest.mark.parametrize(
    "part",
    [
        *("ebs_encryption", "instance_metadata", "access_analyzer"),
        *("public_access_block", "password_policy", "trail"),
    ],
)
def test_an_account_may_have_a_part_of_its_own(inputs, part):
    write_stack(inputs, aws(baseline=f"{{{part}: false}}"))
    found = baseline(inputs)
    assert not getattr(found, part)
    assert {name for name, _ in found.parts} == {
        *("ebs_encryption", "instance_metadata", "access_analyzer"),
        *("public_access_block", "password_policy", "trail"),
    } - {part}
    assert bool(found.alarms) == (part != "trail")


def test_backups_may_be_in_another_account(inputs):
    write_stack(inputs, aws(backup_account_id='"333333333333"'))
    customer = resolve_stack(load_project(inputs), "acme")[0]
    assert (customer.account_id, customer.backup_account_id) == ("123456789012", "333333333333")
    assert customer.backup_bucket == "ms-acme-backup-333333333333-eu-west-1"
    assert customer.backup_log_bucket == "ms-acme-logs-333333333333-eu-west-1"
    assert customer.delivery_bucket == "ms-acme-delivery-123456789012-eu-west-2"
    assert customer.baseline.ebs_encryption == ("eu-west-2",), "there is nothing else of this account"
    write_stack(inputs, aws(backup_account_id=ACCOUNT))
    assert "aws.backup_account_id: is the account of the servers; name another one" in said(inputs, "acme")


def test_backups_are_in_nobodys_account_of_servers(inputs):
    """Who has rights in it could decrypt them; whichever of the two files is looked at says so."""
    theirs = STACK.replace(ACCOUNT, '"222222222222"')
    write_stack(inputs, theirs, "other")
    write_stack(inputs, aws(backup_account_id='"222222222222"'))
    text = said(inputs, "acme")
    assert "Pulumi.acme.yaml:6: aws.backup_account_id: is the account of the stack 'other'; name one" in text
    text = said(inputs, "other")
    assert "Pulumi.other.yaml:6: aws.account_id: is where the stack 'acme' has its backups; write" in text
    hub = load_project(inputs).provider.hubs["hub"].account_id
    write_stack(inputs, aws(backup_account_id=f'"{hub}"'))
    text = said(inputs, "acme")
    assert "aws.backup_account_id: is the account of the hub 'hub' in provider.yaml; name one" in text
    assert "the stack 'hub'" not in text, "it is said once"
    assert "aws.account_id: is where the stack 'acme' has its backups" in said(inputs, "hub")


def test_stacks_may_have_their_backups_in_one_account(inputs):
    write_stack(inputs, aws(backup_account_id='"333333333333"'))
    text = aws(backup_account_id='"333333333333"').replace(ACCOUNT, '"222222222222"')
    write_stack(inputs, text, "other")
    assert not check_stacks(inputs, ["acme", "other"]).errors


def test_a_slip_in_one_file_is_not_told_of_another(inputs):
    write_stack(inputs, aws(backup_account_id=ACCOUNT))
    write_stack(inputs, aws(shares_account_with="acme"), "second")
    assert not baseline(inputs, "second").trail, "it is right by itself"


def test_a_network_is_given_whole_or_made(inputs):
    write_stack(inputs)
    network = resolve_stack(load_project(inputs), "acme")[0].network
    assert (network.own, network.ipv6) == (True, False)
    given = "{vpc_id: vpc-0123456789abcdef0, subnet_id: subnet-0123456789abcdef0, ipv6: true}"
    write_stack(inputs, aws(network=given))
    network = resolve_stack(load_project(inputs), "acme")[0].network
    assert (network.vpc_id, network.own, network.ipv6) == ("vpc-0123456789abcdef0", False, True)
    write_stack(inputs, aws(network="{vpc_id: vpc-0123456789abcdef0}"))
    assert "aws.network: vpc_id and subnet_id belong together" in said(inputs, "acme")


def test_another_customers_account_is_refused(inputs):
    write_stack(inputs)
    write_stack(inputs, name="other")
    text = said(inputs, "other")
    assert "Pulumi.other.yaml:6: aws.account_id: is the account of the stack 'acme' as well" in text
    assert "write shares_account_with: acme" in text
    assert "the stack 'other'" in said(inputs, "acme"), "whichever of them comes first"


def test_a_comment_is_no_account(inputs):
    write_stack(inputs, f"# account_id: {ACCOUNT}\n" + STACK.replace(ACCOUNT, '"222222222222"'), "other")
    write_stack(inputs)
    assert baseline(inputs).trail


def test_of_a_shared_account_the_first_stack_sets_what_is_the_same(inputs):
    write_stack(inputs)
    write_stack(inputs, aws(shares_account_with="acme"), "second")
    write_stack(inputs, aws("eu-west-2", "eu-central-1", shares_account_with="acme"), "third")
    assert baseline(inputs).trail
    assert baseline(inputs, "second").parts == ()
    assert baseline(inputs, "second").alarms == ()
    parts = ("ebs_encryption", "instance_metadata", "access_analyzer")
    assert baseline(inputs, "third").parts == tuple((part, "eu-central-1") for part in parts)


def test_two_that_set_the_same_are_told_apart_by_check(inputs):
    write_stack(inputs)
    for name in ("second", "third"):
        write_stack(inputs, aws("eu-west-2", "eu-central-1", shares_account_with="acme"), name)
    errors = [
        str(p) for p in check_stacks(inputs, ["acme", "second", "third"]).problems if p.severity == "error"
    ]
    assert len(errors) == 3
    assert all(
        "Pulumi.third.yaml" in error and "stacks/Pulumi.second.yaml sets it as well" in error
        for error in errors
    )
    off = "{ebs_encryption: false, instance_metadata: false, access_analyzer: false}"
    text = aws("eu-west-2", "eu-central-1", shares_account_with="acme", baseline=off)
    write_stack(inputs, text, "third")
    assert not check_stacks(inputs, ["acme", "second", "third"]).errors


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ("second", "aws.shares_account_with: is the stack itself; name the other one"),
        ("acm", "aws.shares_account_with: there is no stack 'acm'; did you mean acme?"),
        ("example", "aws.shares_account_with: the stack 'example' is in another account, '111122223333'"),
        ("third", "aws.shares_account_with: the stack 'third' shares one itself; write 'acme', as it does"),
    ],
)
def test_whom_an_account_is_shared_with_must_be_true(inputs, first, message):
    write_stack(inputs)
    write_stack(inputs, aws(shares_account_with="acme"), "third")
    write_stack(inputs, aws(shares_account_with=first), "second")
    assert message in said(inputs, "second")


def test_patterns_are_within_what_cloudwatch_takes(root):
    """PutMetricFilter, filterPattern: 1024 characters."""
    for alarm in load_project(root).account_alarms.alarms.values():
        assert len(alarm.pattern) <= 1024
        assert alarm.pattern.count("(") == alarm.pattern.count(")")
        assert alarm.pattern.startswith("{")
        assert alarm.pattern.endswith("}")


def test_changes_to_what_the_account_stands_on_are_all_watched(root):
    found = " ".join(alarm.pattern for alarm in load_project(root).account_alarms.alarms.values())
    for event in (
        *("AuthorizeSecurityGroupIngress", "CreateRoute", "DeleteInternetGateway", "CreateNetworkAclEntry"),
        *("ScheduleKeyDeletion", "DisableKey", "PutBucketPolicy", "AttachRolePolicy", "StopLogging"),
    ):
        assert f"$.eventName={event})" in found
    assert '$.userIdentity.type="Root"' in found
    assert '$.additionalEventData.MFAUsed != "Yes"' in found
    assert '$.errorCode="AccessDenied*"' in found
