"""Rules on the record of what is done in an account, and on the alarms that watch it."""

import re
from collections.abc import Iterator
from typing import Any

from pulumi_policy import Severity

from .base import (
    Finding,
    Resource,
    Rule,
    Source,
    Stack,
    StackRule,
    Undecided,
    Violation,
    require,
    resource_rule,
    security_hub,
    stack_rule,
    unless,
)
from .reading import UNKNOWN, at, every, items, some

_TRAIL = "aws:cloudtrail/trail:Trail"
_FILTER = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
_ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


@resource_rule(
    "cloudtrail-every-region",
    types=(_TRAIL,),
    description="A trail must record reads and writes of management, in every region.",
    severity=Severity.HIGH,
    source=security_hub("CloudTrail.1"),
    remediation=(
        "Set is_multi_region_trail=True, and leave out event selectors that record less. Advanced ones need "
        "one whose only field is eventCategory, equal to Management."
    ),
)
def every_region(trail: Resource) -> Iterator[Finding]:
    """What nobody uses is where nobody looks."""
    message = f"Trail '{trail.name}' records one region alone: isMultiRegionTrail must be true."
    yield from require(trail, message, "isMultiRegionTrail")
    for key in ("enableLogging", "includeGlobalServiceEvents"):
        message = f"Trail '{trail.name}' leaves events out: {key} must be true."
        yield from require(trail, message, key, by_default=True)
    for selector in items(trail.at("eventSelectors")):
        managed, kind = at(selector, "includeManagementEvents"), at(selector, "readWriteType")
        left_out = at(selector, "excludeManagementEventSources")
        if UNKNOWN in (selector, managed, kind, left_out):
            yield Undecided("eventSelectors")
        elif managed not in (None, True) or kind not in (None, "All") or left_out:
            yield Violation(f"Trail '{trail.name}' leaves events out: its eventSelectors must take all.")
    advanced = items(trail.at("advancedEventSelectors"))
    if advanced:  # they take the place of the default, which records all of management
        message = f"Trail '{trail.name}' leaves events out: its advancedEventSelectors must take all."
        yield from unless(some(*map(_all_of_management, advanced)), message, "advancedEventSelectors")


def _all_of_management(selector: Any) -> bool | None:
    """Whether an advanced selector takes management's events, and no further field narrows them."""
    fields = items(at(selector, "fieldSelectors"))
    return every(bool(fields), *map(_management, fields))


def _management(field: Any) -> bool | None:
    if field is UNKNOWN or UNKNOWN in field.values() or UNKNOWN in items(at(field, "equals")):
        return None
    tests = {key: value for key, value in field.items() if value}
    return tests == {"field": "eventCategory", "equals": ["Management"]}


@resource_rule(
    "cloudtrail-files-encrypted",
    types=(_TRAIL,),
    description="A trail must encrypt its files with a key of the account.",
    severity=Severity.MEDIUM,
    source=security_hub("CloudTrail.2"),
    remediation="Set kms_key_id to a key whose policy lets CloudTrail use it.",
)
def encrypted(trail: Resource) -> Iterator[Finding]:
    """A new key, whose name isn't known yet, is a key."""
    if not trail.at("kmsKeyId"):
        yield Violation(f"Trail '{trail.name}' isn't encrypted: kmsKeyId must name a key.")


@resource_rule(
    "cloudtrail-files-validated",
    types=(_TRAIL,),
    description="A trail must sign its files, so that a change of them shows.",
    severity=Severity.LOW,
    source=security_hub("CloudTrail.4"),
    remediation="Set enable_log_file_validation=True.",
)
def files_validated(trail: Resource) -> Iterator[Finding]:
    """Whoever covers tracks begins with the record of them."""
    message = f"Trail '{trail.name}' can't show a change: enableLogFileValidation must be true."
    yield from require(trail, message, "enableLogFileValidation")


@resource_rule(
    "cloudtrail-to-cloudwatch",
    types=(_TRAIL,),
    description="A trail must write into CloudWatch Logs as well, where alarms can look.",
    severity=Severity.LOW,
    source=security_hub("CloudTrail.5"),
    remediation="Set cloud_watch_logs_group_arn and cloud_watch_logs_role_arn.",
)
def to_cloudwatch(trail: Resource) -> Iterator[Finding]:
    """A new group, whose name isn't known yet, is a group."""
    if not trail.at("cloudWatchLogsGroupArn"):
        yield Violation(
            f"Trail '{trail.name}' is watched by nobody: cloudWatchLogsGroupArn must name a group."
        )


@stack_rule(
    "cloudwatch-metric-filter-has-alarm",
    types=(_FILTER,),
    description="What a metric filter counts must have an alarm.",
    severity=Severity.MEDIUM,
    source=Source(
        "Amazon CloudWatch Logs User Guide",
        "metric filters",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html",
    ),
    remediation="Add aws.cloudwatch.MetricAlarm with the filter's metric name and namespace.",
)
def filter_has_alarm(stack: Stack) -> Iterator[Finding]:
    """A figure that nobody looks at is none; a slip in a name leaves an alarm that never goes off."""
    watched = {(alarm.at("namespace"), alarm.at("metricName")) for alarm in stack.of(_ALARM)}
    for one in stack.of(_FILTER):
        metric = one.at("metricTransformation", "namespace"), one.at("metricTransformation", "name")
        if UNKNOWN in metric:
            yield Undecided("metricTransformation")
        elif metric not in watched:
            if any(UNKNOWN in pair for pair in watched):
                yield Undecided("metricName")
            else:
                yield Violation(f"Metric filter '{one.name}' wakes nobody: it must have an alarm.", one.urn)


