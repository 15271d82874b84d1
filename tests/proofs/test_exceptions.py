"""Exceptions from the policies in a stack file: what is refused, and what is warned of."""

import dataclasses
import datetime

import pytest

from managed_server.inputs import load_project
from managed_server.problems import InputError
from managed_server.resolve import resolve_stack
from tests.conftest import ROOT
from tests.stackfile import STACK, write_stack

TODAY = datetime.date(2026, 12, 1)
FILE = "stacks/Pulumi.acme.yaml"
GRANT = """\
    exceptions:
      - control: EC2.8
        resource: acme-web1-instance
        reason: containers ask for metadata through a bridge
        owner: ops@hosting.example
        expires: 2027-06-30
"""
FIRST = STACK.count("\n") + 2  # the line of the exception's control


@pytest.fixture(scope="module")
def project():
    return load_project(ROOT)


@pytest.fixture
def resolved(project, tmp_path):
    """Resolve the stack with exceptions on a day; returns what is said of them."""

    def run(text=GRANT, today=TODAY):
        (tmp_path / "stacks").mkdir()
        write_stack(tmp_path, STACK + text)
        drafted = dataclasses.replace(project, drafts=tmp_path)
        try:
            _, warnings = resolve_stack(drafted, "acme", today)
        except InputError as error:
            return [str(problem) for problem in error.problems]
        return [str(problem) for problem in warnings]

    return run


def test_a_good_one_is_accepted_in_silence(resolved):
    assert resolved() == []


@pytest.mark.parametrize("control", ["ec2-instance-imdsv2-only", "aws-resource-required-tags", "EC2.180"])
def test_a_rule_may_be_named_by_itself(resolved, control):
    assert resolved(GRANT.replace("EC2.8", control)) == []


WRONG = {
    "unknown control": (
        "EC2.8",
        "EC2.888",
        f"{FILE}:{FIRST}: exceptions[0].control: unknown control 'EC2.888'; did you mean EC2.8 or",
    ),
    "unknown rule": (
        "EC2.8",
        "ec2-instance-imds",
        f"{FILE}:{FIRST}: exceptions[0].control: unknown control 'ec2-instance-imds'; did you mean",
    ),
    "unknown resource": (
        "acme-web1-instance",
        "acme-web2-instance",
        (
            f"{FILE}:{FIRST + 1}: exceptions[0].resource: the customer has no resource 'acme-web2-instance'; "
            "did you mean acme-web1-instance"
        ),
    ),
    "no resource at all": (
        "acme-web1-instance",
        "i-0123456789",
        (
            f"{FILE}:{FIRST + 1}: exceptions[0].resource: the customer has no resource 'i-0123456789'; "
            "`pulumi stack -s CUSTOMER` lists them"
        ),
    ),
    "another kind of resource": (
        "acme-web1-instance",
        "acme-data-key",
        (
            f"{FILE}:{FIRST + 1}: exceptions[0].resource: 'acme-data-key' is a kms.Key, and EC2.8 "
            "judges only ec2.Instance"
        ),
    ),
    "a rule on providers": (
        "EC2.8",
        "aws-provider-account-pinned",
        (
            f"{FILE}:{FIRST + 1}: exceptions[0].resource: 'acme-web1-instance' is a ec2.Instance, and "
            "aws-provider-account-pinned judges nothing that a stack file can name"
        ),
    ),
    "no owner": (
        "        owner: ops@hosting.example\n",
        "",
        f"{FILE}:{FIRST}: config.managed-server:customer.exceptions[0]: the key 'owner' is missing; add it",
    ),
    "an owner who can't be reached": (
        "ops@hosting.example",
        "operations",
        f"{FILE}:{FIRST + 3}: exceptions[0].owner: 'operations' is not",
    ),
    "no end": (
        "        expires: 2027-06-30\n",
        "",
        "the key 'expires' is missing; add it",
    ),
    "an end that is no date": ("2027-06-30", "never", f"{FILE}:{FIRST + 4}: exceptions[0].expires: "),
    "no reason": ("containers ask for metadata through a bridge", '""', "exceptions[0].reason: "),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_refused_with_file_and_line(resolved, kind):
    old, new, message = WRONG[kind]
    assert GRANT.count(old) == 1
    (said,) = resolved(GRANT.replace(old, new))
    assert message.replace("config.managed-server:customer.", "") in said


def test_the_same_twice_is_refused(resolved):
    (said,) = resolved(GRANT + GRANT.partition("\n")[2])
    assert said == f"{FILE}:{FIRST + 5}: exceptions[1]: is exceptions[0] again; keep one of the two"


def test_other_faults_of_the_file_do_not_hide_an_unknown_control(project, tmp_path):
    (tmp_path / "stacks").mkdir()
    write_stack(tmp_path, (STACK + GRANT).replace("nginx, php", "ngnix").replace("EC2.8", "EC2.888"))
    drafted = dataclasses.replace(project, drafts=tmp_path)
    with pytest.raises(InputError) as raised:
        resolve_stack(drafted, "acme", TODAY)
    said = str(raised.value)
    assert "unknown software 'ngnix'" in said
    assert "unknown control 'EC2.888'" in said


@pytest.mark.parametrize(
    ("today", "word"),
    [("2027-05-30", None), ("2027-05-31", "ends on 2027-06-30"), ("2027-06-30", "ends on 2027-06-30")],
)
def test_the_end_is_announced(resolved, today, word):
    said = resolved(today=datetime.date.fromisoformat(today))
    assert len(said) == (word is not None)
    if word:
        assert (
            f"{FILE}:{FIRST}: exceptions[0]: the exception of acme-web1-instance from EC2.8 {word}: "
            in said[0]
        )
        assert "ops@hosting.example" in said[0]


@pytest.mark.parametrize("today", ["2027-07-01", "2028-01-01"])
def test_an_ended_one_is_a_warning_for_ever(resolved, today):
    (said,) = resolved(today=datetime.date.fromisoformat(today))
    assert "the exception of acme-web1-instance from EC2.8 ended on 2027-06-30: ops@hosting.example" in said


def test_one_that_lasts_long_is_a_warning(resolved):
    (said,) = resolved(GRANT.replace("2027-06-30", "2029-01-01"))
    assert "lasts more than a year; let somebody look again before that" in said
