"""Every rule against its cases, and against values that aren't known yet."""

from functools import cache
from typing import Any

import cases_account
import cases_backup
import cases_clear
import cases_compute
import cases_identity
import cases_network
import cases_paging
import cases_settings
import cases_storage
import cases_trail
import cases_unknown
import pytest
from policy_cases import Case
from policy_judge import LATER, Thing, judge, said_of, violated
from policy_things import (
    ACCESS_BLOCK,
    ALARM,
    BACKUP,
    DEFAULT_GROUP,
    FILTER,
    FILTERS,
    INSTANCE,
    POLICY,
    STACK,
    TRAIL_ALARMS,
    VERSIONING,
    VPC,
    at_preview,
)
from pulumi_policy import Policy
from rules import ALL, base

MODULES = (
    cases_compute,
    cases_network,
    cases_storage,
    cases_backup,
    cases_account,
    cases_trail,
    cases_identity,
    cases_settings,
    cases_clear,
    cases_paging,
)
CASES: list[Case] = [case for module in MODULES for case in module.CASES]
BY_NAME = {policy.name: policy for policy in ALL}
# Of the filters of a trail, which one rule judges alike, and their alarms, one is enough.
ALIKE = [one.name for one in (*FILTERS.values(), *TRAIL_ALARMS) if one not in (FILTER, TRAIL_ALARMS[0])]
UNLIKE = [thing for thing in STACK if thing.name not in ALIKE]
BUCKETLESS = [thing for thing in STACK if not thing.type.startswith("aws:s3/")]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case) -> None:
    answer = judge(BY_NAME[case.rule], *case.things, config=case.config)
    assert tuple(message for message, _ in answer.violations) == case.says
    assert answer.advisories == []
    # An exception may name a resource of these types, and no other.
    assert {urn.split("::")[2] for _, urn in answer.violations if urn} <= set(BY_NAME[case.rule].types)


@pytest.mark.parametrize("policy", ALL, ids=lambda policy: policy.name)
def test_every_rule_has_its_three_kinds_of_case(policy: Any) -> None:
    assert {case.kind for case in CASES if case.rule == policy.name} == {"pass", "fail", "missing"}
    failing = [case for case in CASES if case.rule == policy.name and case.kind == "fail"]
    assert all(len(case.says) == 1 and "must" in case.says[0] for case in failing)


def test_no_case_is_for_a_rule_that_does_not_exist() -> None:
    assert {case.rule for case in CASES} == set(BY_NAME)


def test_the_whole_clean_stack_passes() -> None:
    assert said_of(ALL, *STACK) == {}


def test_the_clean_stack_passes_at_its_first_preview() -> None:
    assert said_of(ALL, *[at_preview(thing) for thing in STACK]) == {}


def _paths(value: Any, prefix: str = "") -> list[str]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, one in pairs for path in (f"{prefix}{key}", *_paths(one, f"{prefix}{key}."))]


@cache
def _looked_at(policy: Policy) -> frozenset[str]:
    """The types of which a rule on the stack asks for resources: others can't change what it says."""
    seen: set[str] = set()
    plain = base.Stack.of

    def of(stack: base.Stack, *types: str) -> list[base.Resource]:
        seen.update(types)
        return plain(stack, *types)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base.Stack, "of", of)
        judge(policy, *STACK)
    return frozenset(seen)


@pytest.mark.parametrize("thing", UNLIKE, ids=lambda thing: f"{thing.type}-{thing.name}")
def test_an_unknown_value_is_never_a_violation_and_never_a_crash(thing: Thing) -> None:
    concerned = [one for one in ALL if isinstance(one, base.ResourceRule) or thing.type in _looked_at(one)]
    others = [one for one in STACK if one is not thing]
    for path in _paths(thing.props):
        assert violated(concerned, thing.having(path, LATER), *others) == set(), path


@pytest.mark.parametrize(("name", "path", "things"), cases_unknown.CASES)
def test_what_cannot_be_judged_at_preview_is_said(name: str, path: str, things: tuple[Thing, ...]) -> None:
    answer = judge(BY_NAME[name], *things)
    assert answer.violations == []
    (advisory,) = answer.advisories
    assert f"can't run policy '{name}'" in advisory
    assert f".{path} can't be known during preview" in advisory


def test_every_rule_that_hangs_on_a_value_says_when_it_is_unknown() -> None:
    tested = {name for name, _, _ in cases_unknown.CASES}
    assert set(BY_NAME) - tested == set(cases_unknown.NEVER)


def test_what_is_known_is_judged_beside_what_is_not() -> None:
    instance = INSTANCE.having("metadataOptions.httpTokens", LATER)
    instance = instance.having("metadataOptions.httpPutResponseHopLimit", 2)
    answer = judge(BY_NAME["ec2-instance-imdsv2-only"], instance)
    assert [message for message, _ in answer.violations] == [cases_compute.HOPS]
    assert answer.advisories == []


def test_a_lifecycle_that_the_provider_will_tell_is_no_advisory_of_each_first_preview() -> None:
    answer = judge(BY_NAME["s3-backup-bucket-never-expires"], BACKUP.having("lifecycleRules", LATER))
    assert (answer.violations, answer.advisories) == ([], [])


def test_a_new_topic_is_an_action_though_its_name_is_not_known() -> None:
    answer = judge(BY_NAME["cloudwatch-alarm-has-action"], ALARM.having("alarmActions", [LATER]))
    assert (answer.violations, answer.advisories) == ([], [])


@pytest.mark.parametrize(
    ("name", "things", "part"),
    [
        ("s3-bucket-public-access-blocked", [BACKUP], ACCESS_BLOCK),
        ("s3-bucket-policy-present", [BACKUP], POLICY),
        ("s3-backup-bucket-versioned", [BACKUP], VERSIONING),
        ("ec2-vpc-default-group-managed", [VPC], DEFAULT_GROUP),
    ],
)
def test_at_preview_the_dependency_says_what_belongs_together(
    name: str, things: list[Thing], part: Thing
) -> None:
    before = [at_preview(thing) for thing in (*things, part)]
    assert judge(BY_NAME[name], *before).violations == []
    unlinked = at_preview(part).but(links={})
    (violation,) = judge(BY_NAME[name], *before[:-1], unlinked).violations
    assert violation[1] == things[0].urn


def test_a_stack_without_aws_is_content() -> None:
    assert said_of(ALL) == {}


def test_without_buckets_the_servers_have_no_backup() -> None:
    assert set(said_of(ALL, *BUCKETLESS)) == {"s3-backup-bucket-off-site"}
