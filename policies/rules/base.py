"""What a rule is: a generator over a plain view of a resource, or of the stack, and complete metadata.

A rule yields a `Violation` for what is wrong and `Undecided` for what it can't know at preview. Every
violation is reported, unless the stack file grants an exception. When there is none, but something was
undecided, the engine shows an advisory "can't run policy … during preview"; the same rule then judges the
real value in `up`, before the resource is made.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyComplianceFramework,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from .exceptions import granted
from .reading import UNKNOWN, at, plain
from .settings import Setting, schema_of

_GUIDE = "https://docs.aws.amazon.com/securityhub/latest/userguide"
_HUB = "AWS Security Hub"


@dataclass(frozen=True)
class Violation:
    """What is wrong, and with which resource (the resource under judgement, if None)."""

    message: str
    urn: str | None = None


@dataclass(frozen=True)
class Undecided:
    """A property that the rule needs and that isn't known yet."""

    path: str


Finding = Violation | Undecided


@dataclass(frozen=True)
class Source:
    """Where a rule comes from: a standard, what it calls the rule, and the page that explains it."""

    standard: str
    reference: str
    url: str
    controls: tuple[str, ...] = ()
    """Ids by which an exception may name the rule, besides the rule's own name."""


def security_hub(*controls: str) -> Source:
    """The source of a control of AWS Security Hub, such as `EC2.8`, or of several that are one rule here."""
    service, _, number = controls[0].partition(".")
    page = f"{_GUIDE}/{service.lower()}-controls.html#{service.lower()}-{number}"
    return Source(_HUB, ", ".join(controls), page, controls)


class ResourceRule(ResourceValidationPolicy):
    """A rule on one resource at a time."""

    source: Source
    types: tuple[str, ...]


class StackRule(StackValidationPolicy):
    """A rule on how resources belong together."""

    source: Source
    types: tuple[str, ...]


Rule = ResourceRule | StackRule


@dataclass(frozen=True)
class Resource:
    """A resource as plain data. `props` holds inputs in a resource rule, outputs in a stack rule."""

    type: str
    name: str
    urn: str
    props: Mapping[str, Any]
    protect: bool = False
    provider_type: str = ""
    provider_props: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    links: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def at(self, *path: str) -> Any:
        """Returns the property at `path`: None if missing, UNKNOWN if not known yet."""
        return at(self.props, *path)

    def setting(self, setting: Setting) -> Any:
        """Returns a value of the policy's configuration."""
        return setting.read(self.config)


Check = Callable[[Resource], Iterator[Finding]]
"""A check on one resource at a time."""


@dataclass(frozen=True)
class Stack:
    """All resources of the stack."""

    resources: tuple[Resource, ...]
    config: Mapping[str, Any]

    def of(self, *types: str) -> list[Resource]:
        """Returns the resources of these types."""
        return [one for one in self.resources if one.type in types]

    def attached(self, target: Resource, by: str, *types: str) -> list[Resource]:
        """Returns the resources of `types` whose input `by` names `target`.

        Names are compared where both are known; at preview they often aren't, and then the engine's
        record of what the input depends on decides.
        """
        return [one for one in self.of(*types) if _names(one, by, target)]

    def named(self, by_whom: Resource, by: str, *types: str) -> list[Resource]:
        """Returns the resources of `types` that the input `by` of `by_whom` names."""
        return [one for one in self.of(*types) if _names(by_whom, by, one)]

    def setting(self, setting: Setting) -> Any:
        """Returns a value of the policy's configuration."""
        return setting.read(self.config)


def _names(one: Resource, by: str, target: Resource) -> bool:
    value, own = one.at(by), (target.at("id"), target.at("bucket"))
    if isinstance(value, str) and (value in own or UNKNOWN not in own):
        return value in own
    return target.urn in one.links.get(by, frozenset())


