"""The table of validators: which of them a file needs, and which packages that takes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Validator:
    """One entry of validators.yaml."""

    name: str
    files: str
    first_line: str = ""
    named: str = ""
    packages: tuple[str, ...] = ()
    run: str = ""
    bad_output: str = ""
    python: str = ""

    def __post_init__(self) -> None:
        if bool(self.run) == bool(self.python):
            raise ValueError(f"{self.name}: one of run and python")

    def variables(self, path: str, content: bytes) -> dict[str, str] | None:
        """The environment in which it judges this file; None if it doesn't."""
        found = re.search(self.files, path)
        if not found:
            return None
        first = content.split(b"\n", 1)[0].decode("utf-8", "replace")
        if self.first_line and not re.search(self.first_line, first):
            return None
        values = {"FILE": path, **{key: value or "" for key, value in found.groupdict().items()}}
        return {key: value for key, value in values.items() if re.search(rf"\$\{{?{key}\b", self.run)}


@dataclass(frozen=True)
class Table:
    """All of validators.yaml."""

    prepare: tuple[str, ...]
    validators: tuple[Validator, ...]
    unvalidated: Mapping[str, str] = field(default_factory=dict)
    """Reason by regular expression over paths."""

    def reason(self, path: str) -> str | None:
        """Why there is no validator for a file, if the table says so."""
        return next((why for files, why in self.unvalidated.items() if re.search(files, path)), None)

    def packages(self, contents: Mapping[str, bytes] | None = None) -> list[str]:
        """Debian packages that the validators of these files need (of all, without files)."""
        needed: set[str] = set()
        for validator in self.validators:
            if contents is None or _claims(validator, contents.items()):
                needed.update(validator.packages)
        return sorted(needed)


def _claims(validator: Validator, contents: Iterable[tuple[str, bytes]]) -> bool:
    return any(validator.variables(path, content) is not None for path, content in contents)


def parse(document: Mapping[str, Any]) -> Table:
    """A table from its YAML; an unknown key, a bad pattern or a missing reason is an error."""
    if set(document) != {"prepare", "validators", "unvalidated"}:
        raise ValueError(f"keys: {sorted(document)}")
    validators = tuple(
        Validator(name=name, **{**entry, "packages": tuple(entry.get("packages", ()))})
        for name, entry in document["validators"].items()
    )
    for validator in validators:
        for pattern in (validator.files, validator.first_line, validator.named, validator.bad_output):
            re.compile(pattern)
    unvalidated = {entry["files"]: entry["reason"] for entry in document["unvalidated"]}
    if not all(unvalidated.values()):
        raise ValueError("unvalidated: a reason is missing")
    return Table(tuple(document["prepare"]), validators, unvalidated)


@cache
def load() -> Table:
    """validators.yaml."""
    return parse(yaml.safe_load((HERE / "validators.yaml").read_text(encoding="utf-8")))
