"""Reads the properties of a resource without ever raising: a value is known, missing (None) or UNKNOWN.

At preview the engine doesn't know every value yet, and the SDK raises UnknownValueError at the first
touch of such a one. A rule that stops there has judged nothing, though other values were known.
"""

import json
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final

from pulumi_policy.proxy import UnknownValueError


class Unknown(Enum):
    """The value isn't known before the update has run."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


def plain(value: Any) -> Any:
    """Returns `value` as plain dicts and lists, with UNKNOWN where a value isn't known yet."""
    if isinstance(value, Mapping):
        return {key: _entry(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_entry(value, index) for index in range(len(value))]
    return value


def _entry(container: Any, key: Any) -> Any:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN


def at(value: Any, *path: str) -> Any:
    """Returns what lies at `path`: None when any step is missing, UNKNOWN when any step is unknown."""
    for key in path:
        if value is UNKNOWN:
            return UNKNOWN
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def items(value: Any) -> list[Any]:
    """Returns a list: [] for a missing value, [UNKNOWN] for an unknown one, [x] for a single x."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def decoded(value: Any) -> Any:
    """Undoes JSON in a string; policy documents and a provider's nested settings arrive so.

    A text that isn't JSON gives None, as if it were missing.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


def every(*answers: bool | None) -> bool | None:
    """Whether all hold; None where that hangs on one that isn't known."""
    return False if False in answers else (None if None in answers else True)


def some(*answers: bool | None) -> bool | None:
    """Whether one holds; None where that hangs on one that isn't known."""
    return True if True in answers else (None if None in answers else False)


def none(*answers: bool | None) -> bool | None:
    """Whether not one holds; None where that hangs on one that isn't known."""
    return False if True in answers else (None if None in answers else True)