def _view(given: ResourceValidationArgs | PolicyResource, config: Mapping[str, Any]) -> Resource:
    dependencies = getattr(given, "property_dependencies", {})
    return Resource(
        given.resource_type,
        given.name,
        given.urn,
        plain(given.props),
        protect=given.opts.protect,
        provider_type=given.provider.resource_type if given.provider else "",
        provider_props=plain(given.provider.props) if given.provider else {},
        config=config,
        links={key: frozenset(one.urn for one in deps) for key, deps in dependencies.items()},
    )


def _report(findings: Iterator[Finding], report: ReportViolation, ids: set[str], urn: str = "") -> None:
    undecided: str | None = None
    violated = False
    for finding in findings:
        if isinstance(finding, Undecided):
            undecided = undecided or finding.path
        elif not any(one.control in ids for one in granted(finding.urn or urn)):
            violated = True
            report(finding.message, finding.urn)
    if undecided is not None and not violated:
        raise UnknownValueError(UNKNOWN_STRING_VALUE, undecided.split("."))


def _metadata(
    description: str, severity: Severity, source: Source, remediation: str, settings: tuple[Setting, ...]
) -> dict[str, Any]:
    return {
        "description": description,
        "enforcement_level": EnforcementLevel.MANDATORY,
        "severity": severity,
        "framework": PolicyComplianceFramework(name=source.standard, reference=source.reference),
        "remediation_steps": remediation,
        "url": source.url,
        "config_schema": schema_of(settings),
    }


def resource_rule(
    name: str,
    *,
    types: tuple[str, ...],
    description: str,
    severity: Severity,
    source: Source,
    remediation: str,
    settings: tuple[Setting, ...] = (),
) -> Callable[[Check], ResourceRule]:
    """Makes a mandatory policy of a check on one resource at a time; a type may end in `*`."""
    ids = {name, *source.controls}

    def build(check: Check) -> ResourceRule:
        def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
            if _matches(args.resource_type, types):
                _report(check(_view(args, args.get_config())), report, ids, args.urn)

        rule = ResourceRule(
            name, validate=validate, **_metadata(description, severity, source, remediation, settings)
        )
        rule.source, rule.types = source, types
        return rule

    return build


def stack_rule(
    name: str,
    *,
    types: tuple[str, ...],
    description: str,
    severity: Severity,
    source: Source,
    remediation: str,
    settings: tuple[Setting, ...] = (),
) -> Callable[[Callable[[Stack], Iterator[Finding]]], StackRule]:
    """Makes a mandatory policy of a check on how the resources of a stack belong together.

    `types` are those in which it finds fault: an exception may name one of them.
    """
    ids = {name, *source.controls}

    def build(check: Callable[[Stack], Iterator[Finding]]) -> StackRule:
        def validate(args: StackValidationArgs, report: ReportViolation) -> None:
            config = args.get_config()
            resources = tuple(_view(one, config) for one in args.resources)
            _report(check(Stack(resources, config)), report, ids)

        rule = StackRule(
            name, validate=validate, **_metadata(description, severity, source, remediation, settings)
        )
        rule.source, rule.types = source, types
        return rule

    return build


def _matches(kind: str, types: tuple[str, ...]) -> bool:
    return any(kind.startswith(one[:-1]) if one.endswith("*") else kind == one for one in types)


def unless(
    holds: bool | None,  # noqa: FBT001 - it is what the call is about
    message: str,
    hangs_on: str,
    urn: str | None = None,
) -> Iterator[Finding]:
    """Yields a violation unless something `holds`; Undecided while that hangs on a property (None)."""
    if holds is None:
        yield Undecided(hangs_on)
    elif not holds:
        yield Violation(message, urn)


def require(
    resource: Resource, message: str, *path: str, wanted: Any = True, by_default: bool = False
) -> Iterator[Finding]:
    """Yields a violation unless the property at `path` is `wanted`; Undecided while it is unknown.

    `by_default` says that a missing one is right, since it is `wanted` then.
    """
    value = resource.at(*path)
    accepted = (wanted, None) if by_default else (wanted,)
    yield from unless(None if value is UNKNOWN else value in accepted, message, ".".join(path))
