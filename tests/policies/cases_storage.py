from typing import Any

from policy_cases import Case, fails, lacks, passes
from policy_judge import Thing
from policy_things import ACCESS_BLOCK, ACL, BACKUP, LOGGING, OWNERSHIP, POLICY, document, tls_statement

BLOCKED = "s3-bucket-public-access-blocked"
ACLS = "s3-bucket-no-public-acl"
GRANT = "s3-bucket-policy-no-public-grant"
TLS = "s3-bucket-policy-tls-only"
PRESENT = "s3-bucket-policy-present"
ANYONE = "Policy of 'backup-BucketPolicy' allows everyone: it must name its principals."
PLAIN = "Policy 'backup-BucketPolicy' must deny s3:* on bucket and objects without TLS."
NO_BLOCK = "Bucket 'backup' must have a BucketPublicAccessBlock."
NO_POLICY = "Bucket 'backup' must have a BucketPolicy."
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
DENIAL = tls_statement("acme-backup")
ALLOW = {
    "Effect": "Allow",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::acme-backup/*",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
}

OF_ONE_ORGANIZATION = {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}}}


def weak(about: str, **changes: Any) -> Case:
    """The denial with one field of it changed, or taken away by None."""
    changed = {key: value for key, value in {**DENIAL, **changes}.items() if value is not None}
    return fails(TLS, POLICY.having("policy", document(changed)), says=PLAIN, about=about)


def grants(about: str, **changes: Any) -> Case:
    changed = {key: value for key, value in {**ALLOW, **changes}.items() if value is not None}
    return fails(GRANT, POLICY.having("policy", document(DENIAL, changed)), says=ANYONE, about=about)


FOREIGN = "s3-bucket-policy-no-foreign-administration"
OTHER = "210987654321"
LISTS = "s3-bucket-acl-disabled"
NO_CONTROLS = "Bucket 'backup' must have BucketOwnershipControls."
NOT_ENFORCED = "Ownership of 'backup' must be BucketOwnerEnforced."
LOGGED = "s3-bucket-access-logged"
NO_LOGGING = "Accesses to bucket 'backup' must be logged, by BucketLogging."


def grant(**changes: Any) -> Thing:
    return POLICY.having("policy", document(DENIAL, {**ALLOW, **changes}))


def foreign(about: str, who: str = OTHER, **changes: Any) -> Case:
    says = f"Policy of 'backup-BucketPolicy' lets {who} change its access: it must not."
    return fails(FOREIGN, grant(**changes), says=says, about=about)


ABROAD = {"AWS": f"arn:aws:iam::{OTHER}:root"}

CASES = [
    passes(FOREIGN, POLICY, BACKUP),
    passes(FOREIGN, grant(Principal=ABROAD), about="reading"),
    passes(FOREIGN, grant(Action="s3:*"), about="its own account"),
    passes(FOREIGN, grant(Action="s3:*", Principal={"Service": "s3.amazonaws.com"}), about="a service"),
    passes(FOREIGN, grant(Action="s3:*", Principal=ABROAD, Effect="Deny"), about="a denial"),
    foreign("one action", Action=["s3:GetObject", "s3:PutBucketPolicy"], Principal=ABROAD),
    foreign("a wildcard", Action="s3:Put*", Principal=ABROAD),
    foreign("by its number", Action="s3:*", Principal={"AWS": [OTHER]}),
    foreign("everyone", "everyone", Action="s3:PutObjectAcl", Principal="*", **OF_ONE_ORGANIZATION),
    fails(
        FOREIGN,
        BACKUP.having("policy", document({**ALLOW, "Action": "*", "Principal": ABROAD})),
        says=f"Policy of 'backup' lets {OTHER} change its access: it must not.",
        about="policy in the bucket",
    ),
    lacks(FOREIGN, POLICY.without("policy"), BACKUP, says=None),
    passes(LISTS, BACKUP, OWNERSHIP),
    fails(LISTS, BACKUP, OWNERSHIP.having("rule.objectOwnership", "ObjectWriter"), says=NOT_ENFORCED),
    fails(LISTS, BACKUP, OWNERSHIP.having("bucket", "other"), says=NO_CONTROLS, about="another bucket's"),
    lacks(LISTS, BACKUP, says=NO_CONTROLS),
    lacks(LISTS, BACKUP, OWNERSHIP.without("rule"), says=NOT_ENFORCED, about="rule"),
    passes(LOGGED, BACKUP, LOGGING),
    passes(LOGGED, BACKUP.having("tags.purpose", "delivery"), about="made from the repository"),
    passes(LOGGED, BACKUP, config={"loggedPurposes": ["other"]}, about="config"),
    fails(LOGGED, BACKUP, LOGGING.having("bucket", "other"), says=NO_LOGGING, about="another bucket's"),
    fails(
        LOGGED,
        BACKUP.having("tags.purpose", "other"),
        says=NO_LOGGING,
        config={"loggedPurposes": ["other"]},
        about="another purpose",
    ),
    lacks(LOGGED, BACKUP, says=NO_LOGGING),
    passes(BLOCKED, BACKUP, ACCESS_BLOCK),
    *(
        fails(
            BLOCKED,
            BACKUP,
            ACCESS_BLOCK.having(flag, to=False),
            says=f"Bucket 'backup' may become public: {flag} must be true.",
            about=flag,
        )
        for flag in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    ),
    fails(BLOCKED, BACKUP, ACCESS_BLOCK.having("bucket", "other"), says=NO_BLOCK, about="another bucket's"),
    lacks(BLOCKED, BACKUP, says=NO_BLOCK),
    lacks(
        BLOCKED,
        BACKUP,
        ACCESS_BLOCK.without("ignorePublicAcls"),
        says="Bucket 'backup' may become public: ignorePublicAcls must be true.",
        about="flag",
    ),
    passes(ACLS, ACL, BACKUP),
    fails(
        ACLS,
        ACL.having("acl", "public-read"),
        says=f"'{ACL.name}' has the public ACL public-read: it must be private.",
    ),
    fails(
        ACLS,
        ACL.having("accessControlPolicy", {"grants": [{"grantee": {"uri": ALL_USERS}}]}),
        says=f"'{ACL.name}' grants access to {ALL_USERS}: it must not.",
        about="grant",
    ),
    fails(
        ACLS,
        BACKUP.having("grants", [{"uri": ALL_USERS, "permissions": ["READ"]}]),
        says=f"'backup' grants access to {ALL_USERS}: it must not.",
        about="grant of the bucket",
    ),
    lacks(ACLS, ACL.without("acl"), BACKUP, says=None, about="no list is private"),
    passes(GRANT, POLICY.having("policy", document(DENIAL, ALLOW)), BACKUP),
    grants("star", Principal="*"),
    grants("any account", Principal={"AWS": "*"}),
    grants("in a list", Principal={"AWS": ["arn:aws:iam::123456789012:root", "*"]}),
    grants("despite a condition", Principal="*", Condition={"Bool": {"aws:SecureTransport": "true"}}),
    passes(
        GRANT,
        POLICY.having(
            "policy", document(DENIAL, {**ALLOW, "Principal": {"AWS": "*"}, **OF_ONE_ORGANIZATION})
        ),
        about="of one organization",
    ),
    grants(
        "of any organization",
        Principal="*",
        Condition={"StringLike": {"aws:PrincipalOrgID": "o-*"}},
    ),
    grants("all but one", Principal=None, NotPrincipal={"AWS": "arn:aws:iam::123456789012:root"}),
    fails(
        GRANT,
        BACKUP.having("policy", document({**ALLOW, "Principal": "*"})),
        says="Policy of 'backup' allows everyone: it must name its principals.",
        about="policy in the bucket",
    ),
    lacks(GRANT, POLICY.without("policy"), BACKUP, says=None, about="no policy grants nothing"),
    passes(TLS, POLICY),
    passes(TLS, POLICY.having("policy", {"Statement": DENIAL}), about="as data, one statement"),
    passes(
        TLS, POLICY.having("policy", document(ALLOW, {**DENIAL, "Resource": "*"})), about="every resource"
    ),
    weak("bucket alone", Resource="arn:aws:s3:::acme-backup"),
    weak("objects alone", Resource="arn:aws:s3:::acme-backup/*"),
    weak("reading alone", Action="s3:GetObject"),
    weak("allows instead", Effect="Allow"),
    weak("one principal", Principal={"AWS": "arn:aws:iam::123456789012:root"}),
    weak("the wrong way round", Condition={"Bool": {"aws:SecureTransport": "true"}}),
    weak("a second test", Condition={"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}}),
    weak(
        "a second condition",
        Condition={
            "Bool": {"aws:SecureTransport": "false"},
            "StringEquals": {"aws:PrincipalAccount": "123456789012"},
        },
    ),
    weak("no condition", Condition=None),
    weak("all but some actions", Action=None, NotAction="s3:GetObject"),
    fails(TLS, POLICY.having("policy", "not json"), says=PLAIN, about="unreadable"),
    lacks(TLS, POLICY.without("policy"), says=PLAIN),
    passes(PRESENT, BACKUP, POLICY),
    fails(PRESENT, BACKUP, POLICY.having("bucket", "other"), says=NO_POLICY, about="another bucket's"),
    lacks(PRESENT, BACKUP, says=NO_POLICY),
]
