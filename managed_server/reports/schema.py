"""``managed schema``: JSON Schemas of the input files, for editors that complete and check while one types.

They are made from the models, and say less than ``managed check`` does: what depends on another file, or on
another value, only the check can tell. The dialect is draft 7, the newest that YAML editors know.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from managed_server.inputs import SINGLE_FILES
from managed_server.loading import nearest
from managed_server.model.catalogue import Entry, Software, Tool
from managed_server.model.customer import StackFile
from managed_server.model.regions import OneOf
from managed_server.model.types import Matching
from managed_server.problems import InputError, Problem
from managed_server.project import PLACEHOLDER_NAME

FOLDER = "docs/schemas"
"""Where the committed schemas are, below the repository."""

_DIALECT = "http://json-schema.org/draft-07/schema#"

MODELS: dict[str, tuple[str, type[BaseModel]]] = {
    "stack": ("stacks/Pulumi.*.yaml", StackFile),
    "software": ("catalogue/software/*.yaml", Software),
    "tool": ("catalogue/tools/*.yaml", Tool),
    **{name.replace("_", "-"): file for name, file in SINGLE_FILES.items()},
}
"""What each schema is for: the files, as a pattern below the repository, and their model."""

# A value that is replaced before it is checked; within a text there may be more around it.
_PLACEHOLDER = rf"\$\{{{PLACEHOLDER_NAME}\}}"
_PLACEHOLDERS = {
    "Placeholder": {
        "type": "string",
        "pattern": f"^{_PLACEHOLDER}$",
        "description": "a fact of the Debian release, or a setting",
    },
    "TextWithPlaceholder": {
        "type": "string",
        "pattern": _PLACEHOLDER,
        "description": "holds a fact of the Debian release, or a setting",
    },
}
_SCALARS = ("string", "integer", "number", "boolean")


class _Generator(GenerateJsonSchema):
    """Takes over patterns of our own checks; titles that only repeat a key are left out."""

    def function_after_schema(self, schema: core_schema.AfterValidatorFunctionSchema) -> JsonSchemaValue:
        result = super().function_after_schema(schema)
        check = schema["function"]["function"]
        if isinstance(check, OneOf):
            return {**result, "enum": list(check.known)}
        return {**result, "pattern": f"^(?:{check.regex})$"} if isinstance(check, Matching) else result

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        result = super().dict_schema(schema)
        # Keys that match no pattern are wrong, and not just unknown.
        for pattern, values in result.pop("patternProperties", {}).items():
            result = {**result, "propertyNames": {"pattern": pattern}, "additionalProperties": values}
        return result

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def schema_for(name: str) -> dict[str, Any]:
    """Return the JSON Schema of one kind of file, by its name in ``MODELS``."""
    _, model = MODELS[name]
    made = model.model_json_schema(schema_generator=_Generator, ref_template="#/definitions/{model}")
    definitions = {key: _plain(value) for key, value in made.pop("$defs", {}).items()}
    body = _plain(made)
    if issubclass(model, Entry):
        definitions = {key: _open(value) for key, value in definitions.items()} | _PLACEHOLDERS
        body = _open(body)
    return {"$schema": _DIALECT, **body, "definitions": dict(sorted(definitions.items()))}


def schema_json(name: str) -> str:
    """Return the schema as the text of a file."""
    return json.dumps(schema_for(name), indent=1, ensure_ascii=False) + "\n"


def schemas_json(names: list[str]) -> str:
    """Return the one schema that is named, or several, or all, by their names.

    Raises:
        InputError: a name is unknown.
    """
    check_names(names)
    if len(names) == 1:
        return schema_json(names[0])
    return (
        json.dumps({name: schema_for(name) for name in names or MODELS}, indent=1, ensure_ascii=False) + "\n"
    )


def modeline(name: str, path: str) -> str:
    """Return the line by which an editor finds the schema of the file at ``path``, below the repository."""
    return f"# yaml-language-server: $schema={'../' * path.count('/')}{FOLDER}/{name}.json"


def write_schemas(names: list[str], out: Path) -> list[Path]:
    """Write the named schemas, or all of them, into a folder; returns the files.

    Raises:
        InputError: a name is unknown, or the folder can't be written to.
    """
    check_names(names)
    try:
        out.mkdir(parents=True, exist_ok=True)
        written = []
        for name in names or MODELS:
            path = out / f"{name}.json"
            path.write_text(schema_json(name))
            written.append(path)
    except OSError as error:
        message = f"can't be written to: {error.strerror or error}"
        raise InputError([Problem(str(error.filename or out), 0, "--out", message)]) from error
    return written


def check_names(names: list[str]) -> None:
    """Raise InputError for names of no schema."""
    problems = [
        Problem("managed schema", 0, "", f"there is no schema {name!r}{nearest(name, MODELS)}")
        for name in names
        if name not in MODELS
    ]
    if problems:
        raise InputError(problems)


def _inside(schema: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """Return a schema with a change made to each schema that is part of it."""
    result = dict(schema)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            result[key] = [change(item) for item in schema[key]]
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            result[key] = change(schema[key])
    if "properties" in schema:
        result["properties"] = {name: change(value) for name, value in schema["properties"].items()}
    return result


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Write descriptions on one line; what stands beside a ``$ref``, draft 7 would not read: wrap it."""
    result = _inside(schema, _plain)
    if "description" in result:
        result["description"] = " ".join(result["description"].replace("``", "`").split())
    if "$ref" in result and len(result) > 1:
        result = {"allOf": [{"$ref": result.pop("$ref")}], **result}
    return result


def _open(schema: dict[str, Any]) -> dict[str, Any]:
    """Let ``${name}`` stand wherever a single value is replaced before it is checked."""
    if schema.get("type") in _SCALARS or "enum" in schema or "const" in schema:
        return _or_placeholder(schema)
    if {"type": "string"} in schema.get("anyOf", ()):
        return schema  # any text will do, so a placeholder does
    return _inside(schema, _open)


def _or_placeholder(schema: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {key: schema[key] for key in ("title", "description", "default") if key in schema}
    value = {key: item for key, item in schema.items() if key not in said}
    if value == {"type": "string"}:
        return schema
    placeholder = "TextWithPlaceholder" if value.get("type") == "string" else "Placeholder"
    if "enum" in value or "const" in value:
        placeholder = "Placeholder"
    return {"anyOf": [value, {"$ref": f"#/definitions/{placeholder}"}], **said}
