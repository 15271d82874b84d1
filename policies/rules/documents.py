"""Policy documents of IAM, S3, KMS and SNS as statements that can be asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .reading import UNKNOWN, decoded, items


@dataclass(frozen=True)
class Statement:
    """One statement; every list may hold UNKNOWN."""

    effect: Any
    actions: list[Any]
    resources: list[Any]
    principals: list[Any]
    inverted: frozenset[str]  # of Action, Principal, Resource: what is said by exception (NotAction …)
    conditions: Mapping[str, Any]

    @property
    def allows(self) -> bool:
        """Whether it grants something."""
        return bool(self.effect == "Allow")

    @property
    def anyone(self) -> bool:
        """Whether it speaks of every principal, or of all but some."""
        return "*" in self.principals or "Principal" in self.inverted

    @property
    def of_one_organization(self) -> bool:
        """Whether it holds for principals of one AWS organization alone, which S3 doesn't count as public.

        S3 user guide, Blocking public access, "The meaning of public": aws:PrincipalOrgID with a fixed value.
        """
        tests = self.conditions.get("StringEquals")
        value = tests.get("aws:PrincipalOrgID") if isinstance(tests, Mapping) else None
        return isinstance(value, str) and value.startswith("o-") and not set(value) & set("*?$")

    @property
    def everything(self) -> bool | None:
        """Whether it speaks of every action on every resource, or all but some; None if not known yet."""
        answers = (
            "Action" in self.inverted or _wide(self.actions, "*", "*:*"),
            "Resource" in self.inverted or _wide(self.resources, "*"),
        )
        return False if False in answers else (None if None in answers else True)


def _wide(values: list[Any], *wildcards: str) -> bool | None:
    if any(one in wildcards for one in values):
        return True
    return None if UNKNOWN in values else False


def statements(document: Any) -> list[Statement] | None:
    """Returns the statements of a document given as text or as data, None while it is unknown.

    A document that can't be read has no statements.
    """
    data = decoded(document)
    if data is UNKNOWN:
        return None
    listed = items(data.get("Statement")) if isinstance(data, Mapping) else []
    if UNKNOWN in listed:
        return None
    return [_statement(one) for one in listed if isinstance(one, Mapping)]


def _statement(data: Mapping[str, Any]) -> Statement:
    principal = data.get("Principal")
    principals = (
        [one for value in principal.values() for one in items(value)]
        if isinstance(principal, Mapping)
        else items(principal)
    )
    conditions = data.get("Condition") or {}
    return Statement(
        effect=data.get("Effect"),
        actions=items(data.get("Action")),
        resources=items(data.get("Resource")),
        principals=principals,
        inverted=frozenset(key for key in ("Action", "Principal", "Resource") if f"Not{key}" in data),
        conditions=conditions if isinstance(conditions, Mapping) else {"unknown": UNKNOWN},
    )


def refuses_plain_http(statement: Statement) -> bool | None:
    """Whether it denies every request to the bucket and its objects that doesn't use TLS.

    None when that hangs on a value that isn't known yet. A further condition would weaken it, so
    there must be none.
    """
    bare = statement.effect == "Deny" and not statement.inverted and statement.anyone
    whole = any(action in ("s3:*", "*") for action in statement.actions)
    if not (bare and whole and _only_secure_transport(statement.conditions)):
        return False
    if "*" in statement.resources:
        return True
    known = [one for one in statement.resources if isinstance(one, str)]
    if any(f"{one}/*" in known for one in known):
        return True
    return None if UNKNOWN in statement.resources else False


def _only_secure_transport(conditions: Mapping[str, Any]) -> bool:
    if list(conditions) not in (["Bool"], ["BoolIfExists"]):
        return False
    (tests,) = conditions.values()
    if not isinstance(tests, Mapping) or [key.lower() for key in tests] != ["aws:securetransport"]:
        return False
    (value,) = tests.values()
    return [str(one).lower() for one in items(value)] == ["false"]
