"""Policy documents of IAM, S3, KMS and SNS as statements that can be asked."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import wraps
from typing import Any

from .base import Check, Finding, Resource, Undecided, unless
from .reading import UNKNOWN, at, decoded, every, items, none

# Conditions that leave "everyone" to be some account, organization or resource (S3 user guide, "The meaning
# of public"; the guides of KMS and SNS use the same keys).
_NARROWING = {
    "aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:sourceaccount", "aws:sourcearn",
    "aws:sourceorgid", "aws:sourceowner", "kms:calleraccount",
}  # fmt: skip
_EXACT = {"stringequals", "stringequalsignorecase", "arnequals"}


@dataclass(frozen=True)
class Statement:
    """One statement; every list may hold UNKNOWN."""

    effect: Any
    actions: list[Any]
    resources: list[Any]
    principals: list[Any]
    inverted: frozenset[str]  # of Action, Principal, Resource: those that list what is left out (NotAction …)
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
    def public(self) -> bool:
        """Whether it grants something to everyone, and no condition narrows them to some that are named."""
        return self.allows and self.anyone and not self._narrowed

    @property
    def _narrowed(self) -> bool:
        return any(
            key.lower() in _NARROWING and _fixed(values)
            for operator, tests in self.conditions.items()
            if operator.lower() in _EXACT and isinstance(tests, Mapping)
            for key, values in tests.items()
        )

    def may(self, *actions: str) -> bool | None:
        """Whether it grants one of these actions on something; None if not known yet."""
        if not self.allows:
            return False
        matched = [any(_matches(one, action) for one in self.actions) for action in actions]
        if "Action" in self.inverted:  # the actions listed are those that it leaves out
            return UNKNOWN not in self.actions and not all(matched)
        return True if any(matched) else (None if UNKNOWN in self.actions else False)

    def reaches(self, *samples: str) -> bool | None:
        """Whether its resources cover one of these ARNs, which stand for any; None if not known yet."""
        if "Resource" in self.inverted:
            return True
        if any(_matches(one, sample) for one in self.resources for sample in samples):
            return True
        return None if UNKNOWN in self.resources else False

    @property
    def accounts(self) -> Iterator[str]:
        """The ids of the accounts that its principals name."""
        for one in self.principals:
            parts = one.split(":") if isinstance(one, str) else []
            if len(parts) > 4 and parts[0] == "arn":  # noqa: PLR2004 - arn:partition:service:region:account
                yield parts[4]
            elif isinstance(one, str) and one.isdigit():
                yield one

    @property
    def everything(self) -> bool | None:
        """Whether it speaks of every action on every resource, or all but some; None if not known yet."""
        return every(
            "Action" in self.inverted or _wide(self.actions, "*", "*:*"),
            "Resource" in self.inverted or _wide(self.resources, "*"),
        )


def _matches(pattern: Any, text: str) -> bool:
    """Whether a pattern of a policy covers a text; actions are the same in capitals and small letters."""
    return isinstance(pattern, str) and fnmatchcase(text.lower(), pattern.lower())


def _fixed(values: Any) -> bool:
    """Whether a condition's values name something: no wildcard, and no variable."""
    listed = items(values)
    return bool(listed) and all(isinstance(one, str) and one and not set(one) & set("*?$") for one in listed)


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


_StatementsCheck = Callable[[Resource, list[Statement]], Iterator[Finding]]


def on_statements(*properties: str) -> Callable[[_StatementsCheck], Check]:
    """Makes a check of a policy's statements one of a resource's policies; Undecided while one is unknown.

    `properties` hold a policy each, or a list of what has one as its `policy` (a role's inline policies).
    """

    def build(check: _StatementsCheck) -> Check:
        @wraps(check)
        def checked(resource: Resource) -> Iterator[Finding]:
            for name in properties:
                for document in _documents(resource.at(name)):
                    found = statements(document)
                    if found is None:
                        yield Undecided(name)
                    else:
                        yield from check(resource, found)

        return checked

    return build


def _documents(value: Any) -> list[Any]:
    return [at(one, "policy") for one in value] if isinstance(value, list) else [value]


def names_principals(found: list[Statement], public: Callable[[Statement], bool]) -> bool | None:
    """Whether no statement grants something to everyone, as `public` has it; None if not known yet."""
    return none(
        *(public(one) or (None if one.allows and UNKNOWN in one.principals else False) for one in found)
    )


def nothing_public(
    resource: Resource, found: list[Statement], public: Callable[[Statement], bool]
) -> Iterator[Finding]:
    """Finds what the policy of a resource grants to everyone."""
    message = f"Policy of '{resource.name}' allows everyone: it must name its principals."
    yield from unless(names_principals(found, public), message, "policy")


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
        actions=items(data.get("Action", data.get("NotAction"))),
        resources=items(data.get("Resource", data.get("NotResource"))),
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
