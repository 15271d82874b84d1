"""The record of what is done in an account, and the alarms that watch it."""

from policy_cases import fails, lacks, passes
from policy_judge import Thing
from policy_things import FILTER, FILTERS, TRAIL, TRAIL_ALARMS

EVERYWHERE = "cloudtrail-every-region"
FILES = "cloudtrail-files-encrypted"
SIGNED = "cloudtrail-files-validated"
WATCHED = "cloudtrail-to-cloudwatch"
ALARMED = "cloudwatch-metric-filter-has-alarm"
ONE_REGION = "Trail 'trail' records one region alone: isMultiRegionTrail must be true."
SELECTED = "Trail 'trail' leaves events out: its eventSelectors must take all."
ADVANCED = "Trail 'trail' leaves events out: its advancedEventSelectors must take all."
PLAIN = "Trail 'trail' isn't encrypted: kmsKeyId must name a key."
UNSIGNED = "Trail 'trail' can't show a change: enableLogFileValidation must be true."
UNWATCHED = "Trail 'trail' is watched by nobody: cloudWatchLogsGroupArn must name a group."
SILENT = "Metric filter 'filter-keys' wakes nobody: it must have an alarm."
# What each rule says that nobody learns of, and a word that its pattern can't be without.
COUNTED = {
    "root": ("use of the root user", "AwsServiceEvent"),
    "denials": ("denied calls", "AccessDenied"),
    "sign-ins": ("sign-ins without a second factor", "IAMUser"),
    "policies": ("changes of policies", "CreatePolicy"),  # part of CreatePolicyVersion
    "trails": ("changes of trails", "StopLogging"),
    "failures": ("sign-ins that fail", "Failed authentication"),
    "keys": ("keys that are switched off or deleted", "DisableKey"),
    "bucket-policies": ("changes of bucket policies", "PutBucketPolicy"),
    "security-groups": ("changes of security groups", "RevokeSecurityGroupEgress"),
    "network-acls": ("changes of network ACLs", "DeleteNetworkAcl"),
    "networks": ("changes of networks", "ModifyVpcAttribute"),
    "gateways": ("changes of gateways", "AttachInternetGateway"),
    "routes": ("changes of routes", "CreateRoute"),  # part of CreateRouteTable, which doesn't count
}


def by_fields(*selectors: dict[str, list[str]], test: str = "equals") -> Thing:
    """The trail with advanced selectors, each as its fields and what these must equal."""
    listed = [
        {"fieldSelectors": [{"field": field, test: values} for field, values in one.items()]}
        for one in selectors
    ]
    return TRAIL.without("eventSelectors").having("advancedEventSelectors", listed)


MANAGEMENT = {"eventCategory": ["Management"]}
DATA = {"eventCategory": ["Data"], "resources.type": ["AWS::S3::Object"]}


def _without(name: str) -> list:
    return [one for key, one in FILTERS.items() if key != name]


CASES = [
    passes(EVERYWHERE, TRAIL),
    fails(EVERYWHERE, TRAIL.having("isMultiRegionTrail", to=False), says=ONE_REGION),
    fails(
        EVERYWHERE,
        TRAIL.having("enableLogging", to=False),
        says="Trail 'trail' leaves events out: enableLogging must be true.",
        about="switched off",
    ),
    fails(
        EVERYWHERE,
        TRAIL.having("includeGlobalServiceEvents", to=False),
        says="Trail 'trail' leaves events out: includeGlobalServiceEvents must be true.",
        about="without IAM",
    ),
    fails(
        EVERYWHERE, TRAIL.having("eventSelectors.0.readWriteType", "WriteOnly"), says=SELECTED, about="reads"
    ),
    fails(
        EVERYWHERE,
        TRAIL.having("eventSelectors.0.excludeManagementEventSources", ["kms.amazonaws.com"]),
        says=SELECTED,
        about="one service left out",
    ),
    passes(EVERYWHERE, by_fields(MANAGEMENT), by_fields(DATA, MANAGEMENT), about="advanced selectors"),
    passes(EVERYWHERE, by_fields(), about="no advanced selector"),
    fails(EVERYWHERE, by_fields(DATA), says=ADVANCED, about="data alone"),
    fails(EVERYWHERE, by_fields({**MANAGEMENT, "readOnly": ["false"]}), says=ADVANCED, about="writes alone"),
    fails(EVERYWHERE, by_fields({"readOnly": ["true"]}), says=ADVANCED, about="no category"),
    fails(EVERYWHERE, by_fields(MANAGEMENT, test="notEquals"), says=ADVANCED, about="all but management"),
    fails(EVERYWHERE, by_fields({}), says=ADVANCED, about="no field"),
    lacks(EVERYWHERE, TRAIL.without("isMultiRegionTrail"), says=ONE_REGION),
    lacks(EVERYWHERE, TRAIL.without("eventSelectors"), says=None, about="all is the default"),
    passes(FILES, TRAIL),
    fails(FILES, TRAIL.having("kmsKeyId", ""), says=PLAIN),
    lacks(FILES, TRAIL.without("kmsKeyId"), says=PLAIN),
    passes(SIGNED, TRAIL),
    fails(SIGNED, TRAIL.having("enableLogFileValidation", to=False), says=UNSIGNED),
    lacks(SIGNED, TRAIL.without("enableLogFileValidation"), says=UNSIGNED),
    passes(WATCHED, TRAIL),
    fails(WATCHED, TRAIL.having("cloudWatchLogsGroupArn", ""), says=UNWATCHED),
    lacks(WATCHED, TRAIL.without("cloudWatchLogsGroupArn"), says=UNWATCHED),
    passes(ALARMED, *FILTERS.values(), *TRAIL_ALARMS),
    fails(
        ALARMED,
        FILTER.having("metricTransformation.namespace", "acme/trails"),
        *TRAIL_ALARMS,
        says=SILENT,
        about="a slip in the namespace",
    ),
    fails(ALARMED, FILTER, says=SILENT, about="no alarm"),
    lacks(ALARMED, FILTER.without("metricTransformation"), *TRAIL_ALARMS, says=SILENT),
    *(passes(f"cloudwatch-watches-{name}", TRAIL, one) for name, one in FILTERS.items()),
    *(
        passes(
            f"cloudwatch-watches-{name}", TRAIL.without("cloudWatchLogsGroupArn"), about="not watched at all"
        )
        for name in FILTERS
    ),
    *(
        fails(
            f"cloudwatch-watches-{name}",
            TRAIL,
            *_without(name),
            FILTERS[name].having("pattern", FILTERS[name].props["pattern"].replace(word, f"{word}Not")),
            says=f"Nobody learns of {what}: a metric filter must look for it.",
        )
        for name, (what, word) in COUNTED.items()
    ),
    *(
        lacks(
            f"cloudwatch-watches-{name}",
            TRAIL,
            FILTERS[name].without("pattern"),
            says=f"Nobody learns of {what}: a metric filter must look for it.",
        )
        for name, (what, _) in COUNTED.items()
    ),
]
