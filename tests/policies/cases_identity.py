"""Policies and keys: who may do what."""

from typing import Any

from policy_cases import Case, fails, lacks, passes
from policy_judge import Thing
from policy_things import (
    ACCESS_KEY,
    ACCOUNT,
    ATTACHMENT,
    BACKUP,
    GROUP_POLICY,
    KEY,
    KEY_ARN,
    POLICY,
    ROLE,
    ROLE_POLICY,
    SHARED_ATTACHMENT,
    USER,
    USER_POLICY,
    document,
    tls_statement,
)

DECRYPTS = "iam-policy-no-decryption-by-any-key"
WILDCARD = "iam-policy-no-service-wildcard"
LOCKS = "iam-policy-no-way-past-a-lock"
UNLOCKING = ["s3:BypassGovernanceRetention", "s3:DeleteObjectVersion", "s3:PutBucketObjectLockConfiguration"]
ATTACHED = "iam-role-no-administrator"
OF_AWS = "arn:aws:iam::aws:policy"
EXCLUSIVE = Thing(
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
    "web1-all",
    {"roleName": "web1-role", "policyArns": [f"{OF_AWS}/AmazonSSMManagedInstanceCore"]},
)
PUBLIC = "kms-key-not-public"
OPENS = "'{}' decrypts with any key: it must name the keys."
PASSES = "'{}' may pass over locks of backups: it must not."
ANYONE = "Policy of 'key' allows everyone: it must name its principals."


def allows(**fields: Any) -> Thing:
    return ROLE_POLICY.having("policy", document({"Effect": "Allow", **fields}))


def opens(about: str, **fields: Any) -> Case:
    return fails(DECRYPTS, allows(**fields), says=OPENS.format("web1-logs"), about=about)


def wide(about: str, said: str, **fields: Any) -> Case:
    message = f"'web1-logs' allows {said}: it must name actions."
    return fails(WILDCARD, allows(**fields), says=message, about=about)


def past(about: str, **fields: Any) -> Case:
    return fails(LOCKS, allows(**fields), says=PASSES.format("web1-logs"), about=about)


def of_bucket(**fields: Any) -> Thing:
    """The policy of the backups' bucket, which lets a role of its own account do something."""
    role = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/web1"}
    one = {"Effect": "Allow", "Principal": role, "Resource": "arn:aws:s3:::acme-backup/*", **fields}
    return POLICY.having("policy", document(tls_statement("acme-backup"), one))


def of_key(**fields: Any) -> Thing:
    statement = {"Effect": "Allow", "Action": "kms:*", "Resource": "*", **fields}
    return KEY.having("policy", document({key: value for key, value in statement.items() if value}))


def everyone(about: str, **fields: Any) -> Case:
    return fails(PUBLIC, of_key(**fields), says=ANYONE, about=about)


SOURCE = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}

BY_GROUP = "iam-user-rights-by-group"
OWN_RIGHTS = "'{}' gives rights to a user itself: a group must have them."
IN_STATE = "'far-key' puts a secret into the state: it must be made outside the stack."

