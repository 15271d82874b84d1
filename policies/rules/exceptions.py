"""Exceptions from rules that a customer's stack file grants: for a resource, with reason, owner and end.

The engine tells a pack nothing of a stack's configuration, but every URN names the stack, and the stack files
stand beside the pack. Whatever can't be read grants nothing: the rules then hold in full. What is wrong with
an exception, `managed check` says.
"""

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

STACKS = Path(__file__).parents[2] / "stacks"
_CUSTOMER = "managed-server:customer"
_STACK_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")  # Pulumi's own rule; it names a file here
_REWRITTEN = " 00:00:00 +0000 UTC"
_TEXTS = ("control", "resource", "reason", "owner")


@dataclass(frozen=True)
class Granted:
    """One exception."""

    control: str
    """A control of Security Hub, or the name of a rule."""
    resource: str
    """Its name in the stack."""
    reason: str
    owner: str
    expires: datetime.date
    """The last day on which it holds."""

    def has_ended(self, today: datetime.date) -> bool:
        """Whether its last day is over."""
        return self.expires < today


def name_in_stack(urn: str) -> str:
    """Return a resource's name: what stands behind the type in its URN."""
    return urn.split("::", 3)[-1]


def granted(urn: str) -> tuple[Granted, ...]:
    """Return the exceptions of a resource, by its URN."""
    stack = urn.removeprefix("urn:pulumi:").partition("::")[0]
    if not _STACK_NAME.fullmatch(stack):
        return ()
    name = name_in_stack(urn)
    return tuple(one for one in _of_file(STACKS / f"Pulumi.{stack}.yaml") if one.resource == name)


@cache
def _of_file(path: Path) -> tuple[Granted, ...]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        listed = data["config"][_CUSTOMER]["exceptions"]
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError):
        return ()
    return tuple(_read(listed)) if isinstance(listed, list) else ()


def _read(listed: list[Any]) -> Iterator[Granted]:
    for one in listed:
        if not isinstance(one, dict) or not all(isinstance(one.get(key), str) for key in _TEXTS):
            continue
        try:
            # Pulumi writes a date without quotes back with a time.
            expires = datetime.date.fromisoformat(str(one.get("expires")).removesuffix(_REWRITTEN))
        except ValueError:
            continue
        yield Granted(**{key: one[key] for key in _TEXTS}, expires=expires)


def today() -> datetime.date:
    """Return the day by which exceptions are judged, in UTC."""
    return datetime.datetime.now(tz=datetime.UTC).date()
