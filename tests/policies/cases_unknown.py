"""Values that aren't known at preview: for each rule, the property that it must name in its advisory."""

from policy_judge import LATER, Thing
from policy_things import (
    ACCESS_BLOCK,
    ACCOUNT_BLOCK,
    ACL,
    ACL_RULE,
    ALARM,
    ANALYZER,
    ATTACHMENT,
    BACKUP,
    BY_DEFAULT,
    COMPOSITE,
    DEFAULT_GROUP,
    DOCUMENTS,
    ENCRYPTION,
    FILTER,
    FILTERS,
    FLOW_LOG,
    GROUP,
    INLINE,
    INSTANCE,
    KEY,
    LIFECYCLE,
    LOCK,
    LOG_GROUP,
    METADATA,
    NETWORK_ACL,
    OWNERSHIP,
    PASSWORDS,
    POLICY,
    PROFILE,
    PROVIDER,
    ROLE,
    ROLE_POLICY,
    RULE,
    SECRET,
    SHARED_ATTACHMENT,
    SNAPSHOTS,
    SUBNET,
    TOPIC_POLICY,
    TRAIL,
    TRAIL_ALARMS,
    VERSIONING,
    VOLUME,
    VPC,
    tls_statement,
)

ADMIN = "ec2-security-group-no-world-admin-port"
LISTED = "ec2-security-group-world-ports-listed"
ODD_RULE = RULE.having("fromPort", 8443).having("toPort", 8443)
UNTAGGED = BACKUP.without("objectLockEnabled").having("tags", LATER)
DENIAL = tls_statement("acme-backup")
ENTRIES = "ec2-network-acl-no-world-admin-port"
WORLD_ACL = ACL_RULE.having("cidrBlock", "0.0.0.0/0")
FOREIGN = "s3-bucket-policy-no-foreign-administration"
ABROAD = {
    "Effect": "Allow",
    "Action": "s3:*",
    "Resource": "*",
    "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
}
ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}