CASES = [
    *(
        fails(
            ATTACHED,
            thing.having(key, value),
            says=f"'{thing.name}' attaches {policy}: it must name what is needed.",
            about=policy,
        )
        for thing, key, policy, value in (
            (ATTACHMENT, "policyArn", "AmazonS3FullAccess", f"{OF_AWS}/AmazonS3FullAccess"),
            (ATTACHMENT, "policyArn", "IAMFullAccess", f"{OF_AWS}/IAMFullAccess"),
            (ROLE, "managedPolicyArns", "PowerUserAccess", [f"{OF_AWS}/PowerUserAccess"]),
            (
                ATTACHMENT,
                "policyArn",
                "job-function/SystemAdministrator",
                f"{OF_AWS}/job-function/SystemAdministrator",
            ),
            (
                ATTACHMENT,
                "policyArn",
                "AdministratorAccess",
                "arn:aws-us-gov:iam::aws:policy/AdministratorAccess",
            ),
            (EXCLUSIVE, "policyArns", "AmazonEC2FullAccess", [f"{OF_AWS}/AmazonEC2FullAccess"]),
        )
    ),
    passes(ATTACHED, EXCLUSIVE, about="all that it has"),
    passes(
        ATTACHED,
        ATTACHMENT.having("policyArn", f"arn:aws:iam::{ACCOUNT}:policy/AdministratorAccess"),
        about="a policy of the account, which another rule judges",
    ),
    passes(
        ATTACHED,
        ATTACHMENT.having("policyArn", f"{OF_AWS}/job-function/Billing"),
        config={"awsPolicies": ["job-function/Billing"]},
        about="config",
    ),
    fails(
        "iam-role-no-administrator",
        SHARED_ATTACHMENT.having("policyArn", "arn:aws:iam::aws:policy/AdministratorAccess"),
        says="'shared' attaches AdministratorAccess: it must name what is needed.",
        about="to a group",
    ),
    passes(BY_GROUP, USER, GROUP_POLICY, SHARED_ATTACHMENT),
    fails(BY_GROUP, USER_POLICY, says=OWN_RIGHTS.format("far-own")),
    fails(
        BY_GROUP, SHARED_ATTACHMENT.having("users", ["far"]), says=OWN_RIGHTS.format("shared"), about="shared"
    ),
    lacks(BY_GROUP, SHARED_ATTACHMENT.without("users"), says=None, about="no users"),
    passes("iam-user-no-secret-in-state", USER),
    fails("iam-user-no-secret-in-state", ACCESS_KEY, says=IN_STATE),
    lacks("iam-user-no-secret-in-state", ACCESS_KEY.but(props={}), says=IN_STATE, about="not even a user"),
    passes(DECRYPTS, ROLE_POLICY, ROLE),
    passes(DECRYPTS, allows(Action="kms:Decrypt", Resource=KEY_ARN), about="one key"),
    passes(
        DECRYPTS,
        allows(Action="kms:Decrypt", Resource=f"arn:aws:kms:eu-west-2:{ACCOUNT}:key/*"),
        about="keys of one region",
    ),
    passes(DECRYPTS, allows(Action="kms:Encrypt", Resource="*"), about="encrypting"),
    passes(DECRYPTS, allows(NotAction="kms:*", Resource="*"), about="all but keys"),
    passes(
        DECRYPTS,
        ROLE_POLICY.having("policy", document({"Effect": "Deny", "Action": "kms:*", "Resource": "*"})),
        about="a denial",
    ),
    opens("star", Action="kms:Decrypt", Resource="*"),
    opens("every key", Action=["kms:ReEncryptFrom"], Resource=["arn:aws:kms:*:*:key/*"]),
    opens("a wildcard of actions", Action="kms:De*", Resource="*"),
    opens("capitals", Action="KMS:decrypt", Resource="*"),
    opens("all but some actions", NotAction="iam:*", Resource="*"),
    opens("all but one key", Action="kms:Decrypt", NotResource=KEY_ARN),
    opens("despite a condition", Action="kms:Decrypt", Resource="*", Condition={"StringEquals": {"a": "b"}}),
    fails(
        DECRYPTS,
        ROLE.having("inlinePolicies.0.policy", document({"Effect": "Allow", "Action": "*", "Resource": "*"})),
        says=OPENS.format("web1"),
        about="within a role",
    ),
    lacks(DECRYPTS, ROLE_POLICY.without("policy"), ROLE.without("inlinePolicies"), says=None),
    passes(WILDCARD, ROLE_POLICY, ROLE, GROUP_POLICY),
    passes(WILDCARD, allows(Action=["s3:Get*", "ec2:Describe*"], Resource="*"), about="some actions"),
    wide("one service", "s3:*", Action="s3:*", Resource="arn:aws:s3:::bucket/*"),
    wide("two services", "ec2:*, s3:*", Action=["s3:*", "ec2:*", "sns:Publish"], Resource="*"),
    wide("all but some", "all actions but some", NotAction="iam:*", Resource="*"),
    lacks(WILDCARD, ROLE_POLICY.without("policy"), ROLE.without("inlinePolicies"), says=None),
    passes(LOCKS, ROLE_POLICY, ROLE),
    passes(LOCKS, allows(Action=["s3:DeleteObject", "s3:GetObjectVersion"], Resource="*"), about="hiding"),
    passes(LOCKS, allows(NotAction="s3:*", Resource="*"), about="all but storage"),
    past("the lock", Action="s3:BypassGovernanceRetention", Resource="arn:aws:s3:::acme-backup/*"),
    past("versions", Action=["s3:GetObject", "s3:DeleteObjectVersion"], Resource="*"),
    past("its configuration", Action="s3:PutBucketObjectLockConfiguration", Resource="*"),
    past("a wildcard", Action="s3:Delete*", Resource="*"),
    past("everything", Action="*", Resource="*"),
    past("all but one", NotAction="s3:DeleteObjectVersion", Resource="*"),
    passes(LOCKS, POLICY, BACKUP, about="a bucket's denial of plain HTTP"),
    passes(LOCKS, of_bucket(Effect="Deny", Action=UNLOCKING), about="a bucket's denial"),
    passes(LOCKS, of_bucket(Action=["s3:PutObject", "s3:DeleteObject"]), about="a bucket's writer"),
    *(
        fails(LOCKS, of_bucket(Action=action), says=PASSES.format("backup-BucketPolicy"), about=action)
        for action in [*UNLOCKING, "s3:*"]
    ),
    fails(
        LOCKS,
        BACKUP.having("policy", of_bucket(Action=UNLOCKING).props["policy"]),
        says=PASSES.format("backup"),
        about="in the bucket",
    ),
    lacks(LOCKS, POLICY.without("policy"), says=None, about="a bucket's"),
    lacks(LOCKS, ROLE_POLICY.without("policy"), ROLE.without("inlinePolicies"), says=None),
    passes(PUBLIC, KEY),
    passes(PUBLIC, of_key(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), about="the account"),
    passes(PUBLIC, of_key(Principal={"Service": "sns.amazonaws.com"}, Condition=SOURCE), about="a service"),
    passes(PUBLIC, of_key(Principal="*", Condition=SOURCE), about="everyone of one account"),
    passes(
        PUBLIC,
        of_key(Principal="*", Condition={"StringEquals": {"kms:CallerAccount": [ACCOUNT]}}),
        about="callers of one account",
    ),
    everyone("star", Principal="*"),
    everyone("any account", Principal={"AWS": ["*"]}),
    everyone("all but one", Principal=None, NotPrincipal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
    everyone("any organization", Principal="*", Condition={"StringLike": {"aws:PrincipalOrgID": "o-*"}}),
    everyone("a variable", Principal="*", Condition={"StringEquals": {"aws:SourceAccount": "${aws:x}"}}),
    everyone("no value", Principal="*", Condition={"StringEquals": {"aws:SourceAccount": []}}),
    everyone("another condition", Principal="*", Condition={"Bool": {"aws:SecureTransport": "true"}}),
    lacks(PUBLIC, KEY, says=None, about="without a policy it is the account's"),
]
