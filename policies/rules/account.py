"""Rules on what is set once for a whole account, or for a region of it.

An account may have its own settings, made by somebody else: that they are there isn't asked, but that what a
stack sets is safe.
"""

from collections.abc import Iterator

from pulumi_policy import Severity

from .base import Finding, Resource, Rule, Source, Undecided, Violation, require, resource_rule, security_hub
from .reading import UNKNOWN
from .settings import PASSWORD_LENGTH, PASSWORD_MEMORY
from .storage import FLAGS

_KINDS_OF_CHARACTERS = (
    "requireUppercaseCharacters",
    "requireLowercaseCharacters",
    "requireNumbers",
    "requireSymbols",
)
_SHARING_OF_DOCUMENTS = "/ssm/documents/console/public-sharing-permission"


@resource_rule(
    "account-ebs-encrypted-by-default",
    types=("aws:ebs/encryptionByDefault:EncryptionByDefault",),
    description="New EBS volumes of an account must be encrypted, whoever makes them.",
    severity=Severity.MEDIUM,
    source=security_hub("EC2.7"),
    remediation="Leave enabled out, or set it to True.",
)
def encrypted_by_default(setting: Resource) -> Iterator[Finding]:
    """On is the resource's default, so a missing value is right."""
    message = f"'{setting.name}' switches encryption by default off: enabled must be true."
    yield from require(setting, message, "enabled", by_default=True)


@resource_rule(
    "account-imdsv2-by-default",
    types=("aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults",),
    description="New instances of an account must answer metadata requests by IMDSv2 alone.",
    severity=Severity.HIGH,
    source=Source(
        "Amazon EC2 User Guide",
        "IMDS defaults",
        "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-IMDS-new-instances.html",
    ),
    remediation="Set http_tokens='required', http_put_response_hop_limit=1.",
)
def imdsv2_by_default(setting: Resource) -> Iterator[Finding]:
    """Of instances that somebody starts by hand; those of a stack say it themselves."""
    message = f"'{setting.name}' leaves IMDSv1 on: httpTokens must be 'required'."
    yield from require(setting, message, "httpTokens", wanted="required")
    message = f"'{setting.name}' lets metadata leave an instance: httpPutResponseHopLimit must be 1."
    yield from require(setting, message, "httpPutResponseHopLimit", wanted=1)


@resource_rule(
    "account-public-access-blocked",
    types=("aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",),
    description="An account's public access block must have all four flags on.",
    severity=Severity.MEDIUM,
    source=security_hub("S3.1"),
    remediation="Set block_public_acls, block_public_policy, ignore_public_acls, restrict_public_buckets.",
)
def public_access_blocked(block: Resource) -> Iterator[Finding]:
    """It holds for buckets that no stack knows of."""
    for flag in FLAGS:
        yield from require(block, f"Buckets of the account may become public: {flag} must be true.", flag)


@resource_rule(
    "account-snapshots-not-public",
    types=("aws:ebs/snapshotBlockPublicAccess:SnapshotBlockPublicAccess",),
    description="An account must not let its snapshots be shared with everyone.",
    severity=Severity.HIGH,
    source=security_hub("EC2.182"),
    remediation="Set state='block-all-sharing'.",
)
def snapshots_not_public(setting: Resource) -> Iterator[Finding]:
    """The other value, block-new-sharing, leaves those public that are."""
    message = f"'{setting.name}' lets snapshots be public: state must be block-all-sharing."
    yield from require(setting, message, "state", wanted="block-all-sharing")


@resource_rule(
    "account-documents-not-public",
    types=("aws:ssm/serviceSetting:ServiceSetting",),
    description="An account must not let its Systems Manager documents be shared with everyone.",
    severity=Severity.CRITICAL,
    source=security_hub("SSM.7"),
    remediation="Set setting_value='Disable' for /ssm/documents/console/public-sharing-permission.",
)
def documents_not_public(setting: Resource) -> Iterator[Finding]:
    """Other settings of Systems Manager are no matter of this rule."""
    which = setting.at("settingId")
    if which is UNKNOWN:
        yield Undecided("settingId")
    elif str(which).endswith(_SHARING_OF_DOCUMENTS):
        message = f"'{setting.name}' lets documents be public: settingValue must be Disable."
        yield from require(setting, message, "settingValue", wanted="Disable")


@resource_rule(
    "account-password-policy-strong",
    types=("aws:iam/accountPasswordPolicy:AccountPasswordPolicy",),
    description="An account's password policy must ask for long passwords, of all kinds of characters, anew.",
    severity=Severity.MEDIUM,
    source=security_hub("IAM.7", "IAM.11", "IAM.12", "IAM.13", "IAM.14", "IAM.15", "IAM.16"),
    remediation=(
        "Set minimum_password_length=14, password_reuse_prevention=24, and the four require_… to True."
    ),
    settings=(PASSWORD_LENGTH, PASSWORD_MEMORY),
)
def password_policy_strong(policy: Resource) -> Iterator[Finding]:
    """For users that an account has beside the provider's roles."""
    for kind in _KINDS_OF_CHARACTERS:
        yield from require(policy, f"Passwords of '{policy.name}' are too simple: {kind} must be true.", kind)
    for key, least in (
        ("minimumPasswordLength", int(policy.setting(PASSWORD_LENGTH))),
        ("passwordReusePrevention", int(policy.setting(PASSWORD_MEMORY))),
    ):
        value = policy.at(key)
        if value is UNKNOWN:
            yield Undecided(key)
        elif (value or 0) < least:
            yield Violation(f"Password policy '{policy.name}' is weak: {key} must be {least} or more.")


@resource_rule(
    "account-access-analyzed-from-outside",
    types=("aws:accessanalyzer/analyzer:Analyzer",),
    description="An access analyzer must look for what others can reach.",
    severity=Severity.HIGH,
    source=security_hub("IAM.28"),
    remediation="Set type='ACCOUNT' or 'ORGANIZATION', or leave it out.",
)
def access_analyzed_from_outside(analyzer: Resource) -> Iterator[Finding]:
    """The other types look for rights that nobody uses, which is no answer to who gets in."""
    kind = analyzer.at("type")
    if kind is UNKNOWN:
        yield Undecided("type")
    elif kind not in (None, "ACCOUNT", "ORGANIZATION"):
        yield Violation(f"Analyzer '{analyzer.name}' is of type {kind}: it must be ACCOUNT.")


RULES: list[Rule] = [
    encrypted_by_default,
    imdsv2_by_default,
    public_access_blocked,
    snapshots_not_public,
    documents_not_public,
    password_policy_strong,
    access_analyzed_from_outside,
]
