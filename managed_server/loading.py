"""The only YAML reader: unique keys, line numbers, and every error of a file at once."""

import datetime
import difflib
import re
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError

from managed_server.problems import Path, Problem, dotted

M = TypeVar("M", bound=BaseModel)

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml reads the same, only slower
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

_MAX_NODES = 200_000  # far above any stack file; a file of nested aliases grows past it at once
_MAX_BYTES = 1_000_000
_PLAIN_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_PLAIN_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass
class Document:
    """A file's data with the line of every key and value."""

    file: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """Return the line of ``path``, or of the nearest part of it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def keys(self, path: Path) -> frozenset[str]:
        """Return the keys of the group at ``path`` that have a value; none where there is no such group."""
        value = self.data
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        items = value.items() if isinstance(value, dict) else ()
        return frozenset(key for key, item in items if item is not None)

    def problem(self, path: Path, message: str, *, warning: bool = False) -> Problem:
        """Make a problem that points at ``path``."""
        return Problem(self.file, self.line(path), dotted(path), message, "warning" if warning else "error")


_PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class _Builder:
    """Turns YAML nodes into plain data, noting where each stands."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.count = 0

    def fail(self, node: yaml.Node, path: Path, message: str) -> None:
        line = node.start_mark.line + 1
        self.document.problems.append(Problem(self.document.file, line, dotted(path), message))

    def build(self, node: yaml.Node, path: Path) -> Any:
        self.count += 1
        if self.count > _MAX_NODES:
            raise yaml.YAMLError(
                f"more than {_MAX_NODES} values: aliases that multiply, or not an input file"
            )
        self.document.lines.setdefault(path, node.start_mark.line + 1)
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN_TAGS:
            self.fail(node, path, f"the tag {node.tag!r} is not supported; write the value plainly")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self.scalar(cast("yaml.ScalarNode", node), path)

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        first: dict[Any, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.fail(key_node, path, "a key must be plain text")
                continue
            if key_node.tag == "tag:yaml.org,2002:merge":
                self.fail(key_node, path, "merge keys (<<) are not supported; write the keys out")
                continue
            key = self.scalar(key_node, path)
            if key is None or isinstance(key, bool):
                self.fail(key_node, path, f"the key {key_node.value!r} is not read as text; put it in quotes")
                continue
            if key in result:
                self.fail(
                    key_node, (*path, key), f"duplicate key, first on line {first[key]}; keep one of the two"
                )
                continue
            first[key] = line
            self.document.lines[(*path, key)] = line
            result[key] = self.build(value_node, (*path, key))
        return result

    def scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text, kind = node.value, node.tag.rpartition(":")[2]
        if kind == "str":
            return text
        if kind == "null":
            return None
        if kind == "bool":
            if text.lower() in ("true", "false"):
                return text.lower() == "true"
            self.fail(node, path, f"{text!r} is read as a switch; write true or false, or put it in quotes")
            return text.lower() in ("yes", "on", "y")
        if kind == "int" and _PLAIN_INT.fullmatch(text):
            return int(text)
        if kind == "timestamp" and _PLAIN_DATE.fullmatch(text):
            try:
                return datetime.date.fromisoformat(text)
            except ValueError as error:
                self.fail(node, path, f"{text} is not a date: {error}")
                return text
        if kind == "float" and re.fullmatch(r"[-+]?[0-9]+\.[0-9]+", text):
            return float(text)
        if kind in ("int", "float", "timestamp"):
            self.fail(node, path, f'{text} is read as a number or a date; put it in quotes: "{text}"')
            return text
        self.fail(node, path, f"the tag {node.tag!r} is not supported; write the value plainly")
        return text


def read_yaml(path: FilePath, root: FilePath) -> Document:
    """Read one file. Problems of its syntax are in the document; its file name is relative to ``root``."""
    name = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    document = Document(name)
    try:
        content = path.read_bytes()
        if len(content) > _MAX_BYTES:
            document.problems.append(Problem(name, 0, "", f"is over {_MAX_BYTES} bytes: not an input file"))
            return document
        text = content.decode("utf-8")
    except OSError as error:
        document.problems.append(Problem(name, 0, "", f"can't be read: {error.strerror}"))
        return document
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        document.problems.append(Problem(name, line, "", "is not UTF-8 text; save it as UTF-8"))
        return document
    try:
        node = yaml.compose(text, Loader=_Loader)
        if node is not None:
            document.data = _Builder(document).build(node, ())
        if document.data is None:  # also where it holds only `---` or `~`
            document.problems.append(Problem(name, 1, "", "is empty"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(part for part in (error.context, error.problem) if part)
        document.problems.append(Problem(name, mark.line + 1 if mark else 0, "", f"YAML syntax: {message}"))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 0
        message = f"YAML syntax: {error.reason}"
        document.problems.append(Problem(name, line, "", message))
    except (yaml.YAMLError, RecursionError) as error:
        message = "nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())
        document.problems.append(Problem(name, 0, "", f"YAML syntax: {message}"))
    return document


def validate(document: Document, model: type[M], data: Any = None) -> M | None:
    """Check a document against a model; its problems are added to the document.

    ``data`` stands for the document's own data where values were replaced; its shape is the same.
    """
    if document.data is None:
        return None
    try:
        result = model.model_validate(document.data if data is None else data)
    except ValidationError as errors:
        for error in errors.errors(include_url=False):
            if not _only_follows(error):
                document.problems.append(_explain(document, model, error))
        return None
    return result


def _only_follows(error: Any) -> bool:
    """Tell whether a list is only called too short because of wrong items, which are told by themselves."""
    given = error["input"]
    return bool(error["type"] == "too_short" and len(given) >= error["ctx"]["min_length"])


def missing_keys(document: Document, model: type[BaseModel]) -> list[Problem]:
    """Return what a file lacks of the keys that its model needs at the top."""
    data = document.data if isinstance(document.data, dict) else {}
    needed = [info.alias or name for name, info in model.model_fields.items() if info.is_required()]
    return [_missing(document, (), key) for key in needed if key not in data]


def _missing(document: Document, at: Path, key: Any) -> Problem:
    return Problem(document.file, document.line(at), dotted(at), f"the key {key!r} is missing; add it")


def _explain(document: Document, model: type[BaseModel], error: Any) -> Problem:
    kind, loc = error["type"], _real_path(document.data, error["loc"], error["type"])
    last = loc[-1] if loc else ""
    if kind == "extra_forbidden":
        known = sorted(_keys_at(model, loc[:-1]))
        return document.problem(loc, f"unknown key{nearest(str(last), known)}")
    if kind == "missing":
        return _missing(document, loc[:-1], last)
    message = error["msg"].removeprefix("Value error, ")
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        message = "must be a group of keys"
    elif kind in ("tuple_type", "list_type"):
        message = "must be a list; start each item with '- '"
    elif kind == "string_type":
        message = "must be text; put it in quotes"
    elif kind == "too_short":
        message = "must not be empty"
    elif kind in ("too_long", "string_too_long"):
        message = f"must not be longer than {error['ctx']['max_length']}"
    return document.problem(loc, message[0].lower() + message[1:] if message[:5] == "Input" else message)


def _real_path(data: Any, loc: tuple[Any, ...], kind: str) -> Path:
    """Drop the parts of a pydantic location that are not in the file (tags of unions, '[key]')."""
    path: list[str | int] = []
    for index, part in enumerate(loc):
        is_last = index == len(loc) - 1
        inside_list = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if inside_list or (isinstance(data, dict) and part in data):
            data = data[part]
        elif not (is_last and kind in ("missing", "extra_forbidden")):
            continue
        path.append(part)
    return tuple(path)


def _keys_at(annotation: Any, path: Path) -> set[str]:
    """Collect the keys that a model allows at ``path``."""
    keys: set[str] = set()
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = {info.alias or name: info.annotation for name, info in annotation.model_fields.items()}
        if not path:
            return set(fields)
        return _keys_at(fields[str(path[0])], path[1:]) if path[0] in fields else keys
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _keys_at(args[0], path)
    if origin in (typing.Union, types.UnionType):
        return set().union(*(_keys_at(arg, path) for arg in args))
    if path and origin in (tuple, list):
        return _keys_at(args[0], path[1:])
    if path and origin is dict:
        return _keys_at(args[1], path[1:])
    return keys


def nearest(name: str, known: typing.Iterable[str]) -> str:
    """Return '; did you mean …?', or the whole list where nothing is near."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    return f"; known: {', '.join(known)}" if known else ""
