"""What runbook pages may name: units, files, ports, settings and programs of the servers they are about."""

import fnmatch
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import yaml

from managed_server.inputs import load_project
from managed_server.local.box.image import packages as image_packages
from managed_server.model.catalogue_items import Absent
from managed_server.project import Project
from tests.conftest import ROOT
from tests.runbooks import Page

TABLE = yaml.safe_load((ROOT / "tests/catalogue/runbook_facts.yaml").read_text(encoding="utf-8"))
EVERY_DEBIAN = {name for names in TABLE["every_debian"].values() for name in names}
PATHS = {path for paths in TABLE["paths"].values() for path in paths}
READS = re.compile("|".join(f"(?:{pattern})" for pattern in TABLE["looking"]))
"""Of a command that changes nothing, how it begins."""
_UNIT = re.compile(r"\.(service|timer|socket|path|mount)$")
_UNIT_FILE = re.compile(r"/etc/systemd/system/([^/]+\.(?:service|timer|socket|path|mount))")


@cache
def project() -> Project:
    """The repository's own."""
    return load_project(ROOT)


def strings(value: Any) -> Iterator[str]:
    """Every text below a value."""
    if isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def section(general: Any, name: str) -> tuple[Any, ...]:
    """A section of an entry; nothing where it has none."""
    found = getattr(general, name)
    return () if isinstance(found, Absent) else found


class EntryFacts:
    """What an entry of the catalogue brings to a server, on any release and with any choice of a setting."""

    def __init__(self, name: str) -> None:
        """``name``: the entry's id."""
        entry = project().entries[name]
        choices = [
            {setting: choice} for setting, of in entry.general.settings.items() for choice in of.choices
        ]
        generals = [
            entry.resolved(release, settings)
            for release in sorted(entry.general.releases)
            for settings in ({}, *choices)
        ]

        def all_of(section_name: str) -> list[Any]:
            return [item for general in generals for item in section(general, section_name)]

        checks, files = all_of("checks"), all_of("files")
        self.settings = set(entry.general.settings)
        self.ports = {listen.port for listen in all_of("listens")}
        self.heartbeats = {check.args["name"] for check in checks if check.check in ("heartbeat", "result")}
        self.packages = {
            *all_of("packages"),
            *(package for plugin in all_of("munin") for package in plugin.packages),
            *(package for check in checks for package in project().checks.kinds[check.check].packages),
        }
        self.units = {
            *(unit.name for unit in all_of("units")),
            *(check.args["unit"] for check in checks if "unit" in check.args),
            *(f"managed-{timer.name}.{end}" for timer in all_of("timers") for end in ("timer", "service")),
            *(found[1] for file in files if (found := _UNIT_FILE.fullmatch(file.path))),
        }
        paths = [path for path in (ROOT / "templates" / name).glob("**/*") if path.is_file()]
        paths += [ROOT / file.copy_of for file in files if file.copy_of]
        text = "\n".join(
            [
                *(text for general in generals for text in strings(general.model_dump(mode="json"))),
                *(path.read_text(encoding="utf-8") for path in sorted(set(paths))),
            ]
        )
        for fact, value in entry.general.releases[max(entry.general.releases)].items():
            text = text.replace(f"{{{{ facts.{fact} }}}}", str(value))
        self.text = text
        """All that the entry and its templates say; of release facts, what they are on the newest."""


entry_facts = cache(EntryFacts)


class Facts:
    """Of the servers that a page is about."""

    def __init__(self, entries: Iterable[str], besides: Iterable[str]) -> None:
        """What they have.

        Args:
            entries: what each of them has.
            besides: what one may have as well: its files and units may be named, its programs may not.
        """
        own = [entry_facts(name) for name in entries]
        both = [*own, *(entry_facts(name) for name in besides)]
        packages = set(image_packages()).union(*(facts.packages for facts in own))
        self.programs = {
            name for package, names in TABLE["servers"].items() if package in packages for name in names
        }
        self.units = set[str]().union(*(facts.units for facts in both))
        self.ports = set[int]().union(*(facts.ports for facts in both))
        self.settings = set[str]().union(*(facts.settings for facts in both))
        self.heartbeats = set[str]().union(*(facts.heartbeats for facts in both))
        self.texts = [facts.text for facts in both]

    def says(self, pattern: str) -> bool:
        """Whether an entry or a template has such a text."""
        return any(re.search(pattern, text) for text in self.texts)

    def has_unit(self, name: str) -> bool:
        """Whether there is such a unit; a pattern has to match one."""
        whole = name if _UNIT.search(name) or name.endswith("*") else f"{name}.service"
        return bool(fnmatch.filter(self.units, whole))

    def has_path(self, path: str) -> bool:
        """Whether an entry or template names it, something below it, or what its pattern matches."""
        plain = path.rstrip("/") or "/"
        if any(fnmatch.fnmatch(known.rstrip("/") or "/", plain) for known in PATHS):
            return True
        if any(known.endswith("/") and plain.startswith(known) for known in PATHS - {"/"}):
            return True
        heartbeat = re.fullmatch(r"/var/lib/managed-server/heartbeat/([\w*-]+)", plain)
        if heartbeat:
            return bool(fnmatch.filter(self.heartbeats, heartbeat[1]))
        parts = (r"[^/\s]*" if part == "*" else re.escape(part) for part in re.split(r"(\*)", plain))
        return self.says(rf"(?<![\w.-]){''.join(parts)}(?![\w-])")


@cache
def facts_of(page: Page) -> Facts:
    """Of the entries whose checks name a page, of all tools, and of a hub where the page goes there."""
    known = project()
    names = {
        name
        for name, entry in known.entries.items()
        if any(check.runbook == page.name for check in section(entry.general, "checks"))
    }
    # A tool for databases is where one is.
    engines = {known.tools[name].general.when.with_dump for name in names & set(known.tools)} - {None}
    names |= {
        name
        for name, entry in known.software.items()
        if engines & {dump.engine for dump in section(entry.general, "dumps")}
    }
    alarms = any(alarm.runbook == page.name for alarm in known.alarms.alarms.values())
    # A check of a tool, or an alarm, is of every server, whatever software it has.
    others = set(known.software) - names if alarms or names & set(known.tools) else set()
    hubs = {name for name, entry in known.software.items() if entry.general.hub_only}
    if any(line.place == "hub" for line in page.lines) or names & hubs:
        names, others = names | hubs, others - hubs
    return Facts(sorted(names | set(known.tools)), sorted(others))
