"""Rules on every bucket."""

from collections.abc import Iterator

from pulumi_policy import Severity

from .base import (
    Finding,
    Resource,
    Rule,
    Stack,
    Undecided,
    Violation,
    resource_rule,
    security_hub,
    stack_rule,
    unless,
)
from .documents import Statement, nothing_public, on_statements, refuses_plain_http
from .reading import UNKNOWN, at, decoded, items, some
from .settings import LOGGED_PURPOSES, PURPOSE_TAG

# The names with V2 are the same resources under their deprecated tokens.
BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
_ACLS = ("aws:s3/bucketAcl:BucketAcl", "aws:s3/bucketAclV2:BucketAclV2")
_OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
LOGGING = ("aws:s3/bucketLogging:BucketLogging", "aws:s3/bucketLoggingV2:BucketLoggingV2")
# Security Hub S3.6, parameter blacklistedActionPatterns.
_ADMINISTRATION = (
    "s3:DeleteBucketPolicy", "s3:PutBucketAcl", "s3:PutBucketPolicy", "s3:PutEncryptionConfiguration",
    "s3:PutObjectAcl",
)  # fmt: skip
FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_PUBLIC_ACLS = ("public-read", "public-read-write", "authenticated-read")
_PUBLIC_GROUPS = ("global/AllUsers", "global/AuthenticatedUsers")


@stack_rule(
    "s3-bucket-public-access-blocked",
    types=(*BUCKETS, ACCESS_BLOCK),
    description="Every bucket must have a public access block, with all four flags on.",
    severity=Severity.CRITICAL,
    source=security_hub("S3.8"),
    remediation="Add aws.s3.BucketPublicAccessBlock(bucket=bucket.id) with all four flags True.",
)
def public_access_blocked(stack: Stack) -> Iterator[Finding]:
    """AWS blocks new buckets by default, but a default can be changed where nobody sees it."""
    for bucket in stack.of(*BUCKETS):
        blocks = stack.attached(bucket, "bucket", ACCESS_BLOCK)
        if not blocks:
            yield Violation(f"Bucket '{bucket.name}' must have a BucketPublicAccessBlock.", bucket.urn)
        for block in blocks:
            for flag in FLAGS:
                if block.at(flag) is UNKNOWN:
                    yield Undecided(flag)
                elif block.at(flag) is not True:
                    message = f"Bucket '{bucket.name}' may become public: {flag} must be true."
                    yield Violation(message, block.urn)


@resource_rule(
    "s3-bucket-no-public-acl",
    types=(*BUCKETS, *_ACLS),
    description="A bucket must not grant anything to the public by an access control list.",
    severity=Severity.CRITICAL,
    source=security_hub("S3.3"),
    remediation="Leave ACLs out, and set the object ownership to BucketOwnerEnforced.",
)
def no_public_acl(resource: Resource) -> Iterator[Finding]:
    """Canned lists, grants of the bucket, and grants of a separate list."""
    acl = resource.at("acl")
    if acl is UNKNOWN:
        yield Undecided("acl")
    elif acl in _PUBLIC_ACLS:
        yield Violation(f"'{resource.name}' has the public ACL {acl}: it must be private.")
    grants = [(grant, at(grant, "uri")) for grant in items(resource.at("grants"))]
    listed = items(resource.at("accessControlPolicy", "grants"))
    grants += [(grant, at(grant, "grantee", "uri")) for grant in listed]
    for _, uri in grants:
        if uri is UNKNOWN:
            yield Undecided("grants")
        elif str(uri).endswith(_PUBLIC_GROUPS):
            yield Violation(f"'{resource.name}' grants access to {uri}: it must not.")


@resource_rule(
    "s3-bucket-policy-no-public-grant",
    types=(BUCKET_POLICY, *BUCKETS),
    description="A bucket policy must not allow anything to everyone.",
    severity=Severity.CRITICAL,
    source=security_hub("S3.2"),
    remediation="Name the accounts, roles or services that may, instead of the principal '*'.",
)
@on_statements("policy")
def policy_no_public_grant(resource: Resource, found: list[Statement]) -> Iterator[Finding]:
    """An Allow for '*' is public even with a condition, but for one that names a whole organization."""
    yield from nothing_public(
        resource, found, lambda one: one.allows and one.anyone and not one.of_one_organization
    )