CASES: list[tuple[str, str, tuple[Thing, ...]]] = [
    ("cloudwatch-alarm-has-action", "tags.purpose", (ALARM.without("alarmActions").having("tags", LATER),)),
    ("cloudwatch-nobody-told-twice", "alarmRule", (COMPOSITE.having("alarmRule", LATER), ALARM)),
    ("ec2-volume-encrypted", "encrypted", (VOLUME.having("encrypted", LATER),)),
    (
        "ec2-instance-disks-encrypted",
        "rootBlockDevice.encrypted",
        (INSTANCE.having("rootBlockDevice", LATER),),
    ),
    (
        "ec2-instance-disks-encrypted",
        "ebsBlockDevices",
        (INSTANCE.having("ebsBlockDevices.0.encrypted", LATER),),
    ),
    (
        "ec2-instance-imdsv2-only",
        "metadataOptions.httpTokens",
        (INSTANCE.having("metadataOptions", LATER),),
    ),
    (
        "ec2-instance-termination-protected",
        "disableApiTermination",
        (INSTANCE.having("disableApiTermination", LATER),),
    ),
    ("ec2-instance-monitored-each-minute", "monitoring", (INSTANCE.having("monitoring", LATER),)),
    (
        "ec2-instance-no-automatic-address",
        "associatePublicIpAddress",
        (INSTANCE.having("associatePublicIpAddress", LATER),),
    ),
    (
        "ec2-subnet-no-automatic-address",
        "mapPublicIpOnLaunch",
        (SUBNET.having("mapPublicIpOnLaunch", LATER),),
    ),
    ("ec2-instance-one-interface", "networkInterfaces", (INSTANCE.having("networkInterfaces", LATER),)),
    ("ec2-instance-checks-addresses", "sourceDestCheck", (INSTANCE.having("sourceDestCheck", LATER),)),
    ("ec2-instance-not-paravirtual", "instanceType", (INSTANCE.having("instanceType", LATER),)),
    (
        "ec2-instance-session-manager",
        "iamInstanceProfile",
        (INSTANCE.having("iamInstanceProfile", LATER).but(links={}), PROFILE, ROLE, ATTACHMENT),
    ),
    (
        "ec2-instance-session-manager",
        "iamInstanceProfile",
        (INSTANCE, PROFILE, ROLE, ATTACHMENT.having("policyArn", LATER)),
    ),
    ("ec2-vpc-flow-logs", "trafficType", (VPC, FLOW_LOG.having("trafficType", LATER))),
    (ENTRIES, "ingress", (WORLD_ACL.having("ruleAction", LATER),)),
    (ENTRIES, "ingress", (WORLD_ACL.having("fromPort", LATER),)),
    (ENTRIES, "ingress", (WORLD_ACL.having("protocol", LATER),)),
    (ENTRIES, "ingress", (ACL_RULE.having("cidrBlock", LATER),)),
    (ENTRIES, "ingress", (NETWORK_ACL.having("ingress", LATER),)),
    (ADMIN, "cidrIpv4", (RULE.having("cidrIpv4", LATER),)),
    (ADMIN, "fromPort", (RULE.having("cidrIpv4", "0.0.0.0/0").having("toPort", LATER),)),
    (ADMIN, "fromPort", (RULE.having("cidrIpv4", "0.0.0.0/0").having("ipProtocol", LATER),)),
    (ADMIN, "cidrIpv4", (GROUP.having("ingress", [{**INLINE, "fromPort": 0, "cidrBlocks": LATER}]),)),
    (ADMIN, "fromPort", (GROUP.having("ingress", LATER),)),
    (LISTED, "cidrIpv4", (ODD_RULE.having("cidrIpv4", LATER),)),
    (LISTED, "fromPort", (RULE.having("cidrIpv4", "0.0.0.0/0").having("fromPort", LATER),)),
    ("ec2-security-group-no-inline-rules", "egress", (GROUP.having("egress", LATER),)),
    ("ec2-default-security-group-empty", "ingress", (DEFAULT_GROUP.having("ingress", LATER),)),
    (
        "s3-bucket-public-access-blocked",
        "blockPublicAcls",
        (BACKUP, ACCESS_BLOCK.having("blockPublicAcls", LATER)),
    ),
    ("s3-bucket-no-public-acl", "acl", (ACL.having("acl", LATER),)),
    ("s3-bucket-no-public-acl", "grants", (BACKUP.having("grants", [{"uri": LATER}]),)),
    ("s3-bucket-policy-no-public-grant", "policy", (POLICY.having("policy", LATER),)),
    (
        "s3-bucket-policy-no-public-grant",
        "policy",
        (POLICY.having("policy", {"Statement": [{**ALLOW, "Principal": {"AWS": LATER}}]}),),
    ),
    (FOREIGN, "policy", (POLICY.having("policy", LATER),)),
    (FOREIGN, "policy", (POLICY.having("policy", {"Statement": [{**ABROAD, "Action": LATER}]}),)),
    (FOREIGN, "policy", (POLICY.having("policy", {"Statement": [{**ABROAD, "Principal": LATER}]}),)),
    ("s3-bucket-acl-disabled", "rule", (BACKUP, OWNERSHIP.having("rule.objectOwnership", LATER))),
    ("s3-bucket-access-logged", "tags", (UNTAGGED,)),
    ("s3-bucket-policy-tls-only", "policy", (POLICY.having("policy", LATER),)),
    (
        "s3-bucket-policy-tls-only",
        "policy",
        (POLICY.having("policy", {"Statement": {**DENIAL, "Resource": [LATER, LATER]}}),),
    ),
    (
        "s3-backup-bucket-versioned",
        "bucket",
        (BACKUP, VERSIONING.having("versioningConfiguration.status", LATER)),
    ),
    ("s3-backup-bucket-versioned", "tags", (UNTAGGED,)),
    ("s3-backup-bucket-locked", "bucket", (BACKUP, LOCK.having("rule.defaultRetention.days", LATER))),
    ("s3-backup-bucket-encrypted", "bucket", (BACKUP, ENCRYPTION.having("rules", LATER))),
    ("s3-backup-bucket-lifecycle", "bucket", (BACKUP, LIFECYCLE.having("rules.0.status", LATER))),
    ("s3-backup-bucket-never-expires", "tags", (UNTAGGED,)),
    ("s3-backup-bucket-never-expires", "rules", (BACKUP, LIFECYCLE.having("rules", LATER))),
    (
        "s3-backup-bucket-never-expires",
        "lifecycleRules",
        (BACKUP.having("lifecycleRules", [{"enabled": True, "expiration": {"days": LATER}}]),),
    ),
    (
        "s3-backup-bucket-never-expires",
        "rules",
        (BACKUP, LIFECYCLE.having("rules.0.expiration", {"days": LATER})),
    ),
    ("s3-backup-bucket-off-site", "tags", (UNTAGGED, INSTANCE)),
    ("s3-backup-bucket-off-site", "region", (BACKUP.but(region=LATER), INSTANCE)),
    ("s3-backup-bucket-kept", "forceDestroy", (BACKUP.having("forceDestroy", LATER),)),
    ("s3-backup-bucket-kept", "tags", (UNTAGGED,)),
    ("s3-backup-bucket-protected", "tags", (UNTAGGED.but(protect=False),)),
    ("ssm-parameter-secret-protected", "type", (SECRET.having("type", LATER).but(protect=False),)),
    ("ssm-parameter-secret-protected", "type", (SECRET.having("tags", LATER).but(protect=False),)),
    ("cloudwatch-alarm-has-action", "alarmActions", (ALARM.having("alarmActions", LATER),)),
    ("cloudwatch-alarm-actions-enabled", "actionsEnabled", (ALARM.having("actionsEnabled", LATER),)),
    ("sns-topic-not-public", "policy", (TOPIC_POLICY.having("policy", LATER),)),
    ("cloudwatch-log-group-kept", "retentionInDays", (LOG_GROUP.having("retentionInDays", LATER),)),
    ("cloudtrail-every-region", "isMultiRegionTrail", (TRAIL.having("isMultiRegionTrail", LATER),)),
    ("cloudtrail-every-region", "enableLogging", (TRAIL.having("enableLogging", LATER),)),
    ("cloudtrail-every-region", "eventSelectors", (TRAIL.having("eventSelectors.0.readWriteType", LATER),)),
    *(
        (
            "cloudtrail-every-region",
            "advancedEventSelectors",
            (TRAIL.without("eventSelectors").having("advancedEventSelectors", value),),
        )
        for value in (
            LATER,
            [LATER],
            [{"fieldSelectors": LATER}],
            [{"fieldSelectors": [LATER]}],
            [{"fieldSelectors": [{"field": LATER, "equals": ["Management"]}]}],
            [{"fieldSelectors": [{"field": "eventCategory", "equals": [LATER]}]}],
        )
    ),
    (
        "cloudtrail-files-validated",
        "enableLogFileValidation",
        (TRAIL.having("enableLogFileValidation", LATER),),
    ),
    (
        "cloudwatch-metric-filter-has-alarm",
        "metricTransformation",
        (FILTER.having("metricTransformation.name", LATER),),
    ),
    (
        "cloudwatch-metric-filter-has-alarm",
        "metricName",
        (FILTER, TRAIL_ALARMS[0].having("metricName", LATER)),
    ),
    *(
        (f"cloudwatch-watches-{name}", "pattern", (TRAIL, one.having("pattern", LATER)))
        for name, one in FILTERS.items()
    ),
    ("account-ebs-encrypted-by-default", "enabled", (BY_DEFAULT.having("enabled", LATER),)),
    ("account-imdsv2-by-default", "httpTokens", (METADATA.having("httpTokens", LATER),)),
    (
        "account-public-access-blocked",
        "blockPublicAcls",
        (ACCOUNT_BLOCK.having("blockPublicAcls", LATER),),
    ),
    ("account-snapshots-not-public", "state", (SNAPSHOTS.having("state", LATER),)),
    ("account-documents-not-public", "settingId", (DOCUMENTS.having("settingId", LATER),)),
    ("account-documents-not-public", "settingValue", (DOCUMENTS.having("settingValue", LATER),)),
    (
        "account-password-policy-strong",
        "minimumPasswordLength",
        (PASSWORDS.having("minimumPasswordLength", LATER),),
    ),
    ("account-password-policy-strong", "requireNumbers", (PASSWORDS.having("requireNumbers", LATER),)),
    ("account-access-analyzed-from-outside", "type", (ANALYZER.having("type", LATER),)),
    ("aws-no-credential-in-clear", "userData", (INSTANCE.having("userData", LATER),)),
    *(
        (f"iam-policy-{name}", "policy", (ROLE_POLICY.having("policy", value),))
        for name in ("no-decryption-by-any-key", "no-service-wildcard", "no-way-past-a-lock")
        for value in (LATER, {"Statement": [{**ALLOW, "Action": LATER}]})
    ),
    *(
        ("iam-policy-no-way-past-a-lock", "policy", (POLICY.having("policy", value),))
        for value in (LATER, {"Statement": [{**ALLOW, "Action": LATER}]})
    ),
    (
        "iam-policy-no-decryption-by-any-key",
        "policy",
        (
            ROLE_POLICY.having(
                "policy", {"Statement": [{**ALLOW, "Action": "kms:Decrypt", "Resource": LATER}]}
            ),
        ),
    ),
    ("kms-key-not-public", "policy", (KEY.having("policy", LATER),)),
    (
        "kms-key-not-public",
        "policy",
        (KEY.having("policy", {"Statement": [{**ALLOW, "Principal": LATER}]}),),
    ),
    ("iam-user-rights-by-group", "users", (SHARED_ATTACHMENT.having("users", [LATER]),)),
    ("iam-policy-no-full-access", "policy", (ROLE_POLICY.having("policy", LATER),)),
    (
        "iam-policy-no-full-access",
        "policy",
        (ROLE_POLICY.having("policy", {"Statement": [{**ALLOW, "Action": "*", "Resource": LATER}]}),),
    ),
    (
        "iam-policy-no-full-access",
        "policy",
        (ROLE_POLICY.having("policy", {"Statement": [{**ALLOW, "Action": [LATER]}]}),),
    ),
    ("iam-role-trust-named", "assumeRolePolicy", (ROLE.having("assumeRolePolicy", LATER),)),
    (
        "iam-role-trust-named",
        "assumeRolePolicy",
        (ROLE.having("assumeRolePolicy", {"Statement": [{**ALLOW, "Principal": LATER}]}),),
    ),
    ("kms-key-rotated", "enableKeyRotation", (KEY.having("enableKeyRotation", LATER),)),
    ("aws-provider-default-tags", "defaultTags", (PROVIDER.having("defaultTags", LATER),)),
    ("aws-resource-required-tags", "tags", (INSTANCE.having("tags", LATER),)),
    (
        "aws-provider-account-pinned",
        "allowedAccountIds",
        (PROVIDER.having("allowedAccountIds", LATER),),
    ),
]

# What these judge is always known: names, options, links, or that a new key or policy is named at all.
NEVER = (
    "aws-provider-explicit",
    "cloudtrail-files-encrypted",
    "cloudtrail-to-cloudwatch",
    "cloudwatch-suppressor-used",
    "ec2-volume-protected",
    "ec2-vpc-default-group-managed",
    "iam-role-no-administrator",
    "iam-user-no-secret-in-state",
    "kms-key-protected",
    "s3-bucket-policy-present",
    "sns-topic-encrypted",
)
