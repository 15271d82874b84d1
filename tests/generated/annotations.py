"""What the models' annotations say of a field."""

import types
import typing

import annotated_types
from pydantic import AfterValidator, BeforeValidator
from pydantic.fields import FieldInfo


def flat(metadata):
    """What is said of a type, without what only groups it."""
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from flat(item.metadata)
        elif isinstance(item, annotated_types.GroupedMetadata):
            yield from flat(item)
        else:
            yield item


def plain(annotation, metadata=()):
    """A type without Annotated and without None, and all that is said of it."""
    said = list(flat(metadata))
    while True:
        if typing.get_origin(annotation) is typing.Annotated:
            annotation, *more = typing.get_args(annotation)
            said = [*flat(more), *said]
        elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
            parts = [part for part in typing.get_args(annotation) if part is not type(None)]
            if len(parts) > 1:
                return typing.Union[tuple(parts)], said  # noqa: UP007 - made of a list
            [annotation] = parts
        else:
            return annotation, said


def checks(said):
    """The functions of types.py among what is said of a type."""
    functions = [item.func for item in said if isinstance(item, AfterValidator | BeforeValidator)]
    return [f for f in functions if not getattr(f, "__qualname__", "").startswith("_quoted")]


def bounds(said, low, high):
    """The smallest and largest number (or length) that is allowed."""
    for item in said:
        low = max(low, getattr(item, "ge", low), getattr(item, "min_length", low))
        high = min(high, getattr(item, "le", high), getattr(item, "max_length", None) or high)
    return low, high
