"""What must hold between catalogue, contract, templates and runbooks, whoever the customer is."""

import re
from collections.abc import Iterator
from typing import Any

from managed_server.cloudwatch_checks import check_cloudwatch
from managed_server.http_chain import DERIVED, LAYER, PORT
from managed_server.loading import Document, nearest
from managed_server.model.catalogue import SECTIONS, Software, Tool
from managed_server.model.catalogue_items import Absent, CheckIntent, given
from managed_server.model.contract import Priority
from managed_server.problems import Path, Problem
from managed_server.project import EntryFile, Project

_HUB_ONLY = "add hub_only: true"


def check_catalogue(project: Project, documents: dict[str, Document]) -> Iterator[Problem]:
    """Yield every contradiction between the project's own files."""
    for entry in project.entries.values():
        yield from _references(project, entry)
        yield from _templates(project, entry)
        yield from _conditions(entry)
        if not isinstance(entry.general.checks, Absent):
            for index, intent in enumerate(entry.general.checks):
                yield from _check(project, entry, ("checks", index), intent)
    for alarm_id, alarm in project.alarms.alarms.items():
        of = project.software.get(alarm.when.with_software or "")
        if of is not None and _is_outside(of) and _wakes(project, alarm.priority):
            yield documents["alarms"].problem(
                ("alarms", alarm_id, "priority"),
                f"{alarm.priority.value!r} wakes somebody, and {of.id!r} is outside the service level "
                "agreement; write normal",
            )
    for table, names in (
        ("alarms", {name: alarm.runbook for name, alarm in project.alarms.alarms.items()}),
        ("account_alarms", {name: alarm.runbook for name, alarm in project.account_alarms.alarms.items()}),
    ):
        for name, page in names.items():
            if not _runbook_exists(project, page):
                yield documents[table].problem(
                    ("alarms", name, "runbook"), f"docs/runbooks/{page}.md does not exist; write it"
                )
    runbook = project.cloudwatch.paging.runbook
    if not _runbook_exists(project, runbook):
        yield documents["cloudwatch"].problem(
            ("paging", "runbook"), f"docs/runbooks/{runbook}.md does not exist; write it"
        )
    yield from check_cloudwatch(project, documents)


def _conditions(entry: EntryFile[Any]) -> Iterator[Problem]:
    """Yield the conditions that ask for a setting or release fact which the entry lacks."""
    general = entry.general
    known = {*general.settings, *(name for facts in general.releases.values() for name in facts)}
    if LAYER in known:
        known |= set(DERIVED)
        if PORT not in known:
            yield entry.document.problem(("releases",), f"{LAYER} needs {PORT} beside it, or as a setting")
    for section in SECTIONS:
        items = getattr(general, section)
        for index, item in enumerate(items if isinstance(items, tuple) else ()):
            for name in item.when.facts if hasattr(item, "when") else ():
                if name not in known:
                    yield entry.document.problem(
                        (section, index, "when", "facts", name),
                        f"is neither a setting nor a release fact of this entry{nearest(name, known)}",
                    )
    for name in general.when.facts if isinstance(general, Tool) else ():
        yield entry.document.problem(
            ("when", "facts", name), "a whole tool can't depend on its own settings; say it of its parts"
        )


def _references(project: Project, entry: EntryFile[Any]) -> Iterator[Problem]:
    general = entry.general
    if isinstance(general, Software) and isinstance(general.supported, str):
        known = {software.id for software in project.contract.supported_software}
        if general.supported not in known:
            yield entry.document.problem(
                ("supported",),
                f"{general.supported!r} is not on the contract's list{nearest(general.supported, known)}",
            )
    if isinstance(general, Tool):
        lines = {line.id for line in project.contract.lines}
        for index, line in enumerate(general.fulfils):
            if line not in lines:
                yield entry.document.problem(
                    ("fulfils", index), f"{line!r} is no line of the contract{nearest(line, lines)}"
                )
    if isinstance(general, Software):
        yield from _others(project, entry, general)
    for release in general.releases:
        if release not in project.debian.releases:
            yield entry.document.problem(
                ("releases", release), f"Debian {release} is not in catalogue/debian.yaml"
            )


