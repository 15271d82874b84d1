"""Rules on alarms that are made of alarms: nobody is woken twice, and nothing is silenced for nothing."""

import re
from collections.abc import Iterator

from pulumi_policy import Severity

from .base import Finding, Resource, Rule, Source, Stack, Undecided, Violation, stack_rule
from .reading import UNKNOWN, at, items
from .settings import PURPOSE_TAG

_METRIC = "aws:cloudwatch/metricAlarm:MetricAlarm"
_COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
_TOPIC = "aws:sns/topic:Topic::"
_CHILD = re.compile(r"\b(?:ALARM|OK|INSUFFICIENT_DATA)\(\s*[\"']?([^\"')]+?)[\"']?\s*\)")
SUPPRESSOR = "suppressor"
"""The purpose of an alarm that tells nobody, as it keeps another one quiet."""
_GUIDE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring"
_COMBINING = Source("Amazon CloudWatch", "composite alarms", f"{_GUIDE}/alarm-combining.html")
_SUPPRESSION = Source(
    "Amazon CloudWatch", "alarm suppression", f"{_GUIDE}/Create_Composite_Alarm_Suppression.html"
)


@stack_rule(
    "cloudwatch-nobody-told-twice",
    types=(_METRIC, _COMPOSITE),
    description="An alarm that is made of others must tell somebody else than they do.",
    severity=Severity.MEDIUM,
    source=_COMBINING,
    remediation="Give the children the topic of tickets, and what is made of them the one that pages.",
)
def nobody_told_twice(stack: Stack) -> Iterator[Finding]:
    """Whoever is woken twice for one fault looks at the second page less closely the next time."""
    alarms = stack.of(_METRIC, _COMPOSITE)
    for whole in stack.of(_COMPOSITE):
        rule = whole.at("alarmRule")
        if rule is UNKNOWN:
            yield Undecided("alarmRule")
            continue
        named = set(_CHILD.findall(str(rule or "")))
        for child in alarms:
            if _name(child) in named and _same_topic(whole, child):
                yield Violation(
                    f"Alarm '{child.name}' must tell another topic than '{whole.name}', which is made of it.",
                    child.urn,
                )


@stack_rule(
    "cloudwatch-suppressor-used",
    types=(_METRIC, _COMPOSITE),
    description="An alarm that tells nobody must keep another one quiet.",
    severity=Severity.HIGH,
    source=_SUPPRESSION,
    remediation="Name it as actions_suppressor of a composite alarm; or drop its tag, and give it an action.",
    settings=(PURPOSE_TAG,),
)
def suppressor_used(stack: Stack) -> Iterator[Finding]:
    """The tag is what lets an alarm have no action, so it has to be true."""
    wholes = stack.of(_COMPOSITE)
    for alarm in stack.of(_METRIC, _COMPOSITE):
        if purpose_of(alarm) == SUPPRESSOR and not any(_suppresses(alarm, whole) for whole in wholes):
            yield Violation(
                f"Alarm '{alarm.name}' must keep another one quiet, as its tag says: none names it.",
                alarm.urn,
            )


def purpose_of(alarm: Resource) -> object:
    """Returns what the tag of an alarm says that it is for."""
    return at(alarm.at("tags"), alarm.setting(PURPOSE_TAG))


def _name(alarm: Resource) -> object:
    return alarm.at("alarmName") if alarm.type == _COMPOSITE else alarm.at("name")


def _suppresses(alarm: Resource, whole: Resource) -> bool:
    named, own = whole.at("actionsSuppressor", "alarm"), _name(alarm)
    if UNKNOWN in (named, own):
        return named is not None and alarm.urn in whole.links.get("actionsSuppressor", frozenset())
    return named is not None and named in (own, alarm.at("arn"))


def _same_topic(one: Resource, other: Resource) -> bool:
    mine, others = (set(items(each.at("alarmActions"))) - {UNKNOWN, None} for each in (one, other))
    if mine & others:
        return True
    topics = [{urn for urn in each.links.get("alarmActions", ()) if _TOPIC in urn} for each in (one, other)]
    return bool(topics[0] & topics[1])


RULES: list[Rule] = [nobody_told_twice, suppressor_used]
