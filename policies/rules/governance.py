"""Rules on the account and the tags by which its resources are found."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import Severity

from .base import Finding, Resource, Rule, Source, Undecided, Violation, resource_rule
from .reading import UNKNOWN, at, decoded
from .settings import REQUIRED_TAGS

_PROVIDER = "pulumi:providers:aws"
# The engine's own name for a provider that the program didn't make, with the plugin's version.
_DEFAULT_NAME = re.compile(r"default(_\d+_\d+_\d+\w*)?(_.*)?")
_TAGGING = Source(
    "AWS whitepaper",
    "tagging best practices",
    "https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html",
)
_PROVIDERS = Source(
    "Pulumi IaC",
    "explicit providers",
    "https://www.pulumi.com/docs/iac/concepts/resources/providers/",
)


def _default_tags(properties: Any) -> Any:
    return at(decoded(at(properties, "defaultTags")), "tags")


def _missing(tags: Any, required: list[str]) -> list[str]:
    return [key for key in required if at(tags, key) is not UNKNOWN and not str(at(tags, key) or "").strip()]


@resource_rule(
    "aws-provider-default-tags",
    types=(_PROVIDER,),
    description="A provider must tag whatever it makes, by default tags with every required key.",
    severity=Severity.HIGH,
    source=_TAGGING,
    remediation="Give aws.Provider default_tags with the customer, managed-by and stack.",
    settings=(REQUIRED_TAGS,),
)
def provider_default_tags(provider: Resource) -> Iterator[Finding]:
    """The only place that reaches every resource, also those that somebody adds tomorrow."""
    tags = _default_tags(provider.props)
    if tags is UNKNOWN:
        yield Undecided("defaultTags")
        return
    missing = _missing(tags, provider.setting(REQUIRED_TAGS))
    if missing:
        message = f"Provider '{provider.name}' must have default tags with {', '.join(missing)}."
        yield Violation(message)


@resource_rule(
    "aws-resource-required-tags",
    types=("aws:*",),
    description="A resource with tags of its own must keep every required tag.",
    severity=Severity.MEDIUM,
    source=_TAGGING,
    remediation="Don't blank a default tag; use the stack's provider, whose default tags are complete.",
    settings=(REQUIRED_TAGS,),
)
def resource_required_tags(resource: Resource) -> Iterator[Finding]:
    """Inputs hold only a resource's own tags; the provider's are added to them, and lose against them."""
    own = resource.at("tags")
    defaults = _default_tags(resource.provider_props)
    if UNKNOWN in (own, defaults):
        yield Undecided("tags")
        return
    if not isinstance(own, Mapping):
        return
    missing = _missing({**(defaults or {}), **own}, resource.setting(REQUIRED_TAGS))
    if missing:
        yield Violation(f"'{resource.name}' lacks the tags {', '.join(missing)}: it must have them.")


@resource_rule(
    "aws-provider-explicit",
    types=(_PROVIDER,),
    description="A stack must use the providers that its program makes, never a default one.",
    severity=Severity.HIGH,
    source=_PROVIDERS,
    remediation="Pass provider= to the component, parent=self to its children, and opts to each lookup.",
)
def provider_explicit(provider: Resource) -> Iterator[Finding]:
    """A default provider works in whatever account the shell happens to be logged in to."""
    if _DEFAULT_NAME.fullmatch(provider.name):
        yield Violation(f"Something uses the default provider '{provider.name}': it must name its provider.")


@resource_rule(
    "aws-provider-account-pinned",
    types=(_PROVIDER,),
    description="A provider must say which account it may work in.",
    severity=Severity.CRITICAL,
    source=_PROVIDERS,
    remediation="Set allowed_account_ids to the customer's account.",
)
def provider_account_pinned(provider: Resource) -> Iterator[Finding]:
    """Wrong credentials then stop before anything is made in another customer's account."""
    accounts = decoded(provider.at("allowedAccountIds"))
    if accounts is UNKNOWN:
        yield Undecided("allowedAccountIds")
    elif not accounts:
        yield Violation(f"Provider '{provider.name}' works in any account: allowedAccountIds must name one.")


RULES: list[Rule] = [
    provider_default_tags,
    resource_required_tags,
    provider_explicit,
    provider_account_pinned,
]
