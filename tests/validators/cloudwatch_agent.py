"""Holds the CloudWatch agent's configuration against what the agent reads, by cloudwatch_agent.yaml.

Its package is in no archive, so its own program can't judge it here.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml

from .table import HERE

_TYPES = {"str": str, "int": int, "bool": bool}


@cache
def _format() -> dict[str, Any]:
    """cloudwatch_agent.yaml."""
    document: dict[str, Any] = yaml.safe_load((HERE / "cloudwatch_agent.yaml").read_text(encoding="utf-8"))
    return document


def problems(path: str, content: bytes) -> list[str]:  # noqa: ARG001 - as the other checks
    """What is wrong with a configuration; empty where nothing is."""
    try:
        document = json.loads(content)
    except ValueError as error:
        return [f"not JSON: {error}"]
    return list(_object(document, _format()["file"], "the file"))


def _value(value: Any, rule: Any, where: str) -> Iterator[str]:
    if isinstance(rule, str):
        yield from _kind(value, rule, where)
    elif "each" in rule:
        yield from _list(value, rule, where)
    else:
        yield from _object(value, rule, where)


def _object(value: Any, rule: dict[str, Any], where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: is no object"
        return
    for key in rule.get("needs", ()):
        if key not in value:
            yield f"{where}: {key} is missing"
    for key, inner in value.items():
        if key in rule["keys"]:
            yield from _value(inner, rule["keys"][key], f"{where}: {key}")
        else:
            yield f"{where}: {key}: no such key is known here"


def _list(value: Any, rule: dict[str, Any], where: str) -> Iterator[str]:
    if not isinstance(value, list) or len(value) < rule.get("least", 1):
        yield f"{where}: is no list, or an empty one"
        return
    if len({json.dumps(item, sort_keys=True) for item in value}) != len(value):
        yield f"{where}: has something twice"
    for index, item in enumerate(value):
        yield from _value(item, rule["each"], f"{where}[{index}]")


def _kind(value: Any, name: str, where: str) -> Iterator[str]:
    kind = _format()["kinds"][name]
    if type(value) is not _TYPES[kind["type"]]:
        yield f"{where}: {value!r} is no {kind['type']}"
    elif "pattern" in kind and not re.fullmatch(kind["pattern"], value):
        yield f"{where}: {value!r} is not {name} ({kind['pattern']})"
    elif "least" in kind and not kind["least"] <= value <= kind["most"]:
        yield f"{where}: {value!r} is not within {kind['least']} and {kind['most']}"
