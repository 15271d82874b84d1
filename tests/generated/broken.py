"""Breaks stack files that are right, in one place or two, and tells what must be said of it."""

import contextlib
import copy

from hypothesis import assume
from hypothesis import strategies as st

from tests.generated.by_models import BREAKAGES as OF_MODELS
from tests.generated.by_others import BREAKAGES as OF_OTHERS

BREAKAGES = [*OF_MODELS, *OF_OTHERS]


def broken(draw, drawer, data, first):
    """A copy of a stack's data that is broken in this way, perhaps in one more; and what must be said."""
    changed = copy.deepcopy(data)
    expected = [first(draw, drawer, changed)]
    assume(expected[0] is not None)
    for second in draw(st.lists(st.sampled_from(BREAKAGES), max_size=1)):
        again = copy.deepcopy(changed)
        # What is broken already may be what this one would change.
        with contextlib.suppress(LookupError, TypeError, AttributeError):
            found = second(draw, drawer, again)
            if found is not None and found.apart(expected[0]):
                return again, [*expected, found]
    return changed, expected


NOT_YAML = [
    "  key: [unclosed",
    '  key: "unclosed',
    "\tkey: value",
    "  key: value: value",
    "  key: @value",
    "  key: *nowhere",
    "  - item",
    "  {a: b",
    "  key: !!python/object:os.system x",
    "  <<: {a: b}",
    "  ? [a, b]\n  : c",
    "  on: yes",
    "  key: 0o17",
    "  key: 1e3",
    "  key: 12:30:45",
    "  key: 2026-02-30",
    "---\nanother: document",
    "  key: \x07",
    "%directive",
]
"""Lines that make a file one that isn't read, wherever they stand."""
