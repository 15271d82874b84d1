"""Alarms, identity and governance."""

import json
from typing import Any

from policy_cases import fails, lacks, passes
from policy_judge import TAGS
from policy_things import (
    ALARM,
    ATTACHMENT,
    COMPOSITE,
    INSTANCE,
    KEY,
    LOG_GROUP,
    PROVIDER,
    ROLE,
    ROLE_POLICY,
    TOPIC,
    TOPIC_ARN,
    TOPIC_POLICY,
    document,
)

ACTION = "cloudwatch-alarm-has-action"
TOPIC_PUBLIC = "sns-topic-not-public"
LOGS = "cloudwatch-log-group-kept"
ENABLED = "cloudwatch-alarm-actions-enabled"
FULL = "iam-policy-no-full-access"
TRUST = "iam-role-trust-named"
DEFAULT_TAGS = "aws-provider-default-tags"
OWN_TAGS = "aws-resource-required-tags"
SILENT = "Alarm '{}' tells nobody: alarmActions must name at least one action."
EVERYTHING = "'{}' allows every action on everything: it must name both."
ANYONE = "Role 'web1' may be assumed by anyone: it must name its principals."
STATIC = "Key 'key' is never rotated: enableKeyRotation must be true."
UNTAGGED = "Provider 'aws' must have default tags with customer, managed-by, stack."
ANYWHERE = "Provider 'aws' works in any account: allowedAccountIds must name one."
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def allow(**fields: Any) -> str:
    return document({"Effect": "Allow", **fields})


def tagged(**tags: str) -> str:
    return json.dumps({"tags": tags})