def _others(project: Project, entry: EntryFile[Any], general: Software) -> Iterator[Problem]:
    """Yield what is wrong with what a software says of software beside it."""
    for field in ("requires", "requires_any", "conflicts"):
        for index, other in enumerate(given(getattr(general, field))):
            if other not in project.software:
                yield entry.document.problem(
                    (field, index),
                    f"{other!r} is not in catalogue/software{nearest(other, project.software)}",
                )
            elif field == "requires" and project.software[other].general.hub_only and not general.hub_only:
                yield entry.document.problem(
                    (field, index), f"{other!r} is for a hub alone, and so is what requires it; {_HUB_ONLY}"
                )
    if any((file.copy_of or "").startswith("hub/") for file in given(general.files)) and not general.hub_only:
        yield entry.document.problem(("files",), f"files of hub/ are of use on a hub alone; {_HUB_ONLY}")


def _templates(project: Project, entry: EntryFile[Any]) -> Iterator[Problem]:
    folder = project.root / "templates" / entry.id
    used = set()
    if not isinstance(entry.general.files, Absent):
        for index, file in enumerate(entry.general.files):
            if file.copy_of:
                source = project.root / file.copy_of
                if source.is_symlink() or not source.is_file():
                    where: Path = ("files", index, "copy_of")
                    yield entry.document.problem(where, f"there is no file {file.copy_of}")
                continue
            name = file.template or f"server{file.path}.j2"
            for release in entry.general.releases:
                facts = entry.resolved(release, {}).files
                if not isinstance(facts, Absent) and index < len(facts):
                    used.add(facts[index].template or f"server{facts[index].path}.j2")
            if not (folder / name).is_file():
                yield entry.document.problem(
                    ("files", index), f"templates/{entry.id}/{name} does not exist; write it"
                )
    for path in sorted(folder.glob("**/*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            message = "is a symbolic link: it could bring a file of this machine into a bundle"
            yield Problem(f"templates/{entry.id}/{name}", 0, "", message)
        elif name.startswith("server/") and name.endswith(".j2") and name not in used:
            yield Problem(f"templates/{entry.id}/{name}", 1, "", f"no file of {entry.document.file} uses it")


def _check(project: Project, entry: EntryFile[Any], path: Path, intent: CheckIntent) -> Iterator[Problem]:
    kind = project.checks.kinds.get(intent.check)
    if kind is None:
        yield entry.document.problem(
            (*path, "check"),
            f"{intent.check!r} is no kind of catalogue/checks.yaml"
            f"{nearest(intent.check, project.checks.kinds)}",
        )
        return
    if _is_outside(entry) and _wakes(project, intent.objective):
        yield entry.document.problem(
            (*path, "objective"),
            f"{intent.objective.value!r} wakes somebody, and the software is outside the service level "
            "agreement; write normal",
        )
    if intent.objective.value not in project.checks.timing:
        yield entry.document.problem(
            (*path, "objective"), f"checks have no {intent.objective.value!r} priority"
        )
    for name, value in intent.args.items():
        arg = kind.args.get(name)
        if arg is None:
            yield entry.document.problem((*path, "args", name), f"unknown argument{nearest(name, kind.args)}")
        elif type(value) is not {"int": int, "str": str}[arg.type]:
            yield entry.document.problem((*path, "args", name), f"must be of type {arg.type}")
        elif arg.pattern is not None and not re.fullmatch(arg.pattern, str(value)):
            yield entry.document.problem((*path, "args", name), f"{value!r} does not match {arg.pattern}")
    for name, arg in kind.args.items():
        if arg.default is None and name not in intent.args:
            yield entry.document.problem(
                path, f"{intent.check!r} needs the argument {name!r}: {arg.description}"
            )
    if not _runbook_exists(project, intent.runbook):
        yield entry.document.problem(
            (*path, "runbook"), f"docs/runbooks/{intent.runbook}.md does not exist; write it"
        )


def _is_outside(entry: EntryFile[Any]) -> bool:
    """Tell whether an entry is under no service level agreement."""
    return isinstance(entry.general, Software) and not isinstance(entry.general.supported, str)


def _wakes(project: Project, priority: Priority) -> bool:
    """Tell whether somebody is woken for a priority."""
    return project.contract.priority(priority).escalation.route == "page"


def _runbook_exists(project: Project, name: str) -> bool:
    return (project.root / "docs" / "runbooks" / f"{name}.md").is_file()
