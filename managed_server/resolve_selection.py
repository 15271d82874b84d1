"""What a server gets of the catalogue: the software that its stack file names, and the tools for it."""

from managed_server.http_chain import behind_others, chained, undecided
from managed_server.loading import nearest
from managed_server.model.catalogue_items import given
from managed_server.model.customer import Server
from managed_server.problems import InputError, Path, Problem
from managed_server.project import Project
from managed_server.proofs.lines import uncounted
from managed_server.resolve_server import Chosen, Place, dump_engines


class Selection:
    """Chooses the entries of one server, and keeps what is wrong with the choice."""

    def __init__(self, project: Project, stack: str, name: str, server: Server) -> None:
        self._project, self._stack, self._name, self._server = project, stack, name, server
        self.errors: list[tuple[Path, str]] = []
        """Of the stack file: paths within the server."""
        self.problems: list[Problem] = []
        """Of the catalogue."""

    def _error(self, path: Path, message: str) -> None:
        self.errors.append((path, message))

    def entries(self, place: Place | None) -> tuple[Chosen, ...]:
        """Return the server's entries: its software, and the tools whose condition holds."""
        ids: list[str] = []
        for index, software in enumerate(self._server.software):
            path = ("software", index)
            if software not in self._project.software:
                self._error(path, f"unknown software {software!r}{nearest(software, self._project.software)}")
            elif software in ids:
                self._error(path, f"{software!r} is listed twice")
            else:
                ids.append(software)
        for software in ids:
            general = self._project.software[software].general
            index = self._server.software.index(software)
            if general.hub_only and self._stack not in self._project.provider.hubs:
                self._error(
                    ("software", index),
                    f"{software!r} is for a hub, and provider.yaml has no hub {self._stack!r}",
                )
            self._beside(("software", index), software)
        dumps = dump_engines(self._project.software[software].general for software in ids)
        tools = [
            tool
            for tool, entry in self._project.tools.items()
            if place is None or entry.general.when.holds(place.circumstances(dumps))
        ]
        if place is not None:
            whose = f"{self._name} of {self._stack}"
            self.problems += uncounted(self._project, tools, place.circumstances(dumps), whose)
        for entry_id in self._server.settings:
            if entry_id not in ids and entry_id not in tools:
                self._error(
                    ("settings", entry_id),
                    f"the server has no {entry_id!r}{nearest(entry_id, [*ids, *tools])}",
                )
        found = [self._chosen(entry_id) for entry_id in [*sorted(ids), *sorted(tools)]]
        chosen = tuple(item for item in found if item is not None)
        self._served_by(ids, chosen)
        return chained(chosen, self._server.served_by)

    def _served_by(self, ids: list[str], chosen: tuple[Chosen, ...]) -> None:
        """Hold what the stack file says of who answers for the sites against the software."""
        named, known = self._server.served_by, {item.id for item in chosen}
        possible = behind_others(chosen)
        for index, name in enumerate(named):
            path = ("served_by", index)
            if name not in ids:
                self._error(path, f"the server has no {name!r}{nearest(name, ids)}")
            elif name in named[:index]:
                self._error(path, f"{name!r} is listed twice")
            elif name in known and name not in possible:
                self._error(
                    path, f"no other software of the server passes requests on to {name!r}; take it out"
                )
        for front, candidates in undecided(chosen, named):
            names = " and ".join(map(repr, candidates))
            lists = " or ".join(f"[{name}]" for name in candidates)
            self._error(
                ("served_by",) if named else ("software",),
                f"{front!r} has {names} behind it, and can pass requests on to one of them; write which with "
                f"served_by: {lists}",
            )

    def _beside(self, at: Path, software: str) -> None:
        """Hold a software's wishes about what is beside it against the self._server."""
        general = self._project.software[software].general
        for needed in given(general.requires):
            if needed not in self._server.software:
                self._error(at, f"{software!r} requires {needed!r}; add it to the list")
        any_of = given(general.requires_any)
        if any_of and not set(any_of) & set(self._server.software):
            names = " or ".join(map(repr, any_of))
            self._error(at, f"{software!r} requires {names}; add one of them to the list")
        for other in given(general.conflicts):
            if other in self._server.software:
                self._error(at, f"{software!r} can't be beside {other!r}; choose one of them")

    def _chosen(self, entry_id: str) -> Chosen | None:
        entry_file = self._project.entries[entry_id]
        if (
            self._server.debian not in entry_file.general.releases
            and self._server.debian in self._project.debian.releases
        ):
            known = ", ".join(str(release) for release in sorted(entry_file.general.releases))
            self._error(
                ("debian",), f"{entry_id!r} has no facts for Debian {self._server.debian}, only for {known}"
            )
            return None
        values = self._server.settings.get(entry_id, {})
        bad = False
        for name, value in values.items():
            setting = entry_file.general.settings.get(name)
            path = ("settings", entry_id, name)
            if setting is None:
                self._error(path, f"unknown setting{nearest(name, entry_file.general.settings)}")
                bad = True
            elif problem := setting.problem_with(value):
                self._error(path, f"{problem} ({setting.description})")
                bad = True
        if bad:
            return None
        try:
            entry = entry_file.resolved(self._server.debian, values)
        except InputError as error:
            for problem in error.problems:
                self._error(
                    ("settings", entry_id),
                    f"does not fit {problem.file}: {problem.path}: {problem.message}",
                )
            return None
        return Chosen(entry_id, entry, entry_file.facts(self._server.debian, values))
