"""Rules on who may do what in the account."""

import re
from collections.abc import Iterator

from pulumi_policy import Severity

from .base import (
    Finding,
    Resource,
    Rule,
    Source,
    Undecided,
    Violation,
    require,
    resource_rule,
    security_hub,
    unless,
)
from .documents import Statement, names_principals, nothing_public, on_statements
from .reading import UNKNOWN, every, items, none
from .settings import AWS_POLICIES
from .storage import BUCKET_POLICY, BUCKETS

_ROLE = "aws:iam/role:Role"
_POLICIES = (
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/policy:Policy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
)
_KEYS = ("aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey", "aws:kms/keyPolicy:KeyPolicy")
# Security Hub KMS.1 and KMS.2, parameter blockedActionsPatterns.
_DECRYPTION = ("kms:Decrypt", "kms:ReEncryptFrom")
_SOMEBODYS_KEY = "arn:aws:kms:xx-any-9:999999999999:key/any"
_SERVICE_WILDCARD = re.compile(r"[a-z0-9-]+:\*", re.IGNORECASE)
_PAST_A_LOCK = (
    "s3:BypassGovernanceRetention", "s3:DeleteObjectVersion", "s3:PutBucketObjectLockConfiguration",
)  # fmt: skip
_ATTACHMENTS = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
    # These attach whatever they list.
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
    "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive",
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive",
)
_GRANTS = on_statements("policy", "inlinePolicies")
"""A policy has the one, a role the other."""
_OF_AWS = re.compile(r"arn:[a-z-]+:iam::aws:policy/(.+)")


@resource_rule(
    "iam-policy-no-full-access",
    types=(*_POLICIES, _ROLE),
    description="A policy must not allow every action on every resource.",
    severity=Severity.CRITICAL,
    source=security_hub("IAM.1"),
    remediation="Name the actions and the resources that the role needs.",
)
@_GRANTS
def no_full_access(resource: Resource, found: list[Statement]) -> Iterator[Finding]:
    """A server's role is in the hands of whoever breaks into the server."""
    message = f"'{resource.name}' allows every action on everything: it must name both."
    yield from unless(none(*(one.everything for one in found if one.allows)), message, "policy")


@resource_rule(
    "iam-role-no-administrator",
    types=(*_ATTACHMENTS, _ROLE),
    description="A role, group or user must be given no policy of AWS's own but those that are listed.",
    severity=Severity.CRITICAL,
    source=security_hub("IAM.1"),
    remediation="Attach a policy that names what is needed; `awsPolicies` lists those of AWS that may be.",
    settings=(AWS_POLICIES,),
)
def no_administrator(resource: Resource) -> Iterator[Finding]:
    """Most of AWS's allow a whole service, on everything: AmazonS3FullAccess passes any lock of backups."""
    listed = [
        one for key in ("policyArn", "policyArns", "managedPolicyArns") for one in items(resource.at(key))
    ]
    for arn in listed:
        if arn is UNKNOWN:  # a policy of this stack, judged by the rule above
            continue
        of_aws = _OF_AWS.fullmatch(str(arn))
        if of_aws and of_aws[1] not in resource.setting(AWS_POLICIES):
            yield Violation(f"'{resource.name}' attaches {of_aws[1]}: it must name what is needed.")


@resource_rule(
    "iam-role-trust-named",
    types=(_ROLE,),
    description="A role must name who may assume it.",
    severity=Severity.CRITICAL,
    source=Source(
        "AWS IAM User Guide",
        "principal element",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html",
    ),
    remediation="Put the service, account or role into the principal of assume_role_policy, never '*'.",
)
@on_statements("assumeRolePolicy")
def trust_named(role: Resource, found: list[Statement]) -> Iterator[Finding]:
    """A wildcard lets any AWS account in the world become this role."""
    named = names_principals(found, lambda one: one.allows and one.anyone)
    message = f"Role '{role.name}' may be assumed by anyone: it must name its principals."
    yield from unless(named, message, "assumeRolePolicy")


@resource_rule(
    "iam-user-rights-by-group",
    types=(
        "aws:iam/userPolicy:UserPolicy",
        "aws:iam/userPolicyAttachment:UserPolicyAttachment",
        "aws:iam/policyAttachment:PolicyAttachment",
    ),
    description="A user must have its rights from a group, and none of its own.",
    severity=Severity.LOW,
    source=security_hub("IAM.2"),
    remediation="Give the rights to a group with aws.iam.GroupPolicy, and put the user into it.",
)
def rights_by_group(policy: Resource) -> Iterator[Finding]:
    """An attachment to several kinds at once is about users only where it names some."""
    users = items(policy.at("users")) if policy.type.endswith(":PolicyAttachment") else ["its user"]
    if UNKNOWN in users:
        yield Undecided("users")
    elif users:
        yield Violation(f"'{policy.name}' gives rights to a user itself: a group must have them.")


