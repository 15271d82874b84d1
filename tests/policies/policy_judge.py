"""Asks a rule as the engine does: through the pack's own service, with the engine's messages.

So properties arrive as they do in a run: numbers as floats, unknown values as the engine's marks.
"""

import copy
import dataclasses
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format, struct_pb2
from pulumi.runtime import proto
from pulumi_policy import EnforcementLevel, Policy
from pulumi_policy.policy import StackValidationPolicy, _PolicyAnalyzerServicer
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

# What the engine sends in place of a value that isn't known at preview.
LATER = UNKNOWN_STRING_VALUE
# Takes a property away.
GONE = object()

ACCOUNT = "123456789012"
TAGS = {"customer": "acme", "managed-by": "managed-server", "stack": "acme"}


@dataclass(frozen=True)
class Thing:
    """A resource as the engine describes it to a policy."""

    type: str
    name: str
    props: dict[str, Any]
    protect: bool = False
    region: str = "eu-west-2"
    links: dict[str, list[str]] = field(default_factory=dict)
    default_tags: dict[str, str] = field(default_factory=lambda: dict(TAGS))

    @property
    def urn(self) -> str:
        return f"urn:pulumi:acme::managed-server::{self.type}::{self.name}"

    def but(self, **options: Any) -> "Thing":
        """The same with other options."""
        return dataclasses.replace(self, **options)

    def having(self, path: str, to: Any) -> "Thing":
        """The same with one property changed, or taken away by GONE; list indexes are steps of the path."""
        props = copy.deepcopy(self.props)
        *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        inner: Any = props
        for step in steps:
            inner = inner[step]
        if to is GONE:
            del inner[last]
        else:
            inner[last] = to
        return dataclasses.replace(self, props=props)

    def without(self, path: str) -> "Thing":
        """The same with one property taken away."""
        return self.having(path, GONE)


@dataclass(frozen=True)
class Answer:
    """What the pack told the engine."""

    violations: list[tuple[str, str]]  # message below the description, urn
    advisories: list[str]


def _struct(data: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(data, struct_pb2.Struct())


def provider_of(thing: Thing) -> Any:
    import json  # noqa: PLC0415

    if not thing.type.startswith("aws:"):
        return None
    return proto.AnalyzerProviderResource(
        type="pulumi:providers:aws",
        name=f"aws-{thing.region}",
        urn=f"urn:pulumi:acme::managed-server::pulumi:providers:aws::aws-{thing.region}",
        properties=_struct(
            {
                "region": thing.region,
                "defaultTags": json.dumps({"tags": thing.default_tags}),
                "allowedAccountIds": json.dumps([ACCOUNT]),
            }
        ),
    )


def analyze_request(thing: Thing) -> Any:
    return proto.AnalyzeRequest(
        type=thing.type,
        name=thing.name,
        urn=thing.urn,
        properties=_struct(thing.props),
        options=proto.AnalyzerResourceOptions(protect=thing.protect),
        provider=provider_of(thing),
    )


def stack_request(*things: Thing) -> Any:
    return proto.AnalyzeStackRequest(
        resources=[
            proto.AnalyzerResource(
                type=thing.type,
                name=thing.name,
                urn=thing.urn,
                properties=_struct(thing.props),
                options=proto.AnalyzerResourceOptions(protect=thing.protect),
                provider=provider_of(thing),
                propertyDependencies={
                    key: proto.AnalyzerPropertyDependencies(urns=urns) for key, urns in thing.links.items()
                },
            )
            for thing in things
        ]
    )


def said_of(policies: list[Policy], *things: Thing) -> dict[str, list[str]]:
    """What `policies` say of a stack, violations and advisories alike: each one alone, and all together."""
    service = _PolicyAnalyzerServicer("pack", "1", policies, EnforcementLevel.ADVISORY)
    responses = [service.Analyze(analyze_request(thing), None) for thing in things]
    responses.append(service.AnalyzeStack(stack_request(*things), None))
    said: dict[str, list[str]] = {}
    for response in responses:
        for one in response.diagnostics:
            said.setdefault(one.policyName, []).append(one.message)
    return said


def violated(policies: list[Policy], changed: Thing, *others: Thing) -> set[str]:
    """The rules of `policies` that `changed` violates, alone or in a stack with `others`."""
    service = _PolicyAnalyzerServicer("pack", "1", policies, EnforcementLevel.ADVISORY)
    alone = service.Analyze(analyze_request(changed), None)
    together = service.AnalyzeStack(stack_request(*others, changed), None)
    found = [*alone.diagnostics, *together.diagnostics]
    return {one.policyName for one in found if one.enforcementLevel == proto.MANDATORY}


def judge(policy: Policy, *things: Thing, config: dict[str, Any] | None = None) -> Answer:
    """Lets one rule judge resources: each alone, or as one stack, by the kind of the rule."""
    service = _PolicyAnalyzerServicer("pack", "1", [policy], EnforcementLevel.ADVISORY)
    if config:
        entry = proto.PolicyConfig(enforcementLevel=proto.MANDATORY, properties=_struct(config))
        service.Configure(proto.ConfigureAnalyzerRequest(policyConfig={policy.name: entry}), None)
    if isinstance(policy, StackValidationPolicy):
        responses = [service.AnalyzeStack(stack_request(*things), None)]
    else:
        responses = [service.Analyze(analyze_request(thing), None) for thing in things]
    found = [one for response in responses for one in response.diagnostics]
    start = f"{policy.description}\n"
    return Answer(
        [
            (one.message.removeprefix(start), one.urn)
            for one in found
            if one.enforcementLevel == proto.MANDATORY
        ],
        [one.message for one in found if one.enforcementLevel == proto.ADVISORY],
    )
