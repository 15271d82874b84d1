"""Alarms that are made of alarms."""

from policy_cases import fails, lacks, passes
from policy_judge import LATER, Thing
from policy_things import ALARM, COMPOSITE, PAGE_ARN, QUIET, TOPIC, TOPIC_ARN

ACTION = "cloudwatch-alarm-has-action"
TWICE = "cloudwatch-nobody-told-twice"
USED = "cloudwatch-suppressor-used"
BOTH = "Alarm 'web1-cpu' must tell another topic than 'web1-any', which is made of it."
UNUSED = "Alarm 'web1-maintenance' must keep another one quiet, as its tag says: none names it."
INNER = Thing(
    COMPOSITE.type, "web1-cpu", {"alarmName": "web1-cpu", "alarmRule": "FALSE", "alarmActions": [PAGE_ARN]}
)


def later(thing: Thing, **links: list[str]) -> Thing:
    """Before its topics have names: the engine knows what an action depends on."""
    return thing.having("alarmActions", LATER).but(links={**thing.links, **links})


CASES = [
    passes(ACTION, QUIET, about="a suppressor"),
    passes(TWICE, ALARM, COMPOSITE),
    passes(
        TWICE,
        ALARM.having("name", "web1-other").having("alarmActions", [PAGE_ARN]),
        COMPOSITE,
        about="no child",
    ),
    fails(TWICE, ALARM.having("alarmActions", [PAGE_ARN]), COMPOSITE, says=BOTH),
    fails(
        TWICE,
        ALARM.having("alarmActions", [TOPIC_ARN, PAGE_ARN]),
        COMPOSITE.having("alarmRule", "OK(a) AND ( ALARM( web1-cpu ) )"),
        says=BOTH,
        about="among others, without quotes",
    ),
    fails(TWICE, INNER, COMPOSITE, says=BOTH, about="a composite in a composite"),
    fails(
        TWICE,
        TOPIC,
        later(ALARM, alarmActions=[TOPIC.urn]),
        later(COMPOSITE, alarmActions=[TOPIC.urn]),
        says=BOTH,
        about="at preview",
    ),
    lacks(TWICE, ALARM.without("alarmActions"), COMPOSITE, says=None, about="no action"),
    lacks(TWICE, ALARM, COMPOSITE.without("alarmRule"), says=None, about="no rule"),
    passes(USED, QUIET, COMPOSITE, ALARM),
    passes(USED, QUIET, COMPOSITE.having("actionsSuppressor.alarm", LATER), about="at preview"),
    fails(USED, QUIET, COMPOSITE.having("actionsSuppressor.alarm", "another"), says=UNUSED),
    fails(
        USED,
        QUIET,
        COMPOSITE.having("actionsSuppressor.alarm", LATER).but(links={}),
        says=UNUSED,
        about="at preview",
    ),
    lacks(USED, QUIET, COMPOSITE.without("actionsSuppressor"), says=UNUSED),
]
