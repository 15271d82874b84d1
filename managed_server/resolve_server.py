"""Gathers what every entry of one server contributes, section by section, naming none of them."""

import re
import shlex
import string
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

from managed_server import spec
from managed_server.firewall_rules import rules
from managed_server.model.catalogue import Entry, Software, Tool
from managed_server.model.catalogue_items import Absent, CheckIntent, Listen
from managed_server.model.conditions import Circumstances
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


@dataclass(frozen=True)
class Place:
    """A server, and what of its surroundings conditions may ask for."""

    server: Server
    machine: InstanceFacts
    reaches: tuple[str, ...]
    """Other servers of the customer whose peer it is, and those that pass requests on to it."""
    forwarders: tuple[str, ...] = ()
    """Networks from which requests are passed on to it."""

    def circumstances(self, dumps: Collection[str], facts: Mapping[str, Any] | None = None) -> Circumstances:
        """Return what conditions may ask: ``dumps`` are engines of its databases, ``facts`` an entry's."""
        return Circumstances(
            memory_mb=self.machine.memory_mb,
            hosting=self.server.hosting,
            burstable=self.machine.burstable,
            data_volume=self.server.data_gb is not None,
            software=self.server.software,
            dumps=dumps,
            peers=self.server.peers,
            reaches=self.reaches,
            facts=facts or {},
        )


