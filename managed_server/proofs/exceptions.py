"""Exceptions from the policies: they name a rule and a resource that are there, and say when they end."""

import datetime
from collections.abc import Iterator

from managed_server import spec
from managed_server.loading import nearest
from managed_server.model.exceptions import PolicyException
from managed_server.problems import Path
from managed_server.project import Project
from managed_server.proofs import aws

_WARNED_DAYS = 30
"""So long before its end a person is told, and after it for good."""

_LONGEST_DAYS = 366
"""After a year somebody looks again. A choice."""

Found = Iterator[tuple[Path, str]]


def wrong(
    project: Project, exceptions: tuple[PolicyException, ...], customer: spec.CustomerSpec | None
) -> Found:
    """Yield what is wrong with a customer's exceptions: where, and what to write instead.

    ``customer``: None where the rest of the stack file couldn't be resolved; its resources aren't known then.
    """
    known = (
        {one.name: one.type for one in aws.resources(project.aws_resources, customer)}
        if customer and exceptions
        else {}
    )
    seen: dict[tuple[str, str], int] = {}
    for index, one in enumerate(exceptions):
        at: Path = ("exceptions", index)
        first = seen.setdefault((one.control, one.resource), index)
        if first != index:
            yield at, f"is exceptions[{first}] again; keep one of the two"
        rules = project.policies.named(one.control)
        if not rules:
            yield (
                (*at, "control"),
                f"unknown control {one.control!r}{nearest(one.control, project.policies.names)}",
            )
        if customer is None:
            continue
        kind = known.get(one.resource)
        types = sorted({kind for rule in rules for kind in rule.types})
        if kind is None:
            yield (
                (*at, "resource"),
                f"the customer has no resource {one.resource!r}{_near(one.resource, known)}",
            )
        elif rules and kind not in types and "*" not in types:
            judged = f"only {', '.join(types)}" if types else "nothing that a stack file can name"
            yield (*at, "resource"), f"{one.resource!r} is a {kind}, and {one.control} judges {judged}"


def _near(name: str, known: dict[str, str]) -> str:
    """Return the nearest names; a customer has too many resources to list them all."""
    said = nearest(name, known)
    return said if said.startswith("; did") else "; `pulumi stack -s CUSTOMER` lists them"


def ending(exceptions: tuple[PolicyException, ...], today: datetime.date) -> Found:
    """Yield what a person should know of exceptions on a day."""
    for index, one in enumerate(exceptions):
        left = (one.expires - today).days
        what = f"the exception of {one.resource} from {one.control}"
        at: Path = ("exceptions", index)
        if left < 0:
            yield at, f"{what} ended on {one.expires}: {one.owner} puts it right, or agrees anew"
        elif left <= _WARNED_DAYS:
            yield at, f"{what} ends on {one.expires}: {one.owner} puts it right, or agrees anew"
        elif left > _LONGEST_DAYS:
            yield at, f"{what} lasts more than a year; let somebody look again before that"
