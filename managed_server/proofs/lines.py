"""Each line of the contract on each server: what fulfils it, who does the rest, and what is missing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from managed_server import spec
from managed_server.model.catalogue_items import Absent
from managed_server.model.conditions import Circumstances
from managed_server.model.contract import Line
from managed_server.model.fulfilment import LineFulfilment, Part
from managed_server.problems import Path, Problem
from managed_server.project import Project
from managed_server.proofs import aws
from managed_server.proofs.things import ANY, Thing, things_on


class Answer(StrEnum):
    """What is said of a line on a server."""

    MISSING = "missing"
    NOT_BUILT = "not built yet"
    FULFILLED = "fulfilled"
    PEOPLE = "done by people"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Cell:
    """A line on one server, or, where it holds for the customer as a whole, on none."""

    line: Line
    server: str | None
    things: tuple[Thing, ...] = ()
    missing: tuple[tuple[Path, Thing], ...] = ()
    """Each with its place in contract/fulfilment.yaml."""
    reasons: tuple[str, ...] = ()
    """Why it doesn't apply, or why a software needs nothing here."""
    people: tuple[str, ...] = ()
    """Ids of duties."""
    not_built: tuple[str, ...] = ()
    applies: bool = True

    @property
    def answer(self) -> Answer:
        """The worst of what is said."""
        if not self.applies:
            return Answer.NOT_APPLICABLE
        if self.missing:
            return Answer.MISSING
        if self.not_built:
            return Answer.NOT_BUILT
        return Answer.FULFILLED if self.things else Answer.PEOPLE


def circumstances(server: spec.ServerSpec, entry_id: str | None = None) -> Circumstances:
    """Return what conditions may ask of a resolved server, or of an entry on it."""
    return Circumstances(
        memory_mb=server.memory_mb,
        hosting=server.hosting,
        burstable=server.burstable,
        data_volume=server.data is not None,
        software=server.software,
        dumps={dump.engine for dump in server.dumps},
        peers=server.peers,
        reaches=server.reaches,
        facts=server.entry(entry_id).facts if entry_id else {},
    )


class Matrix:
    """The lines of one customer."""

    def __init__(self, project: Project, customer: spec.CustomerSpec) -> None:
        self.project, self.customer = project, customer
        self.resources: dict[str, list[aws.Resource]] = {}
        for resource in aws.resources(project.aws_resources, customer):
            self.resources.setdefault(resource.component, []).append(resource)
        self.applying = {
            component: aws.applies(project.aws_resources, component, customer)
            for component in project.aws_resources.components
        }
        self.here = {server.name: things_on(server) for server in customer.servers}
        self.circumstances = {server.name: circumstances(server) for server in customer.servers}

    def cells(self) -> Iterator[Cell]:
        """Yield every line, in the order of the terms, on every server."""
        for line in self.project.contract.lines:
            fulfilment = self.project.fulfilment.lines[line.id]
            if line.scope == "server":
                for server in self.customer.servers:
                    yield self._on(line, fulfilment, server)
            else:
                found = [self._on(line, fulfilment, server) for server in self.customer.servers]
                yield _together(line, found, fulfilment)

    def _on(self, line: Line, fulfilment: LineFulfilment, server: spec.ServerSpec) -> Cell:
        if reason := _not_applicable(line, fulfilment, self.circumstances[server.name]):
            return Cell(line, server.name, reasons=(reason,), applies=False)
        found = _Found(not_built=list(fulfilment.not_built))
        at: Path = ("lines", line.id)
        for index, part in enumerate(fulfilment.parts):
            if part.when.holds(self.circumstances[server.name]):
                self._part(part, (*at, "parts", index), server, found)
        for index, section in enumerate(fulfilment.each_software):
            self._each_software(section, (*at, "each_software", index), server, found)
        self._aws(fulfilment, at, server, found)
        return Cell(
            line,
            server.name,
            tuple(found.things),
            tuple(found.missing),
            tuple(found.reasons),
            fulfilment.people,
            tuple(found.not_built),
        )

    def _part(self, part: Part, at: Path, server: spec.ServerSpec, found: "_Found") -> None:
        for objects, always in ((part, True), (part.conditional, False)):
            for kind, index, name in objects.named:
                thing = Thing(kind, name, part.entry)
                if thing in self.here[server.name]:
                    found.things.append(thing)
                elif always:
                    found.missing.append(((*at, kind, index), thing))
                elif self._wanted(thing, server):
                    found.missing.append(((*at, "conditional", kind, index), thing))
        entry = self.project.entries[part.entry].general
        if entry.installable is not True and not isinstance(entry.packages, Absent):
            found.not_built.append(
                f"installing {', '.join(entry.packages)}: {entry.installable.no}; what is configured here "
                "comes into force once a person has installed it"
            )

    def _wanted(self, thing: Thing, server: spec.ServerSpec) -> bool:
        """Tell whether the catalogue brings an object here; one that it has no more is wanted."""
        section = getattr(self.project.entries[thing.origin].general, thing.kind)
        key = "path" if thing.kind == "files" else "name"
        items = [] if isinstance(section, Absent) else [i for i in section if getattr(i, key) == thing.name]
        running = [item for item in items if getattr(item, "state", "running") == "running"]
        return not running or any(item.when.holds(circumstances(server, thing.origin)) for item in running)

    def _each_software(self, section: str, at: Path, server: spec.ServerSpec, found: "_Found") -> None:
        for name in server.software:
            items = getattr(self.project.software[name].resolved(server.debian, {}), section)
            if isinstance(items, Absent):
                found.reasons.append(f"{name}: {items.none}")
                continue
            if section == "checks":
                own = [
                    thing for thing in self.here[server.name] if (thing.kind, thing.origin) == (section, name)
                ]
            else:
                drawn = {plugin.name for plugin in server.munin}
                own = [Thing(section, plugin.name, name) for plugin in items if plugin.name in drawn]
            found.things += sorted(own, key=lambda thing: thing.name)
            if not own:
                found.missing.append((at, Thing(section, ANY, name)))

    def _aws(self, fulfilment: LineFulfilment, at: Path, server: spec.ServerSpec, found: "_Found") -> None:
        for component, kinds in fulfilment.aws.items():
            here = [r for r in self.resources.get(component, ()) if r.server in (None, server.name)]
            found.things += [
                Thing(resource.type, resource.name, component)
                for resource in here
                if resource.type in kinds or not kinds
            ]
            if not _concerns(self.project, component, server):
                continue
            if not self.applying.get(component, True):
                found.reasons.append(f"{component}: the account has its own")
                continue
            there = {resource.type for resource in here}
            for index, kind in enumerate(kinds):
                if kind not in there:
                    found.missing.append(((*at, "aws", component, index), Thing(kind, ANY, component)))
            if not there:
                found.missing.append(((*at, "aws", component), Thing("resource", ANY, component)))