@resource_rule(
    "s3-bucket-policy-tls-only",
    types=(BUCKET_POLICY,),
    description="A bucket policy must deny every request that doesn't use TLS.",
    severity=Severity.HIGH,
    source=security_hub("S3.5"),
    remediation=(
        "Add a statement: Deny, principal '*', action s3:*, on the bucket and bucket/*, "
        "with the single condition Bool aws:SecureTransport false."
    ),
)
@on_statements("policy")
def policy_tls_only(policy: Resource, found: list[Statement]) -> Iterator[Finding]:
    """On the bucket and on its objects, without an action or a principal left out."""
    message = f"Policy '{policy.name}' must deny s3:* on bucket and objects without TLS."
    yield from unless(some(*map(refuses_plain_http, found)), message, "policy")


@stack_rule(
    "s3-bucket-policy-present",
    types=BUCKETS,
    description="Every bucket must have a bucket policy, because only that can demand TLS.",
    severity=Severity.HIGH,
    source=security_hub("S3.5"),
    remediation="Add aws.s3.BucketPolicy(bucket=bucket.id) with the denial of plain HTTP.",
)
def policy_present(stack: Stack) -> Iterator[Finding]:
    """What it says is judged by s3-bucket-policy-tls-only, before it is written."""
    for bucket in stack.of(*BUCKETS):
        if not stack.attached(bucket, "bucket", BUCKET_POLICY):
            yield Violation(f"Bucket '{bucket.name}' must have a BucketPolicy.", bucket.urn)


@resource_rule(
    "s3-bucket-policy-no-foreign-administration",
    types=(BUCKET_POLICY, *BUCKETS),
    description="A bucket policy must not let another account change who may do what with the bucket.",
    severity=Severity.HIGH,
    source=security_hub("S3.6"),
    remediation="Grant other accounts single actions on objects, never s3:* or s3:Put*.",
)
@on_statements("policy")
def policy_no_foreign_administration(resource: Resource, found: list[Statement]) -> Iterator[Finding]:
    """Another account is one that the provider, which makes the bucket, may not work in."""
    own = {str(one) for one in items(decoded(at(resource.provider_props, "allowedAccountIds")))}
    for one in found:
        others = ["everyone"] if one.anyone else sorted(set(one.accounts) - own)
        answer = one.may(*_ADMINISTRATION) if others or UNKNOWN in one.principals else False
        if answer is None or (answer and not others):
            yield Undecided("policy")
        elif answer:
            message = f"Policy of '{resource.name}' lets {', '.join(others)} change its access: it must not."
            yield Violation(message)


@stack_rule(
    "s3-bucket-acl-disabled",
    types=(*BUCKETS, _OWNERSHIP),
    description="Every bucket must have its access control lists switched off.",
    severity=Severity.MEDIUM,
    source=security_hub("S3.12"),
    remediation="Add aws.s3.BucketOwnershipControls(bucket=bucket.id) with BucketOwnerEnforced.",
)
def acl_disabled(stack: Stack) -> Iterator[Finding]:
    """Policies alone decide then, and whatever anybody uploads is the bucket owner's."""
    for bucket in stack.of(*BUCKETS):
        controls = stack.attached(bucket, "bucket", _OWNERSHIP)
        if not controls:
            yield Violation(f"Bucket '{bucket.name}' must have BucketOwnershipControls.", bucket.urn)
        for one in controls:
            ownership = one.at("rule", "objectOwnership")
            if ownership is UNKNOWN:
                yield Undecided("rule")
            elif ownership != "BucketOwnerEnforced":
                yield Violation(f"Ownership of '{bucket.name}' must be BucketOwnerEnforced.", one.urn)


@stack_rule(
    "s3-bucket-access-logged",
    types=BUCKETS,
    description="A bucket of backups must have its accesses logged.",
    severity=Severity.MEDIUM,
    source=security_hub("S3.9"),
    remediation="Add aws.s3.BucketLogging(bucket=bucket.id) to a bucket for logs, which has no default lock.",
    settings=(PURPOSE_TAG, LOGGED_PURPOSES),
)
def access_logged(stack: Stack) -> Iterator[Finding]:
    """Of the others, bundles and fragments are made from the repository again, and logs have no log.

    A trail's files are opened by a key, whose use the trail itself records.
    """
    for bucket in stack.of(*BUCKETS):
        purpose = at(bucket.at("tags"), bucket.setting(PURPOSE_TAG))
        if stack.attached(bucket, "bucket", *LOGGING):
            continue
        if purpose is UNKNOWN:
            yield Undecided("tags")
        elif purpose in stack.setting(LOGGED_PURPOSES):
            yield Violation(
                f"Accesses to bucket '{bucket.name}' must be logged, by BucketLogging.", bucket.urn
            )


RULES: list[Rule] = [
    public_access_blocked,
    no_public_acl,
    policy_no_public_grant,
    policy_tls_only,
    policy_present,
    policy_no_foreign_administration,
    acl_disabled,
    access_logged,
]
