"""Gathers what every entry of one server contributes, section by section, naming none of them."""

import shlex
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from managed_server import spec
from managed_server.firewall_rules import rules
from managed_server.model.catalogue import Absent, CheckIntent, Entry, Software, Tool, When
from managed_server.model.contract import Priority
from managed_server.model.customer import Server
from managed_server.model.tables import InstanceFacts
from managed_server.project import Project

T = TypeVar("T")


@dataclass(frozen=True)
class Chosen:
    """An entry on one server, with the values that its placeholders stand for."""

    id: str
    entry: Entry
    facts: dict[str, Any]


def holds(when: When, server: Server, machine: InstanceFacts, software: Iterable[str]) -> bool:
    """Tell whether a condition holds on a server."""
    checks = (
        when.memory_mb_min is None or machine.memory_mb >= when.memory_mb_min,
        when.memory_mb_max is None or machine.memory_mb <= when.memory_mb_max,
        when.hosting is None or when.hosting == server.hosting,
        when.burstable is None or when.burstable == machine.burstable,
        when.with_software is None or when.with_software in software,
        when.without_software is None or when.without_software not in software,
    )
    return all(checks)


class Gatherer:
    """Collects the sections of a server's entries."""

    def __init__(
        self,
        project: Project,
        server: Server,
        machine: InstanceFacts,
        chosen: tuple[Chosen, ...],
        objectives: dict[Priority, int | None],
    ) -> None:
        self.project, self.server, self.machine, self.chosen = project, server, machine, chosen
        self.objectives = objectives

    def holds(self, item: Any) -> bool:
        """Tell whether an item's own condition, if it has one, holds here."""
        when = getattr(item, "when", None)
        return when is None or holds(when, self.server, self.machine, self.server.software)

    def section(self, name: str) -> Iterator[tuple[str, Any]]:
        """Yield (entry id, item) for a section whose value is a list."""
        for chosen in self.chosen:
            section = getattr(chosen.entry, name)
            if not isinstance(section, Absent):
                yield from ((chosen.id, item) for item in section if self.holds(item))

    def parts(self, name: str, part: str) -> tuple[str, ...]:
        """Return the union of a list inside a section, such as integrity.watch, sorted."""
        found: set[str] = set()
        for chosen in self.chosen:
            section = getattr(chosen.entry, name)
            if not isinstance(section, Absent):
                found.update(getattr(section, part))
        return tuple(sorted(found))

    def packages(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return (packages that Debian or a named source has, packages that nothing here can install)."""
        installable: set[str] = set()
        other: set[str] = set()
        for chosen in self.chosen:
            section = chosen.entry.packages
            if not isinstance(section, Absent):
                (installable if chosen.entry.installable is True else other).update(section)
        for _, plugin in self.section("munin"):
            installable.update(plugin.packages)
        for _, intent in self.section("checks"):
            installable.update(self.project.checks.kinds[intent.check].packages)
        installable.update(self.server.unsupported_packages)
        return tuple(sorted(installable)), tuple(sorted(other - installable))

    def checks(self) -> tuple[spec.Check, ...]:
        """Turn every check's intent into its command and periods."""
        return tuple(
            sorted(
                (self._check(origin, intent) for origin, intent in self.section("checks")),
                key=lambda c: c.name,
            )
        )

    def _check(self, origin: str, intent: CheckIntent) -> spec.Check:
        kind = self.project.checks.kinds[intent.check]
        timing = self.project.checks.timing[intent.objective.value]  # type: ignore[index]
        values = {name: intent.args.get(name, arg.default) for name, arg in kind.args.items()}
        quoted = {name: shlex.quote(str(value)) for name, value in values.items()}
        name = f"{origin}-{intent.name}"
        chosen = next(chosen for chosen in self.chosen if chosen.id == origin)
        return spec.Check(
            origin=origin,
            name=name,
            nrpe_command="check_" + name.replace("-", "_"),
            command=_Command(kind.command).substitute(quoted),
            description=f"{chosen.entry.title}: {intent.description}",
            priority=intent.objective,
            objective_minutes=self.objectives[intent.objective],
            runbook=intent.runbook,
            interval_s=timing.interval_s,
            retry_s=timing.retry_s,
            attempts=timing.attempts,
            renotify_s=timing.renotify_s,
            timeout_s=kind.timeout_s,
            counts=kind.counts,
            in_sla=True,
        )

    def files(self, collections: dict[str, tuple[Any, ...]]) -> tuple[spec.File, ...]:
        """Return every file to be rendered, ``for_each`` unrolled, by path."""
        found = (
            spec.File(
                origin=origin,
                path=expand(file.path, item),
                template=f"{origin}/{file.template or f'server{file.path}.j2'}",
                owner=file.owner,
                group=file.group,
                mode=file.mode,
                notify=file.notify,
                validate_with=file.validate_with,
                item=item,
            )
            for origin, file in self.section("files")
            for item in (collections[file.for_each] if file.for_each else (None,))
        )
        return tuple(sorted(found, key=lambda file: file.path))

    def expanded(
        self, name: str, collections: dict[str, tuple[Any, ...]], fields: tuple[str, ...]
    ) -> list[Any]:
        """Return a section's items with ``for_each`` unrolled in the named fields, by path."""
        found = (
            item.model_copy(update={part: expand(getattr(item, part), element) for part in fields})
            for _, item in self.section(name)
            for element in (collections[item.for_each] if item.for_each else (None,))
        )
        return sorted(found, key=lambda item: item.path)

    def alarms(self) -> tuple[spec.Alarm, ...]:
        """Return the alarms that apply to the server."""
        return tuple(
            spec.Alarm(
                id=alarm_id,
                **{name: getattr(alarm, name) for name in spec.Alarm.__dataclass_fields__ if name != "id"},
            )
            for alarm_id, alarm in sorted(self.project.alarms.alarms.items())
            if self.holds(alarm)
        )

    def rules(self, admin: tuple[str, ...], hub: spec.Hub) -> tuple[spec.Rule, ...]:
        """Return the firewall's rules."""
        return rules(self.section("listens"), self.section("connects"), admin, hub)

    def entries(self) -> tuple[spec.EntrySpec, ...]:
        """Return the entries themselves, software first, each by id."""
        return tuple(
            spec.EntrySpec(
                id=chosen.id,
                title=chosen.entry.title,
                supported=isinstance(chosen.entry, Software),
                installable=chosen.entry.installable is True,
                facts=chosen.facts,
                fulfils=chosen.entry.fulfils if isinstance(chosen.entry, Tool) else (),
            )
            for chosen in self.chosen
        )


class _Command(string.Template):
    idpattern = r"(?!)"
    braceidpattern = r"[a-z][a-z0-9_]*"


def expand(text: str, item: Any) -> str:
    """Replace ``{item}`` and ``{item.field}`` by the element of a ``for_each``."""
    if item is None:
        return text
    if isinstance(item, str):
        return text.replace("{item}", item)
    text = text.replace("{item}", item.name)
    for name in (
        type(item).__dataclass_fields__ if hasattr(item, "__dataclass_fields__") else type(item).model_fields
    ):
        text = text.replace(f"{{item.{name}}}", str(getattr(item, name)))
    return text
