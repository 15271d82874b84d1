"""Writes a stack file's data as YAML, and notes the line of everything: apart from the reader under test."""

import datetime
import json
import re
from dataclasses import dataclass, field

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_:-]*")
_NOT_TEXT = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


class Raw(str):
    """Stands in the file as it is."""

    __slots__ = ()


@dataclass
class Text:
    """A file's lines, and the line (from 1) of everything in it, by its path."""

    lines: list[str] = field(default_factory=list)
    where: dict[tuple, int] = field(default_factory=dict)

    def __str__(self):
        return "".join(f"{line}\n" for line in self.lines)

    def line(self, path):
        """The line of a path, or of what is around it."""
        while path not in self.where:
            path = path[:-1]
        return self.where[path]

    def insert(self, number, line):
        """Put a line in, as the one of this number."""
        self.lines.insert(number - 1, line)
        self.where = {path: at + (at >= number) for path, at in self.where.items()}


def write(data, *, wide=False):
    """Write a mapping; ``wide``: lists stand on one line."""
    text = Text()
    _mapping(text, data, (), 0, wide)
    text.where[()] = 1
    return text


def _mapping(text, data, path, indent, wide):
    for key, value in data.items():
        here = (*path, key)
        text.where[here] = len(text.lines) + 1
        start = f"{' ' * indent}{_key(key)}:"
        if isinstance(value, dict) and value:
            text.lines.append(start)
            _mapping(text, value, here, indent + 2, wide)
        elif isinstance(value, list) and value and not wide:
            text.lines.append(start)
            for index, item in enumerate(value):
                _note(text, item, (*here, index))
                text.lines.append(f"{' ' * indent}  - {_flow(item)}")
        else:
            _note(text, value, here)
            text.lines.append(f"{start} {_flow(value)}")


def _note(text, value, path):
    """Note that a value and all that is in it stands on the next line."""
    text.where[path] = len(text.lines) + 1
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        _note(text, part, (*path, key))


def _key(key):
    return (
        key if _PLAIN.fullmatch(key) and key.lower() not in _NOT_TEXT else json.dumps(key, ensure_ascii=False)
    )


def _flow(value):
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, datetime.date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False)
