"""Exceptions: what a stack file grants for one resource and one rule, and nothing else."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from policy_judge import Thing, judge
from policy_things import ACCESS_BLOCK, BACKUP, INSTANCE, VOLUME
from rules import ALL, POLICIES, ended, exceptions
from rules.ended import EXCEPTION_ENDED

BY_NAME = {policy.name: policy for policy in ALL}
TODAY = datetime.date(2026, 2, 28)
GRANT = """\
config:
  managed-server:customer:
    name: Acme Widgets Ltd
    exceptions:
      - control: {control}
        resource: {resource}
        reason: containers ask for metadata through a bridge
        owner: ops@hosting.example
        expires: {expires}
"""
HOPS = INSTANCE.having("metadataOptions.httpPutResponseHopLimit", 2)
IMDS = BY_NAME["ec2-instance-imdsv2-only"]


@pytest.fixture
def stacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(exceptions, "STACKS", tmp_path)
    monkeypatch.setattr(ended, "today", lambda: TODAY)  # a run of the tests may pass midnight
    exceptions._of_file.cache_clear()
    return tmp_path


def filled(text: str, values: dict[str, str]) -> str:
    for key, value in values.items():
        text = text.replace(f"{{{key}}}", value)
    return text


def write(stacks: Path, text: str = GRANT, stack: str = "acme", **changes: Any) -> None:
    values = {"control": "EC2.8", "resource": "web1", "expires": TODAY.isoformat(), **changes}
    (stacks / f"Pulumi.{stack}.yaml").write_text(filled(text, values))


def said(rule: Any, *things: Thing) -> list[str]:
    return [message for message, _ in judge(rule, *things).violations]


@pytest.mark.parametrize("control", ["EC2.8", "ec2-instance-imdsv2-only"])
@pytest.mark.parametrize("quoted", ["", '"'])
def test_it_holds_by_control_or_by_rule(stacks: Path, control: str, quoted: str) -> None:
    write(stacks, control=control, expires=f"{quoted}{TODAY.isoformat()}{quoted}")
    assert said(IMDS, HOPS) == []


def test_a_date_as_pulumi_rewrites_it_is_a_date(stacks: Path) -> None:
    write(stacks, expires=f"{TODAY.isoformat()} 00:00:00 +0000 UTC")
    assert said(IMDS, HOPS) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"control": "EC2.9"},
        {"control": "ec2.8"},
        {"resource": "web2"},
        {"resource": "web"},
        {"stack": "other"},
    ],
    ids=str,
)
def test_it_holds_for_nothing_else(stacks: Path, changes: dict[str, str]) -> None:
    write(stacks, **changes)
    assert len(said(IMDS, HOPS)) == 1


def test_others_of_the_same_kind_are_judged(stacks: Path) -> None:
    write(stacks)
    assert len(said(IMDS, HOPS, HOPS.but(name="web2"))) == 1


def test_a_rule_of_several_controls_is_named_by_any(stacks: Path) -> None:
    rule = BY_NAME["iam-policy-no-decryption-by-any-key"]
    assert rule.source.controls == ("KMS.1", "KMS.2")
    text = '{"Statement": {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}}'
    policy = Thing("aws:iam/rolePolicy:RolePolicy", "web1", {"policy": text})
    assert len(said(rule, policy)) == 1
    write(stacks, control="KMS.2")
    exceptions._of_file.cache_clear()
    assert said(rule, policy) == []


def test_of_a_rule_on_the_stack_the_resource_at_fault_counts(stacks: Path) -> None:
    rule = BY_NAME["s3-bucket-public-access-blocked"]
    block = ACCESS_BLOCK.having("blockPublicAcls", to=False)
    write(stacks, control="S3.8", resource="backup")
    assert len(said(rule, BACKUP, block)) == 1
    write(stacks, control="S3.8", resource=block.name)
    exceptions._of_file.cache_clear()
    assert said(rule, BACKUP, block) == []
    assert len(said(rule, BACKUP)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "config: [",
        "config: {}\n",
        "config:\n  managed-server:customer:\n    exceptions: EC2.8\n",
        "config:\n  managed-server:customer:\n    exceptions: [EC2.8]\n",
        GRANT.replace("        reason: containers ask for metadata through a bridge\n", ""),
        GRANT.replace("{expires}", "never"),
        GRANT.replace("{expires}", "2027"),
        GRANT.replace("ops@hosting.example", "[ops]"),
    ],
)
def test_what_cannot_be_read_grants_nothing(stacks: Path, text: str) -> None:
    write(stacks, text)
    assert len(said(IMDS, HOPS)) == 1


def test_without_a_stack_file_nothing_is_granted(stacks: Path) -> None:
    assert list(stacks.iterdir()) == []
    assert len(said(IMDS, HOPS)) == 1


@pytest.mark.parametrize("stack", ["../acme", "a/b", ""])
def test_a_stacks_name_is_no_path(stacks: Path, stack: str) -> None:
    write(stacks)
    assert exceptions.granted(f"urn:pulumi:{stack}::p::aws:ec2/instance:Instance::web1") == ()


def test_the_name_of_a_resource_is_read_whole() -> None:
    assert exceptions.name_in_stack("urn:pulumi:a::p::managed-server:index:X$aws:ec2/vpc:Vpc::a::b") == "a::b"


@pytest.mark.parametrize(("days", "ended"), [(-1, True), (0, False), (1, False)])
def test_one_that_has_ended_still_holds_and_says_so(stacks: Path, days: int, ended: bool) -> None:  # noqa: FBT001
    expires = TODAY + datetime.timedelta(days=days)
    write(stacks, expires=expires.isoformat())
    assert said(IMDS, HOPS) == []
    answer = judge(EXCEPTION_ENDED, HOPS, VOLUME)
    assert answer.violations == [], "an advisory stops nothing"
    assert len(answer.advisories) == int(ended)
    if ended:
        for text in ("'web1'", "EC2.8", expires.isoformat(), "ops@hosting.example", "containers ask for"):
            assert text in answer.advisories[0]


def test_an_ended_one_is_advised_about_and_no_more() -> None:
    assert [one.name for one in POLICIES if one not in ALL] == [EXCEPTION_ENDED.name]


def test_stack_files_are_beside_the_pack(root: Path) -> None:
    assert root / "stacks" == exceptions.STACKS
    assert list(exceptions.STACKS.glob("Pulumi.*.yaml"))
