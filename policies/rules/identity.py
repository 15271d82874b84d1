"""Rules on who may do what in the account."""

from collections.abc import Iterator
from typing import Any

from pulumi_policy import Severity

from .base import Finding, Resource, Source, Undecided, Violation, require, resource_rule, security_hub
from .documents import statements
from .reading import UNKNOWN, at, items

_ROLE = "aws:iam/role:Role"
_POLICIES = (
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/policy:Policy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
)
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def _documents(resource: Resource) -> list[Any]:
    if resource.type == _ROLE:
        return [at(one, "policy") for one in items(resource.at("inlinePolicies"))]
    return [resource.at("policy")]


@resource_rule(
    "iam-policy-no-full-access",
    types=(*_POLICIES, _ROLE),
    description="A policy must not allow every action on every resource.",
    severity=Severity.CRITICAL,
    source=security_hub("IAM.1"),
    remediation="Name the actions and the resources that the role needs.",
)
def no_full_access(resource: Resource) -> Iterator[Finding]:
    """A server's role is in the hands of whoever breaks into the server."""
    for document in _documents(resource):
        found = statements(document)
        if found is None:
            yield Undecided("policy")
            continue
        answers = [one.everything for one in found if one.allows]
        if True in answers:
            yield Violation(f"'{resource.name}' allows every action on everything: it must name both.")
        elif None in answers:
            yield Undecided("policy")


@resource_rule(
    "iam-role-no-administrator",
    types=("aws:iam/rolePolicyAttachment:RolePolicyAttachment", _ROLE),
    description="A role must not be given AWS's policy AdministratorAccess.",
    severity=Severity.CRITICAL,
    source=security_hub("IAM.1"),
    remediation="Attach a policy that names what the role needs.",
)
def no_administrator(resource: Resource) -> Iterator[Finding]:
    """The same grant as above, by name."""
    for arn in [*items(resource.at("policyArn")), *items(resource.at("managedPolicyArns"))]:
        if arn is UNKNOWN:  # a policy of this stack, judged by the rule above
            continue
        if arn == _ADMINISTRATOR:
            yield Violation(f"'{resource.name}' attaches AdministratorAccess: it must name what is needed.")


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
def trust_named(role: Resource) -> Iterator[Finding]:
    """A wildcard lets any AWS account in the world become this role."""
    found = statements(role.at("assumeRolePolicy"))
    if found is None:
        yield Undecided("assumeRolePolicy")
        return
    for one in found:
        if one.allows and one.anyone:
            yield Violation(f"Role '{role.name}' may be assumed by anyone: it must name its principals.")
        elif one.allows and UNKNOWN in one.principals:
            yield Undecided("assumeRolePolicy")


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


RULES = [no_full_access, no_administrator, trust_named, key_rotated]