@dataclass
class _Found:
    """What has been found of one line so far."""

    things: list[Thing] = field(default_factory=list)
    missing: list[tuple[Path, Thing]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    not_built: list[str] = field(default_factory=list)


def _concerns(project: Project, component: str, server: spec.ServerSpec) -> bool:
    """Tell whether a component is there for a server, by its hosting."""
    registered = set(project.aws_resources.components.get(component, {}))
    if registered & {"customer", "server"}:
        return True
    return ("elsewhere-server" in registered) == (server.hosting != "aws")


def _together(line: Line, cells: list[Cell], fulfilment: LineFulfilment) -> Cell:
    """Return one cell for the whole customer."""

    def joined(part: str) -> tuple[object, ...]:
        return tuple(dict.fromkeys(item for cell in cells for item in getattr(cell, part)))

    return Cell(
        line,
        None,
        things=joined("things"),  # type: ignore[arg-type]
        missing=joined("missing"),  # type: ignore[arg-type]
        reasons=joined("reasons"),  # type: ignore[arg-type]
        people=fulfilment.people,
        not_built=joined("not_built"),  # type: ignore[arg-type]
        applies=any(cell.applies for cell in cells),
    )


def unfulfilled(project: Project, customer: spec.CustomerSpec) -> Iterator[Problem]:
    """Yield every object that the contract needs and a customer's servers lack."""
    document = project.documents["fulfilment"]
    for cell in Matrix(project, customer).cells():
        for path, thing in cell.missing:
            where = f"server {cell.server} of {customer.id}" if cell.server else customer.id
            yield document.problem(
                path,
                f"no {thing} on {where}: the line isn't fulfilled; put it back, or say here what takes its "
                "place",
            )


def uncounted(project: Project, tools: Iterable[str], here: Circumstances, server: str) -> Iterator[Problem]:
    """Yield each of a server's tools on which no line counts there: its condition isn't the contract's."""
    counted = {
        part.entry
        for line in project.contract.lines
        if _not_applicable(line, project.fulfilment.lines[line.id], here) is None
        for part in project.fulfilment.lines[line.id].parts
        if part.when.holds(here)
    }
    for tool in tools:
        if tool not in counted:
            yield project.tools[tool].document.problem(
                ("when",),
                f"no line of the contract counts on {tool!r} on server {server}: say in `when` which servers "
                "get it, or in contract/fulfilment.yaml what it is for there",
            )


def _not_applicable(line: Line, fulfilment: LineFulfilment, here: Circumstances) -> str | None:
    """Return why a line doesn't apply to a server; None: it does."""
    if line.aws_only and here.hosting != "aws":
        return "the server isn't on AWS"
    return None if fulfilment.applies.holds(here) else str(fulfilment.otherwise)


def duties(project: Project, ids: Iterable[str]) -> tuple[str, ...]:
    """Return duties as text: who, and what."""
    found = [project.fulfilment.duties[name] for name in ids]
    return tuple(f"{duty.who}: {duty.text}" for duty in found)
