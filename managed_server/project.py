"""Everything beside the stack files, as loaded: provider, contract and catalogue."""

import re
import string
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any, Generic, TypeVar

from managed_server.loading import Document, validate
from managed_server.model.account import AccountAlarms
from managed_server.model.catalogue import Entry, Software, Tool
from managed_server.model.cloudwatch import CloudWatchTable
from managed_server.model.contract import Contract
from managed_server.model.exceptions import Rules
from managed_server.model.fulfilment import AwsResources, Fulfilment
from managed_server.model.limits import Limits
from managed_server.model.provider import Provider
from managed_server.model.tables import Alarms, Checks, Debian, InstanceTypes
from managed_server.problems import InputError, Path

E = TypeVar("E", bound=Entry)


# A stack file's accounts, in whichever style they are written, by their keys.
_ACCOUNTS = {
    key: re.compile(rf"""^[^#\n]*\b{key}["']?\s*:\s*["']?([0-9]{{12}})\b""", re.MULTILINE)
    for key in ("account_id", "backup_account_id")
}

_MOST_KEPT = 100
"""Choices of an entry's settings that are kept for the next server with the same; there may be any number."""

PLACEHOLDER_NAME = r"[a-z][a-z0-9_]*"


class _Placeholder(string.Template):
    braceidpattern = PLACEHOLDER_NAME
    idpattern = r"(?!)"  # only ${name}: a lone $ is text, as in regular expressions and shell commands


class UnresolvedError(Exception):
    """A placeholder that can't be replaced: where it stands, and its name or what is wrong with it."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(name)
        self.path, self.name = path, name


def substitute(value: Any, facts: dict[str, Any]) -> Any:
    """Replace ``${name}`` in all text below ``value``; a text of one placeholder takes the fact's own type.

    Raises:
        UnresolvedError: a name that ``facts`` lacks, or ``${`` without a name and ``}``.
    """
    if isinstance(value, str):
        return _replaced(value, facts) if "${" in value else value
    if not isinstance(value, dict | list):
        return value
    result: Any = value.copy()
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        try:
            result[key] = substitute(item, facts)
        except UnresolvedError as error:  # where it stands is put together here, as few are wrong
            error.path = (key, *error.path)
            raise
    return result


def _replaced(text: str, facts: dict[str, Any]) -> Any:
    if text.startswith("${") and text.endswith("}") and text[2:-1] in facts:
        return facts[text[2:-1]]
    try:  # `$${` is put out of the way meanwhile, as a character that no YAML text can hold
        return _Placeholder(text.replace("$${", "\0")).substitute(facts).replace("\0", "${")
    except KeyError as error:
        raise UnresolvedError((), str(error.args[0])) from error
    except ValueError as error:
        raise UnresolvedError((), text) from error


def _choice(release: int, settings: dict[str, Any]) -> tuple[int, str]:
    return release, repr(sorted(settings.items()))


@dataclass
class EntryFile(Generic[E]):
    """A catalogue file: its id, its raw data, and its facts for one release and one choice of settings."""

    id: str
    document: Document
    model: type[E]
    general: E
    checked: InitVar[Mapping[int, E]]
    """What it is on each release without settings of a server, where that was found out already."""
    _cache: dict[tuple[int, str], E] = field(default_factory=dict)

    def __post_init__(self, checked: Mapping[int, E]) -> None:
        self._cache.update((_choice(release, {}), entry) for release, entry in checked.items())

    def facts(self, release: int, settings: dict[str, Any]) -> dict[str, Any]:
        """Return what ``${name}`` may stand for: the release's facts and the settings."""
        defaults = {name: setting.default for name, setting in self.general.settings.items()}
        return {**self.general.releases.get(release, {}), **defaults, **settings}

    def resolved(self, release: int, settings: dict[str, Any]) -> E:
        """Return the entry with every ``${name}`` replaced and checked again.

        Raises:
            InputError: if a replaced value does not fit its place.
        """
        key = _choice(release, settings)
        if key not in self._cache:
            facts = self.facts(release, settings)
            scratch = Document(self.document.file, self.document.data, self.document.lines)
            try:
                data = substitute(self.document.data, facts)
            except UnresolvedError as error:
                message = f"the placeholder {error.name!r} is neither a fact nor a setting"
                raise InputError([scratch.problem(error.path, message)]) from error
            entry = validate(scratch, self.model, data)
            if entry is None:
                raise InputError(scratch.problems)
            if len(self._cache) >= _MOST_KEPT:
                del self._cache[next(iter(self._cache))]
            self._cache[key] = entry
        return self._cache[key]


@dataclass(frozen=True)
class Project:
    """The loaded project."""

    root: FilePath
    provider: Provider
    contract: Contract
    fulfilment: Fulfilment
    limits: Limits
    aws_resources: AwsResources
    checks: Checks
    alarms: Alarms
    account_alarms: AccountAlarms
    cloudwatch: CloudWatchTable
    debian: Debian
    instance_types: InstanceTypes
    policies: Rules
    software: dict[str, EntryFile[Software]]
    tools: dict[str, EntryFile[Tool]]
    documents: dict[str, Document]
    """The single files, by the name of their field, for the lines of what is wrong with them."""
    drafts: FilePath | None = None
    """Where the stack files are, while they are no part of the repository yet."""

    @cached_property
    def entries(self) -> dict[str, EntryFile[Any]]:
        """All software and tools by id."""
        return {**self.software, **self.tools}

    def files_for(self, product: str) -> tuple[str, ...]:
        """Return the files of the catalogue behind an id of the contract's list of supported software."""
        files = tuple(
            entry.document.file for entry in self.software.values() if entry.general.supported == product
        )
        # What every server runs is no choice: it has a table of the catalogue instead of an entry.
        table = f"catalogue/{product}.yaml"
        return files or ((table,) if (self.root / table).is_file() else ())

    @cached_property
    def stacks_by_account(self) -> dict[str, dict[str, list[str]]]:
        """Stacks by key and AWS account that their files seem to name: read one properly before it counts."""
        found: dict[str, dict[str, list[str]]] = {key: {} for key in _ACCOUNTS}
        for path in sorted((self.root / "stacks").glob("Pulumi.*.yaml")):
            text = path.read_text(errors="replace")
            for key, pattern in _ACCOUNTS.items():
                for account_id in sorted(set(pattern.findall(text))):
                    found[key].setdefault(account_id, []).append(
                        path.name.removeprefix("Pulumi.").removesuffix(".yaml")
                    )
        return found
