"""Values that aren't known at preview: for each rule, the property that it must name in its advisory."""

from policy_judge import LATER, Thing
from policy_things import (
    ACCESS_BLOCK,
    ACL,
    ALARM,
    BACKUP,
    DEFAULT_GROUP,
    ENCRYPTION,
    GROUP,
    INLINE,
    INSTANCE,
    KEY,
    LOCK,
    POLICY,
    PROVIDER,
    ROLE,
    ROLE_POLICY,
    RULE,
    SECRET,
    SUBNET,
    VERSIONING,
    VOLUME,
    tls_statement,
)

ADMIN = "ec2-security-group-no-world-admin-port"
LISTED = "ec2-security-group-world-ports-listed"
ODD_RULE = RULE.having("fromPort", 8443).having("toPort", 8443)
UNTAGGED = BACKUP.without("objectLockEnabled").having("tags", LATER)
DENIAL = tls_statement("acme-backup")
ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}

CASES: list[tuple[str, str, tuple[Thing, ...]]] = [
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
        "mapPublicIpOnLaunch",
        (SUBNET.having("mapPublicIpOnLaunch", LATER),),
    ),
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
    ("s3-backup-bucket-off-site", "tags", (UNTAGGED, INSTANCE)),
    ("s3-backup-bucket-off-site", "region", (BACKUP.but(region=LATER), INSTANCE)),
    ("s3-backup-bucket-kept", "forceDestroy", (BACKUP.having("forceDestroy", LATER),)),
    ("s3-backup-bucket-kept", "tags", (UNTAGGED,)),
    ("s3-backup-bucket-protected", "tags", (UNTAGGED.but(protect=False),)),
    ("ssm-parameter-secret-protected", "type", (SECRET.having("type", LATER).but(protect=False),)),
    ("ssm-parameter-secret-protected", "type", (SECRET.having("tags", LATER).but(protect=False),)),
    ("cloudwatch-alarm-has-action", "alarmActions", (ALARM.having("alarmActions", LATER),)),
    ("cloudwatch-alarm-actions-enabled", "actionsEnabled", (ALARM.having("actionsEnabled", LATER),)),
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
    "ec2-volume-protected",
    "ec2-vpc-default-group-managed",
    "iam-role-no-administrator",
    "kms-key-protected",
    "s3-bucket-policy-present",
    "sns-topic-encrypted",
)