def dump_engines(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the engines of the databases that entries dump."""
    return frozenset(
        dump.engine for entry in entries if not isinstance(entry.dumps, Absent) for dump in entry.dumps
    )


class Gatherer:
    """Collects the sections of a server's entries."""

    def __init__(
        self,
        project: Project,
        place: Place,
        chosen: tuple[Chosen, ...],
        objectives: dict[Priority, int | None],
    ) -> None:
        self.project, self.place, self.chosen = project, place, chosen
        self.server, self.machine = place.server, place.machine
        self.objectives = objectives
        self.dump_engines = dump_engines(item.entry for item in chosen)
        self._by_id = {item.id: item for item in chosen}
        self._here: dict[str | None, Circumstances] = {}

    def holds(self, item: Any, entry_id: str | None = None) -> bool:
        """Tell whether an item's own condition, if it has one, holds here; ``entry_id``: whose it is."""
        when = getattr(item, "when", None)
        if when is None:
            return True
        if entry_id not in self._here:
            facts = self._by_id[entry_id].facts if entry_id else None
            self._here[entry_id] = self.place.circumstances(self.dump_engines, facts)
        return bool(when.holds(self._here[entry_id]))

    def section(self, name: str) -> Iterator[tuple[str, Any]]:
        """Yield (entry id, item) for a section whose value is a list."""
        for chosen in self.chosen:
            section = getattr(chosen.entry, name)
            if not isinstance(section, Absent):
                yield from ((chosen.id, item) for item in section if self.holds(item, chosen.id))

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

    @cached_property
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
        chosen = self._by_id[origin]
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
            in_sla=_outside(chosen.entry) is None,
        )

    def files(self, collections: dict[str, tuple[Any, ...]]) -> tuple[spec.File, ...]:
        """Return every file to be rendered, ``for_each`` unrolled, by path."""
        found = (
            spec.File(
                origin=origin,
                path=expand(file.path, item),
                template=f"{origin}/{file.template or f'server{file.path}.j2'}",
                copy_of=file.copy_of,
                owner=file.owner,
                group=file.group,
                mode=file.mode,
                notify=file.notify,
                validate_with=file.validate_with,
                once=file.once,
                item=item,
            )
            for origin, file in self.section("files")
            for item in (collections[file.for_each] if file.for_each else (None,))
        )
        return tuple(sorted(found, key=lambda file: file.path))

    def unrolled(self, name: str, collections: dict[str, tuple[Any, ...]]) -> Iterator[tuple[str, Any, Any]]:
        """Yield (entry id, item, element) for each element of an item's ``for_each``; None without one."""
        for origin, item in self.section(name):
            for element in collections[item.for_each] if item.for_each else (None,):
                yield origin, item, element

    def directories(self, collections: dict[str, tuple[Any, ...]]) -> tuple[spec.Directory, ...]:
        """Return the directories, by path."""
        found = (
            spec.Directory(origin, expand(d.path, each), d.owner, d.group, d.mode, d.once)
            for origin, d, each in self.unrolled("directories", collections)
        )
        return tuple(sorted(found, key=lambda directory: directory.path))

    def links(self, collections: dict[str, tuple[Any, ...]]) -> tuple[spec.Link, ...]:
        """Return the symbolic links, by path."""
        found = (
            spec.Link(origin, expand(link.path, each), expand(link.target, each), link.notify)
            for origin, link, each in self.unrolled("links", collections)
        )
        return tuple(sorted(found, key=lambda link: link.path))

    def removed(self) -> tuple[spec.Removed, ...]:
        """Return the paths that must not be there, by path."""
        found = (spec.Removed(origin, gone.path, gone.notify) for origin, gone in self.section("removed"))
        return tuple(sorted(found, key=lambda gone: gone.path))

    def units(self) -> tuple[spec.Unit, ...]:
        """Return the units, by name."""
        found = (spec.Unit(origin, u.name, u.state, u.reload) for origin, u in self.section("units"))
        return tuple(sorted(found, key=lambda unit: unit.name))

    def timers(self) -> tuple[spec.Timer, ...]:
        """Return the jobs, by name."""
        found = (
            spec.Timer(origin=origin, **timer.model_dump(exclude={"when", "uses_data"}))
            for origin, timer in self.section("timers")
        )
        return tuple(sorted(found, key=lambda timer: timer.name))

    def setup(self) -> tuple[spec.Setup, ...]:
        """Return the steps in the order of entries, each entry's own in the order of its file."""
        return tuple(
            spec.Setup(
                origin,
                f"{origin}-{step.name}",
                step.command,
                step.unless,
                before_packages=step.before_packages,
                before_units=step.before_units,
            )
            for origin, step in self.section("setup")
        )

    def secrets(self, stack: str, name: str) -> tuple[spec.Secret, ...]:
        """Return the secrets of a stack's server, by their files."""
        found = (
            spec.Secret(
                origin=origin,
                parameter=f"/managed-server/{stack}/{name}/{origin}/{secret.name}",
                **secret.model_dump(exclude={"when", "description"}),
            )
            for origin, secret in self.section("secrets")
        )
        return tuple(sorted(found, key=lambda secret: secret.path))

    def apt_sources(self) -> tuple[spec.AptSource, ...]:
        """Return the vendors' archives; an entry's second one has a number in its name."""
        found: list[spec.AptSource] = []
        for chosen in self.chosen:
            if isinstance(chosen.entry.apt, Absent) or chosen.entry.installable is not True:
                continue
            for index, source in enumerate(chosen.entry.apt):
                name = chosen.id if index == 0 else f"{chosen.id}-{index + 1}"
                found.append(spec.AptSource(name=name, **source.model_dump()))
        return tuple(sorted(found, key=lambda source: source.name))

    def dumps(self) -> tuple[spec.Dump, ...]:
        """Return the databases to dump, by entry."""
        return tuple(spec.Dump(origin, dump.engine, dump.directory) for origin, dump in self.section("dumps"))

    def users(self, users: tuple[spec.User, ...]) -> tuple[spec.User, ...]:
        """Return the accounts with the groups that this server's entries put them into."""
        groups = [group for _, group in self.section("groups")]
        return tuple(
            replace(
                user,
                groups=tuple(sorted({g.name for g in groups if g.members == "users" or user.admin})),
            )
            for user in users
        )

    def groups(self) -> tuple[str, ...]:
        """Return the groups of accounts."""
        return tuple(sorted({group.name for _, group in self.section("groups")}))

    def rules(self, admin: tuple[str, ...], hub: spec.Hub) -> tuple[spec.Rule, ...]:
        """Return the firewall's rules."""
        peers = tuple(sorted(self.server.peers))
        return rules(self.section("listens"), self.section("connects"), admin, hub, peers)

    def _where(self, item: Listen) -> tuple[str, str]:
        """Return what a socket is bound to, and who may reach it."""
        if item.reach == "peers":
            return ("any", "peers") if self.server.peers else ("loopback", "local")
        return item.bind, item.reach

    def listens(self) -> tuple[spec.Listen, ...]:
        """Return the sockets, by port; those for peers are on loopback where the server has none."""
        found = (
            spec.Listen(
                origin,
                item.port,
                item.protocol,
                *self._where(item),
                item.purpose,
                item.address,
                item.each_address,
            )
            for origin, item in self.section("listens")
        )
        return tuple(sorted(found, key=lambda listen: (listen.port, listen.protocol, listen.origin)))

    def entries(self) -> tuple[spec.EntrySpec, ...]:
        """Return the entries themselves, software first, each by id."""
        return tuple(
            spec.EntrySpec(
                id=chosen.id,
                title=chosen.entry.title,
                software=isinstance(chosen.entry, Software),
                outside=_outside(chosen.entry),
                installable=chosen.entry.installable is True,
                facts=chosen.facts,
                packages=() if isinstance(chosen.entry.packages, Absent) else chosen.entry.packages,
                fulfils=chosen.entry.fulfils if isinstance(chosen.entry, Tool) else (),
            )
            for chosen in self.chosen
        )

    def memory(self) -> tuple[spec.Memory, ...]:
        """Return what takes much memory, the most first."""
        found = (
            spec.Memory(origin, item.purpose, item.taken_mb(self.place.machine.memory_mb))
            for origin, item in self.section("memory")
        )
        return tuple(sorted(found, key=lambda each: (-each.mb, each.origin, each.purpose)))


def _outside(entry: Entry) -> str | None:
    """Say why software is outside the agreement; None for what is on its list, and for tools."""
    if isinstance(entry, Software) and not isinstance(entry.supported, str):
        return entry.supported.no
    return None


class _Command(string.Template):
    idpattern = r"(?!)"
    braceidpattern = r"[a-z][a-z0-9_]*"


_ITEM = re.compile(r"\{item(?:\.(\w+))?\}")


def expand(text: str, item: Any) -> str:
    """Replace ``{item}`` and ``{item.field}`` by the element of a ``for_each``."""
    if item is None or "{item" not in text:
        return text
    if isinstance(item, str):
        return text.replace("{item}", item)
    fields = getattr(type(item), "__dataclass_fields__", None) or type(item).model_fields

    def value(found: re.Match[str]) -> str:
        name = found[1] or "name"
        return str(getattr(item, name)) if name in fields else found[0]

    return _ITEM.sub(value, text)
