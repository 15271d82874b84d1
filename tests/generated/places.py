"""The places of a stack file, and what must be said where one of them was broken."""

import typing
from dataclasses import dataclass

from hypothesis import strategies as st
from pydantic import BaseModel

from tests.generated.annotations import plain


@dataclass(frozen=True)
class Expected:
    """What must be said: of which place, and in which words."""

    path: tuple
    words: str
    touched: tuple = ()
    """Paths that were changed, if not the one of which something is said."""

    @property
    def zones(self):
        """The parts of the file in which nothing else may be broken, lest it be hidden or moved."""
        for path in self.touched or (self.path,):
            yield path[:2] if path[:1] in (("servers",), ("users",)) else path[:1]

    def apart(self, other):
        """Tell whether two breakages leave each other alone."""
        pairs = [(one, two, min(len(one), len(two))) for one in self.zones for two in other.zones]
        return all(one[:both] != two[:both] for one, two, both in pairs)


@dataclass(frozen=True)
class Node:
    """A place of a stack file: its type, what is said of it, and what holds it."""

    path: tuple
    kind: typing.Any
    said: tuple
    needed: bool
    model: type | None
    """Whose key it is; None: an item of a list, or a name that a person chose."""


def nodes(model, data, path=()):
    """Every place of a file that the models describe."""
    for name, info in model.model_fields.items():
        key = info.alias or name
        if key in data:
            kind, said = plain(info.annotation, info.metadata)
            yield Node((*path, key), kind, tuple(said), info.is_required(), model)
            yield from _below(kind, data[key], (*path, key))


def _below(kind, value, path):
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from nodes(kind, value, path)
        return
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    parts = enumerate(value) if origin is tuple else value.items() if origin is dict else ()
    for key, part in parts:
        inner, said = plain(arguments[1] if origin is dict else arguments[0])
        yield Node((*path, key), inner, tuple(said), needed=False, model=None)
        yield from _below(inner, part, (*path, key))


def at(data, path):
    for part in path:
        data = data[part]
    return data


def put(data, path, value):
    at(data, path[:-1])[path[-1]] = value


def adder(found):
    """A decorator that adds a way of breaking a file to a list.

    Such a function changes a stack's data, and returns what must be said; None where it has nothing to break.
    """

    def add(function):
        found.append(function)
        return function

    return add


def pick(draw, found):
    found = list(found)
    return draw(st.sampled_from(found)) if found else None