CASES = [
    passes(ACTION, ALARM, COMPOSITE),
    fails(ACTION, ALARM.having("alarmActions", []), says=SILENT.format("web1-cpu")),
    fails(ACTION, COMPOSITE.having("alarmActions", []), says=SILENT.format("web1-any"), about="composite"),
    fails(ACTION, ALARM.having("alarmActions", [""]), says=SILENT.format("web1-cpu"), about="empty name"),
    lacks(ACTION, ALARM.without("alarmActions"), says=SILENT.format("web1-cpu")),
    passes(ENABLED, ALARM, COMPOSITE),
    fails(
        ENABLED,
        ALARM.having("actionsEnabled", to=False),
        says="Alarm 'web1-cpu' is silenced: actionsEnabled must be true.",
    ),
    lacks(ENABLED, ALARM.without("actionsEnabled"), says=None, about="on is the default"),
    passes("sns-topic-encrypted", TOPIC),
    fails(
        "sns-topic-encrypted",
        TOPIC.having("kmsMasterKeyId", "alias/aws/sns"),
        says="Topic 'alarms' drops what alarms send: kmsMasterKeyId must not be alias/aws/sns.",
    ),
    lacks(
        "sns-topic-encrypted",
        TOPIC.without("kmsMasterKeyId"),
        says="Topic 'alarms' is not encrypted: kmsMasterKeyId must name a key.",
    ),
    passes(TOPIC_PUBLIC, TOPIC, TOPIC_POLICY),
    fails(
        TOPIC_PUBLIC,
        TOPIC_POLICY.having("policy", allow(Action="sns:Publish", Resource=TOPIC_ARN, Principal="*")),
        says="Policy of 'alarms-policy' allows everyone: it must name its principals.",
    ),
    fails(
        TOPIC_PUBLIC,
        TOPIC.having("policy", allow(Action="sns:Subscribe", Resource=TOPIC_ARN, Principal={"AWS": "*"})),
        says="Policy of 'alarms' allows everyone: it must name its principals.",
        about="in the topic",
    ),
    lacks(
        TOPIC_PUBLIC, TOPIC, TOPIC_POLICY.without("policy"), says=None, about="AWS's own names the account"
    ),
    passes(LOGS, LOG_GROUP),
    passes(LOGS, LOG_GROUP.having("retentionInDays", 7), config={"logDays": 7}, about="config"),
    fails(
        LOGS,
        LOG_GROUP.having("retentionInDays", 14),
        says="Log group 'flow-logs' keeps logs for 14 days: it must be 30 or more.",
    ),
    lacks(
        LOGS,
        LOG_GROUP.without("retentionInDays"),
        says="Log group 'flow-logs' keeps logs for ever: retentionInDays must say how long.",
    ),
    passes(FULL, ROLE_POLICY, ROLE),
    passes(FULL, ROLE_POLICY.having("policy", allow(Action="s3:*", Resource="*")), about="one service"),
    passes(
        FULL,
        ROLE_POLICY.having("policy", document({"Effect": "Deny", "Action": "*", "Resource": "*"})),
        about="a denial",
    ),
    fails(
        FULL,
        ROLE_POLICY.having("policy", allow(Action="*", Resource="*")),
        says=EVERYTHING.format("web1-logs"),
    ),
    fails(
        FULL,
        ROLE_POLICY.having("policy", allow(Action=["s3:GetObject", "*:*"], Resource=["*"])),
        says=EVERYTHING.format("web1-logs"),
        about="lists",
    ),
    fails(
        FULL,
        ROLE_POLICY.having("policy", allow(NotAction="iam:*", Resource="*")),
        says=EVERYTHING.format("web1-logs"),
        about="all but some",
    ),
    fails(
        FULL,
        ROLE_POLICY.having("policy", allow(Action="*", NotResource="arn:aws:s3:::x")),
        says=EVERYTHING.format("web1-logs"),
        about="on all but some",
    ),
    passes(
        FULL,
        ROLE_POLICY.having("policy", allow(Action="*", Resource="arn:aws:s3:::x")),
        about="all on one thing",
    ),
    fails(
        FULL,
        ROLE.having("inlinePolicies.0.policy", allow(Action="*", Resource="*")),
        says=EVERYTHING.format("web1"),
        about="inline",
    ),
    lacks(FULL, ROLE_POLICY.without("policy"), ROLE.without("inlinePolicies"), says=None),
    passes("iam-role-no-administrator", ATTACHMENT, ROLE),
    fails(
        "iam-role-no-administrator",
        ATTACHMENT.having("policyArn", ADMINISTRATOR),
        says="'web1-ssm' attaches AdministratorAccess: it must name what is needed.",
    ),
    fails(
        "iam-role-no-administrator",
        ROLE.having("managedPolicyArns", [ADMINISTRATOR]),
        says="'web1' attaches AdministratorAccess: it must name what is needed.",
        about="in the role",
    ),
    lacks("iam-role-no-administrator", ATTACHMENT.without("policyArn"), says=None),
    passes(TRUST, ROLE),
    fails(TRUST, ROLE.having("assumeRolePolicy", allow(Action="sts:AssumeRole", Principal="*")), says=ANYONE),
    fails(
        TRUST,
        ROLE.having("assumeRolePolicy", allow(Action="sts:AssumeRole", Principal={"AWS": ["*"]})),
        says=ANYONE,
        about="in a list",
    ),
    fails(
        TRUST,
        ROLE.having("assumeRolePolicy", allow(Action="sts:AssumeRole", NotPrincipal={"AWS": "1"})),
        says=ANYONE,
        about="all but one",
    ),
    lacks(TRUST, ROLE.without("assumeRolePolicy"), says=None, about="nobody may"),
    passes("kms-key-rotated", KEY),
    passes(
        "kms-key-rotated",
        KEY.having("enableKeyRotation", to=False).having("customerMasterKeySpec", "RSA_2048"),
        about="KMS cannot rotate it",
    ),
    fails("kms-key-rotated", KEY.having("enableKeyRotation", to=False), says=STATIC),
    lacks("kms-key-rotated", KEY.without("enableKeyRotation"), says=STATIC),
    passes(DEFAULT_TAGS, PROVIDER),
    passes(DEFAULT_TAGS, PROVIDER.having("defaultTags", {"tags": TAGS}), about="as data"),
    passes(
        DEFAULT_TAGS,
        PROVIDER.having("defaultTags", tagged(owner="ops")),
        config={"requiredTags": ["owner"]},
        about="config",
    ),
    fails(
        DEFAULT_TAGS,
        PROVIDER.having("defaultTags", tagged(customer="acme", stack=" ")),
        says="Provider 'aws' must have default tags with managed-by, stack.",
    ),
    lacks(DEFAULT_TAGS, PROVIDER.without("defaultTags"), says=UNTAGGED),
    passes(OWN_TAGS, INSTANCE),
    fails(
        OWN_TAGS,
        INSTANCE.having("tags", {"customer": ""}),
        says="'web1' lacks the tags customer: it must have them.",
        about="blanked",
    ),
    fails(
        OWN_TAGS,
        INSTANCE.but(default_tags={}),
        says="'web1' lacks the tags customer, managed-by, stack: it must have them.",
        about="bare provider",
    ),
    lacks(OWN_TAGS, INSTANCE.without("tags"), says=None, about="the provider's tags are enough"),
    passes("aws-provider-explicit", PROVIDER),
    passes("aws-provider-explicit", PROVIDER.but(name="defaults"), about="a name like it"),
    fails(
        "aws-provider-explicit",
        PROVIDER.but(name="default_7_51_1"),
        says="Something uses the default provider 'default_7_51_1': it must name its provider.",
    ),
    lacks(
        "aws-provider-explicit",
        PROVIDER.but(name="default", props={}),
        says="Something uses the default provider 'default': it must name its provider.",
        about="no version",
    ),
    passes("aws-provider-account-pinned", PROVIDER),
    fails("aws-provider-account-pinned", PROVIDER.having("allowedAccountIds", "[]"), says=ANYWHERE),
    lacks("aws-provider-account-pinned", PROVIDER.without("allowedAccountIds"), says=ANYWHERE),
]
