"""Compares the names of the local provider's properties with those of the classes of pulumi_aws.

`python -m tests.engine.names` writes names-allowed.json again: what only one of the two has. A programmer who
uses a property that only pulumi_aws has is told so by the provider; a change of the file shows in review.
"""

import ast
import importlib
import json
import subprocess
import sys
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pulumi
import pulumi_aws
from pulumi import _types

from tests.engine import local

ALLOWED = Path(__file__).with_name("names-allowed.json")
AWS_ONLY, LOCAL_ONLY = "only pulumi_aws", "only local"

Names = dict[str, dict[str, dict[str, typing.Any]]]


@dataclass(frozen=True)
class Difference:
    """One property that differs: `where` is a type's token and the path of nested types in it."""

    where: str
    kind: str
    name: str


def local_names(*off: str) -> Names:
    """What the local provider says that it has: resources, functions, the provider itself."""
    environ = {**local.environment(), "MANAGED_SERVER_CURES_OFF": ",".join(off)}
    done = subprocess.run([local.plugin(), "names"], env=environ, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def differences(names: Names) -> Iterator[Difference]:
    """All differences, of all mapped types."""
    for token, ours in names["resources"].items():
        module = _module(token)
        name = token.split(":")[-1]
        defining = sys.modules[getattr(module, name).__module__]
        yield from _compare(token, ours, getattr(defining, f"_{name}State"))
    for token, ours in names["functions"].items():
        yield from _compare_function(token, ours)
    provider = importlib.import_module("pulumi_aws.provider")
    yield from _compare("provider", names["provider"]["aws"], provider.ProviderArgs)


def _module(token: str) -> ModuleType:
    name = token.split(":")[1].split("/", maxsplit=1)[0]
    return pulumi_aws if name == "index" else importlib.import_module(f"pulumi_aws.{name}")


def _compare(where: str, ours: Mapping[str, typing.Any], theirs: type) -> Iterator[Difference]:
    """Compare with a class; its names are Pulumi's, its types tell what is a list."""
    if _types.is_input_type(theirs):
        spelled, kinds = _types.input_type_py_to_pulumi_names(theirs), _types.input_type_types(theirs)
    else:
        spelled = _types._py_to_pulumi_names_from_py_properties(theirs)
        kinds = _types.output_type_types(theirs)
    yield from _compare_names(
        where, ours, {name: kinds.get(name, kinds.get(python)) for python, name in spelled.items()}
    )


def _compare_function(token: str, ours: Mapping[str, typing.Any]) -> Iterator[Difference]:
    """Compare with a function's result, and what it takes with its arguments."""
    module = _module(token)
    function = getattr(module, _snake(token.rsplit(":", maxsplit=1)[-1]))
    defining = sys.modules[function.__module__]
    result = next(
        kind
        for kind in vars(defining).values()
        if isinstance(kind, type)
        and _types.is_output_type(kind)
        and not kind.__name__.startswith("Awaitable")
    )
    yield from _compare(token, ours, result)
    arguments = typing.get_type_hints(function, vars(defining))
    taken = {name: kind for name, kind in arguments.items() if name not in {"opts", "return"}}
    inputs = {_snake(name): property_ for name, property_ in ours.items() if property_["input"]}
    yield from _compare_names(f"{token} (arguments)", inputs, taken)


def _compare_names(
    where: str, ours: Mapping[str, typing.Any], theirs: Mapping[str, typing.Any]
) -> Iterator[Difference]:
    for name in sorted(ours.keys() - theirs.keys()):
        yield Difference(where, LOCAL_ONLY, name)
    for name in sorted(theirs.keys() - ours.keys()):
        yield Difference(where, AWS_ONLY, name)
    for name in sorted(ours.keys() & theirs.keys()):
        is_list, nested = _shape(theirs[name])
        if nested is not None and str in typing.get_args(theirs[name]):  # a policy, as text or as a document
            if not ours[name]["document"]:
                yield Difference(where, "document there, not here", name)
            continue
        if is_list != ours[name]["list"]:
            yield Difference(
                where, "list here, not there" if ours[name]["list"] else "list there, not here", name
            )
        fields = ours[name].get("fields")
        if nested is not None and fields is None:
            yield Difference(where, "nested there, not here", name)
        elif nested is not None:
            yield from _compare(f"{where}.{name}", fields, nested)
        elif fields is not None and theirs[name] is not None:
            yield Difference(where, "nested here, not there", name)


def _shape(kind: typing.Any) -> tuple[bool, type | None]:
    """Whether a type is a list, and the class of its values where they are nested."""
    if isinstance(kind, type) and (_types.is_input_type(kind) or _types.is_output_type(kind)):
        return False, kind
    origin = typing.get_origin(kind)
    if origin is None or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return False, None
    shapes = [_shape(argument) for argument in typing.get_args(kind)]
    nested = next((inner for _, inner in shapes if inner is not None), None)
    is_list = isinstance(origin, type) and issubclass(origin, Sequence)
    return is_list or any(inner for inner, _ in shapes), nested


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def as_json(found: typing.Iterable[Difference]) -> dict[str, dict[str, list[str]]]:
    """Differences in the shape of names-allowed.json."""
    out: dict[str, dict[str, list[str]]] = {}
    for difference in sorted(found, key=lambda d: (d.where, d.kind, d.name)):
        out.setdefault(difference.where, {}).setdefault(difference.kind, []).append(difference.name)
    return out


def used_types(folder: Path) -> set[str]:
    """Resources and functions of pulumi_aws that a folder's Python files use: 'ec2.Vpc', 'get_region'."""
    used = set()
    for path in folder.rglob("*.py"):
        tree = ast.parse(path.read_text())
        aliases = {
            alias.asname or alias.name: alias.name.removeprefix("pulumi_aws").lstrip(".")
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
            if alias.name.split(".")[0] == "pulumi_aws"
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pulumi_aws":
                inside = (node.module or "").removeprefix("pulumi_aws").lstrip(".")
                aliases |= {a.asname or a.name: ".".join(filter(None, [inside, a.name])) for a in node.names}
        for node in ast.walk(tree):
            dotted = ast.unparse(node) if isinstance(node, ast.Attribute | ast.Name) else ""
            first, _, rest = dotted.partition(".")
            if first in aliases:
                full = ".".join(filter(None, [aliases[first], rest])).removesuffix("_output")
                if _is_mappable(full):
                    used.add(full)
    return used


def _is_mappable(dotted: str) -> bool:
    module, _, name = dotted.rpartition(".")
    holder = importlib.import_module(f"pulumi_aws.{module}") if module else pulumi_aws
    found = getattr(holder, name, None)
    if isinstance(found, type):
        return issubclass(found, pulumi.CustomResource) and not issubclass(found, pulumi.ProviderResource)
    return callable(found) and name.startswith("get_")


def python_name(token: str) -> str:
    """How a program names a type: 'ec2.Vpc' for aws:ec2/vpc:Vpc."""
    module, name = token.split(":")[1].split("/", maxsplit=1)[0], token.split(":")[2]
    python = _snake(name) if name.startswith("get") else name
    return python if module == "index" else f"{module}.{python}"


if __name__ == "__main__":
    ALLOWED.write_text(json.dumps(as_json(differences(local_names())), indent=1) + "\n")
