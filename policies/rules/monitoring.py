"""Rules on alarms: one that reaches nobody is none."""

from collections.abc import Iterator

from pulumi_policy import Severity

from .base import Finding, Resource, Rule, Undecided, Violation, require, resource_rule, security_hub
from .identity import no_public_statement
from .paging import SUPPRESSOR, purpose_of
from .reading import UNKNOWN
from .settings import LOG_DAYS, PURPOSE_TAG

_ALARMS = ("aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/compositeAlarm:CompositeAlarm")
_TOPIC = "aws:sns/topic:Topic"
_TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
_LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"


@resource_rule(
    "cloudwatch-alarm-has-action",
    types=_ALARMS,
    description="An alarm must do something when it goes off, or keep another one quiet.",
    severity=Severity.HIGH,
    source=security_hub("CloudWatch.15"),
    remediation="Put the topic of the notifications into alarm_actions.",
    settings=(PURPOSE_TAG,),
)
def alarm_has_action(alarm: Resource) -> Iterator[Finding]:
    """An action whose name isn't known yet, such as a new topic's, is an action.

    Whether a suppressor is one of something is another rule's to judge.
    """
    actions, purpose = alarm.at("alarmActions"), purpose_of(alarm)
    if actions is UNKNOWN:
        yield Undecided("alarmActions")
    elif actions and any(actions):
        return
    elif purpose is UNKNOWN:
        yield Undecided(f"tags.{alarm.setting(PURPOSE_TAG)}")
    elif purpose != SUPPRESSOR:
        yield Violation(f"Alarm '{alarm.name}' tells nobody: alarmActions must name at least one action.")


@resource_rule(
    "cloudwatch-alarm-actions-enabled",
    types=_ALARMS,
    description="The actions of an alarm must be switched on.",
    severity=Severity.HIGH,
    source=security_hub("CloudWatch.17"),
    remediation="Leave actions_enabled out, or set it to True; use a suppressor for maintenance.",
)
def alarm_actions_enabled(alarm: Resource) -> Iterator[Finding]:
    """On is the default, so a missing value is right."""
    message = f"Alarm '{alarm.name}' is silenced: actionsEnabled must be true."
    yield from require(alarm, message, "actionsEnabled", by_default=True)


@resource_rule(
    "sns-topic-encrypted",
    types=(_TOPIC,),
    description="A topic must be encrypted, with a key that CloudWatch may use.",
    severity=Severity.MEDIUM,
    source=security_hub("SNS.1"),
    remediation="Set kms_master_key_id to a key of the account whose policy lets CloudWatch use it.",
)
def topic_encrypted(topic: Resource) -> Iterator[Finding]:
    """With the key alias/aws/sns an alarm's message is dropped without a word."""
    key = topic.at("kmsMasterKeyId")
    if key is UNKNOWN:  # a key of this stack that is yet to be made
        return
    if not key:
        yield Violation(f"Topic '{topic.name}' is not encrypted: kmsMasterKeyId must name a key.")
    elif str(key).endswith("alias/aws/sns"):
        message = f"Topic '{topic.name}' drops what alarms send: kmsMasterKeyId must not be alias/aws/sns."
        yield Violation(message)


@resource_rule(
    "sns-topic-not-public",
    types=(_TOPIC, _TOPIC_POLICY),
    description="A topic's policy must not allow anything to everyone.",
    severity=Severity.HIGH,
    source=security_hub("SNS.4"),
    remediation="Name the account or service, with a condition such as aws:SourceAccount.",
)
def topic_not_public(topic: Resource) -> Iterator[Finding]:
    """Whoever may publish could wake the engineer on call; whoever may subscribe would read along."""
    yield from no_public_statement(topic)


@resource_rule(
    "cloudwatch-log-group-kept",
    types=(_LOG_GROUP,),
    description="A log group must say for how many days it keeps logs, and these must be enough.",
    severity=Severity.MEDIUM,
    source=security_hub("CloudWatch.16"),
    remediation="Set retention_in_days.",
    settings=(LOG_DAYS,),
)
def log_group_kept(group: Resource) -> Iterator[Finding]:
    """Without a figure it keeps them for ever, at a cost, and with people's addresses in them."""
    days, least = group.at("retentionInDays"), int(group.setting(LOG_DAYS))
    if days is UNKNOWN:
        yield Undecided("retentionInDays")
    elif not days:
        yield Violation(f"Log group '{group.name}' keeps logs for ever: retentionInDays must say how long.")
    elif days < least:
        yield Violation(
            f"Log group '{group.name}' keeps logs for {int(days)} days: it must be {least} or more."
        )


RULES: list[Rule] = [
    alarm_has_action,
    alarm_actions_enabled,
    topic_encrypted,
    topic_not_public,
    log_group_kept,
]
