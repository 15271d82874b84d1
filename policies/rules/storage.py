"""Rules on every bucket."""

from collections.abc import Iterator

from pulumi_policy import Severity

from .base import Finding, Resource, Stack, Undecided, Violation, resource_rule, security_hub, stack_rule
from .documents import refuses_plain_http, statements
from .reading import UNKNOWN, at, items

# The names with V2 are the same resources under their deprecated tokens.
BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
_ACLS = ("aws:s3/bucketAcl:BucketAcl", "aws:s3/bucketAclV2:BucketAclV2")
_FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_PUBLIC_ACLS = ("public-read", "public-read-write", "authenticated-read")
_PUBLIC_GROUPS = ("global/AllUsers", "global/AuthenticatedUsers")


@stack_rule(
    "s3-bucket-public-access-blocked",
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
            for flag in _FLAGS:
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
    source=security_hub("S3.12"),
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
def policy_no_public_grant(resource: Resource) -> Iterator[Finding]:
    """An Allow for '*' is public even with a condition, but for one that names a whole organization."""
    found = statements(resource.at("policy"))
    if found is None:
        yield Undecided("policy")
        return
    for one in found:
        if one.allows and one.anyone and not one.of_one_organization:
            yield Violation(f"Policy of '{resource.name}' allows everyone: it must name its principals.")
        elif one.allows and UNKNOWN in one.principals:
            yield Undecided("policy")


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
def policy_tls_only(policy: Resource) -> Iterator[Finding]:
    """On the bucket and on its objects, without an action or a principal left out."""
    found = statements(policy.at("policy"))
    if found is None:
        yield Undecided("policy")
        return
    answers = [refuses_plain_http(one) for one in found]
    if True in answers:
        return
    if None in answers:
        yield Undecided("policy")
    else:
        yield Violation(f"Policy '{policy.name}' must deny s3:* on bucket and objects without TLS.")


@stack_rule(
    "s3-bucket-policy-present",
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


RULES = [
    public_access_blocked,
    no_public_acl,
    policy_no_public_grant,
    policy_tls_only,
    policy_present,
]