@resource_rule(
    "iam-user-no-secret-in-state",
    types=(
        "aws:iam/accessKey:AccessKey",
        "aws:iam/userLoginProfile:UserLoginProfile",
        "aws:iam/serviceSpecificCredential:ServiceSpecificCredential",
    ),
    description="A stack must make no access key and no password: the secret would stay in its state.",
    severity=Severity.CRITICAL,
    source=Source(
        "AWS IAM User Guide",
        "securing access keys",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/securing_access-keys.html",
    ),
    remediation="Make the user alone; a command hands a key to the machine (`managed bootstrap`).",
)
def no_secret_in_state(secret: Resource) -> Iterator[Finding]:
    """Encrypted or not, whoever reads an old state with its passphrase has the key."""
    yield Violation(f"'{secret.name}' puts a secret into the state: it must be made outside the stack.")


@resource_rule(
    "kms-key-rotated",
    types=("aws:kms/key:Key",),
    description="A key that encrypts data must be rotated.",
    severity=Severity.MEDIUM,
    source=security_hub("KMS.4"),
    remediation="Set enable_key_rotation=True.",
)
def key_rotated(key: Resource) -> Iterator[Finding]:
    """KMS rotates symmetric keys of its own alone."""
    if key.at("customerMasterKeySpec") not in (None, "SYMMETRIC_DEFAULT", UNKNOWN):
        return
    message = f"Key '{key.name}' is never rotated: enableKeyRotation must be true."
    yield from require(key, message, "enableKeyRotation")


@resource_rule(
    "iam-policy-no-decryption-by-any-key",
    types=(*_POLICIES, _ROLE),
    description="A policy must not allow to decrypt with any key whatever.",
    severity=Severity.MEDIUM,
    source=security_hub("KMS.1", "KMS.2"),
    remediation="Name the keys, or those of one account and region, as resources of kms:Decrypt.",
)
@_GRANTS
def no_decryption_by_any_key(resource: Resource, found: list[Statement]) -> Iterator[Finding]:
    """KMS.1 is on policies of their own, KMS.2 on those within a role; conditions don't count."""
    any_key = (every(one.may(*_DECRYPTION), one.reaches(_SOMEBODYS_KEY)) for one in found)
    message = f"'{resource.name}' decrypts with any key: it must name the keys."
    yield from unless(none(*any_key), message, "policy")


@resource_rule(
    "iam-policy-no-service-wildcard",
    types=(*_POLICIES, _ROLE),
    description="A policy must not allow every action of a service.",
    severity=Severity.LOW,
    source=security_hub("IAM.21"),
    remediation="Name the actions, such as s3:GetObject, instead of s3:*.",
)
@_GRANTS
def no_service_wildcard(resource: Resource, found: list[Statement]) -> Iterator[Finding]:
    """What AWS adds to the service tomorrow would be allowed as well."""
    granting = [one for one in found if one.allows]
    wide = {
        action
        for one in granting
        for action in one.actions
        if isinstance(action, str) and _SERVICE_WILDCARD.fullmatch(action) and "Action" not in one.inverted
    }
    wide |= {"all actions but some" for one in granting if "Action" in one.inverted}
    if wide:
        yield Violation(f"'{resource.name}' allows {', '.join(sorted(wide))}: it must name actions.")
    elif any(UNKNOWN in one.actions for one in granting):
        yield Undecided("policy")


@resource_rule(
    "iam-policy-no-way-past-a-lock",
    types=(*_POLICIES, _ROLE, BUCKET_POLICY, *BUCKETS),
    description="A policy must not allow to delete what object lock keeps, nor to take the lock away.",
    severity=Severity.CRITICAL,
    source=Source(
        "Amazon S3 User Guide",
        "Object Lock",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html",
    ),
    remediation=(
        "Leave out s3:BypassGovernanceRetention, s3:DeleteObjectVersion and "
        "s3:PutBucketObjectLockConfiguration, and wildcards that cover them."
    ),
)
@_GRANTS
def no_way_past_a_lock(resource: Resource, found: list[Statement]) -> Iterator[Finding]:
    """In governance mode the lock is as strong as the roles that can't pass it.

    Within an account the policy of a bucket grants by itself: a role needs nothing of its own.
    """
    message = f"'{resource.name}' may pass over locks of backups: it must not."
    yield from unless(none(*(one.may(*_PAST_A_LOCK) for one in found)), message, "policy")


@resource_rule(
    "kms-key-not-public",
    types=_KEYS,
    description="A key's policy must not allow anything to everyone.",
    severity=Severity.CRITICAL,
    source=security_hub("KMS.5"),
    remediation="Name the account, role or service, or add a condition such as aws:SourceAccount.",
)
def key_not_public(key: Resource) -> Iterator[Finding]:
    """Without a policy of its own a key is the account's."""
    yield from no_public_statement(key)


@on_statements("policy")
def no_public_statement(resource: Resource, found: list[Statement]) -> Iterator[Finding]:
    """Finds what a resource's policy allows to everyone."""
    yield from nothing_public(resource, found, lambda one: one.public)


RULES: list[Rule] = [
    no_full_access,
    no_administrator,
    trust_named,
    rights_by_group,
    no_secret_in_state,
    no_decryption_by_any_key,
    no_service_wildcard,
    no_way_past_a_lock,
    key_rotated,
    key_not_public,
]