def _watched(name: str, control: str, what: str, *words: str) -> StackRule:
    """A rule that a trail in CloudWatch Logs has a metric filter whose pattern has all these words."""

    @stack_rule(
        name,
        types=(_TRAIL,),
        description=f"Where a trail is watched, {what} must be counted, and so have an alarm.",
        severity=Severity.LOW,
        source=security_hub(control),
        remediation=f"Add aws.cloudwatch.LogMetricFilter whose pattern has {', '.join(words)}.",
    )
    def check(stack: Stack) -> Iterator[Finding]:
        for trail in stack.of(_TRAIL):
            if not trail.at("cloudWatchLogsGroupArn"):
                continue  # cloudtrail-to-cloudwatch says so
            counted = some(*(_has_words(one.at("pattern"), words) for one in stack.of(_FILTER)))
            message = f"Nobody learns of {what}: a metric filter must look for it."
            yield from unless(counted, message, "pattern", trail.urn)

    return check


def _has_words(pattern: Any, words: tuple[str, ...]) -> bool | None:
    if pattern is UNKNOWN:
        return None
    return all(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", str(pattern)) for word in words)


# The words are those of the patterns that Security Hub's own pages give for each control.
RULES: list[Rule] = [
    every_region,
    encrypted,
    files_validated,
    to_cloudwatch,
    filter_has_alarm,
    _watched(
        "cloudwatch-watches-root", "CloudWatch.1", "use of the root user",
        "$.userIdentity.type", "Root", "AwsServiceEvent",
    ),
    _watched(
        "cloudwatch-watches-denials", "CloudWatch.2", "denied calls", "UnauthorizedOperation", "AccessDenied"
    ),
    _watched(
        "cloudwatch-watches-sign-ins", "CloudWatch.3", "sign-ins without a second factor",
        "ConsoleLogin", "$.additionalEventData.MFAUsed", "IAMUser", "$.responseElements.ConsoleLogin",
    ),
    _watched(
        "cloudwatch-watches-policies", "CloudWatch.4", "changes of policies",
        "DeleteGroupPolicy", "DeleteRolePolicy", "DeleteUserPolicy", "PutGroupPolicy", "PutRolePolicy",
        "PutUserPolicy", "CreatePolicy", "DeletePolicy", "CreatePolicyVersion", "DeletePolicyVersion",
        "AttachRolePolicy", "DetachRolePolicy", "AttachUserPolicy", "DetachUserPolicy", "AttachGroupPolicy",
        "DetachGroupPolicy",
    ),
    _watched(
        "cloudwatch-watches-trails", "CloudWatch.5", "changes of trails",
        "CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging",
    ),
    _watched(
        "cloudwatch-watches-failures", "CloudWatch.6", "sign-ins that fail",
        "ConsoleLogin", "Failed authentication",
    ),
    _watched(
        "cloudwatch-watches-keys", "CloudWatch.7", "keys that are switched off or deleted",
        "kms.amazonaws.com", "DisableKey", "ScheduleKeyDeletion",
    ),
    _watched(
        "cloudwatch-watches-bucket-policies", "CloudWatch.8", "changes of bucket policies",
        "PutBucketAcl", "PutBucketPolicy", "PutBucketCors", "PutBucketLifecycle", "PutBucketReplication",
        "DeleteBucketPolicy", "DeleteBucketCors", "DeleteBucketLifecycle", "DeleteBucketReplication",
    ),
    _watched(
        "cloudwatch-watches-security-groups", "CloudWatch.10", "changes of security groups",
        "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress",
        "RevokeSecurityGroupEgress", "CreateSecurityGroup", "DeleteSecurityGroup",
    ),
    _watched(
        "cloudwatch-watches-network-acls", "CloudWatch.11", "changes of network ACLs",
        "CreateNetworkAcl", "CreateNetworkAclEntry", "DeleteNetworkAcl", "DeleteNetworkAclEntry",
        "ReplaceNetworkAclEntry", "ReplaceNetworkAclAssociation",
    ),
    _watched(
        "cloudwatch-watches-gateways", "CloudWatch.12", "changes of gateways",
        "CreateCustomerGateway", "DeleteCustomerGateway", "AttachInternetGateway", "CreateInternetGateway",
        "DeleteInternetGateway", "DetachInternetGateway",
    ),
    _watched(
        "cloudwatch-watches-routes", "CloudWatch.13", "changes of routes",
        "CreateRoute", "CreateRouteTable", "ReplaceRoute", "ReplaceRouteTableAssociation",
        "DeleteRouteTable", "DeleteRoute", "DisassociateRouteTable",
    ),
    _watched(
        "cloudwatch-watches-networks", "CloudWatch.14", "changes of networks",
        "CreateVpc", "DeleteVpc", "ModifyVpcAttribute", "AcceptVpcPeeringConnection",
        "CreateVpcPeeringConnection", "DeleteVpcPeeringConnection", "RejectVpcPeeringConnection",
        "AttachClassicLinkVpc", "DetachClassicLinkVpc", "DisableVpcClassicLink", "EnableVpcClassicLink",
    ),
]  # fmt: skip
