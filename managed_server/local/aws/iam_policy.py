"""Decides, from IAM policy documents, whether a request is allowed: IAM user guide, policy evaluation logic.

moto's own evaluator knows no conditions of identity policies. Here is what the documents of this project use,
and an error for everything else: nothing is decided by leaving something out.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

Document = Mapping[str, Any]
Effect = Literal["Allow", "Deny"]


class UnknownElementError(ValueError):
    """A policy has an element or a condition operator that is not known here."""


@dataclass(frozen=True)
class Request:
    """What is asked for, and by whom."""

    action: str
    """`service:Action`."""
    resource: str
    """ARN; `*` for an action that knows no resources."""
    principals: tuple[str, ...] = ()
    """The names that a resource's policy may have for whoever asks, without `*`: most exact first."""
    context: Mapping[str, str] = field(default_factory=dict)
    """Condition keys that the request has, in lower case (AWS compares their names without regard to it)."""


@cache
def _pattern(text: str, flags: int) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in text), re.DOTALL | flags)


def _like(text: str, pattern: str, flags: int = 0) -> bool:
    return _pattern(pattern, flags).fullmatch(text) is not None


def _all(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in values]


def _filled(pattern: str, context: Mapping[str, str]) -> str | None:
    """A pattern with its policy variables filled in; None if the request lacks one of them."""
    missing = False

    def fill(found: re.Match[str]) -> str:
        nonlocal missing
        value = context.get(found[1].lower())
        missing = missing or value is None
        return value or ""

    filled = re.sub(r"\$\{([^}*?$]+)\}", fill, pattern)
    return None if missing else filled


# Condition operators: whether the request's value fits one of the policy's. With `Not`, none may fit.
_Operator = Callable[[str, str], bool]
_OPERATORS: dict[str, _Operator] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
}
_SINGLE_ORGANIZATION = "aws:principalorgid"
"""All accounts of the local AWS are of the one organization that a policy names."""


def _condition(operator: str, key: str, wanted: list[str], context: Mapping[str, str]) -> bool:
    value = context.get(key.lower())
    if operator == "Null":
        return wanted == [str(value is None).lower()]
    if key.lower() == _SINGLE_ORGANIZATION and operator in ("StringEquals", "StringLike"):
        return True
    plain = operator.removesuffix("IfExists")
    positive = plain.replace("Not", "", 1)
    if positive not in _OPERATORS:
        raise UnknownElementError(f"condition operator {operator}")
    negative = positive != plain
    if value is None:
        return negative or plain != operator
    filled = [item for item in (_filled(item, context) for item in wanted) if item is not None]
    fits = any(_OPERATORS[positive](value, item) for item in filled)
    return fits != negative


def _conditions(statement: Mapping[str, Any], request: Request) -> bool:
    return all(
        _condition(operator, key, _all(wanted), request.context)
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def _names(statement: Mapping[str, Any], names: Iterable[str]) -> bool:
    """Whether a resource policy's statement is about one of these names of whoever asks."""
    if "NotPrincipal" in statement:
        raise UnknownElementError("NotPrincipal")
    principal = statement["Principal"]
    stated = [principal] if isinstance(principal, str) else _all(principal.get("AWS", []))
    return any(name == "*" or name in names for name in stated)


def _covers(statement: Mapping[str, Any], element: str, value: str, request: Request) -> bool:
    """Whether `Action` or `Resource` (or `NotAction`, `NotResource`) of a statement covers a value."""
    flags = re.IGNORECASE if element == "Action" else 0
    if element in statement:
        patterns = (_filled(item, request.context) for item in _all(statement[element]))
        return any(pattern is not None and _like(value, pattern, flags) for pattern in patterns)
    if f"Not{element}" in statement:
        patterns = (_filled(item, request.context) for item in _all(statement[f"Not{element}"]))
        return not any(pattern is not None and _like(value, pattern, flags) for pattern in patterns)
    return True  # a role's trust policy has no Resource


def _effects(documents: Iterable[Document], request: Request, names: Iterable[str] | None) -> set[Effect]:
    """What the statements say that are about a request; of a resource's policy where names are given."""
    names = None if names is None else tuple(names)
    found: set[Effect] = set()
    for document in documents:
        statements = document["Statement"]
        for statement in [statements] if isinstance(statements, Mapping) else statements:
            if (
                _covers(statement, "Action", request.action, request)
                and _covers(statement, "Resource", request.resource, request)
                and (names is None or _names(statement, names))
                and _conditions(statement, request)
            ):
                found.add(statement["Effect"])
    return found


def allowed(
    request: Request, identity: Iterable[Document], resource: Document | None = None, *, both: bool = False
) -> bool:
    """Whether a request is allowed.

    Args:
        request: of a role's session.
        identity: the role's policies.
        resource: the policy of what is asked for, if it has one.
        both: whether role and resource must allow it (another account's resource; a role to assume); else one
            of the two is enough, where the resource's policy names the role itself or everybody.

    Raises:
        UnknownElementError: a policy can't be evaluated here.
    """
    by_role = _effects(identity, request, None)
    policies = [resource] if resource else []
    by_resource = _effects(policies, request, request.principals)
    if "Deny" in by_role | by_resource:
        return False
    if both:
        return "Allow" in by_role and "Allow" in by_resource
    return "Allow" in by_role or "Allow" in _effects(policies, request, request.principals[:2])
