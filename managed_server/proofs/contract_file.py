"""What must hold between the contract, what is said to fulfil it, and the catalogue."""

from collections.abc import Iterator

from managed_server.loading import Document, nearest
from managed_server.model.fulfilment import Work  # noqa: TC001 - as everywhere else
from managed_server.problems import Path, Problem
from managed_server.project import Project
from managed_server.proofs.retention import kept


def contradictions(project: Project) -> Iterator[Problem]:
    """Yield every hole and every contradiction: silence about a line is one of them."""
    document = project.documents["fulfilment"]
    yield from _lines(project, document)
    yield from _clauses(project, document)
    yield from _software(project, document)
    yield from _supported(project)
    yield from _parts(project, document)
    yield from _tools(project, document)
    yield from _duties(project, document)
    yield from _limits(project)


def _lines(project: Project, document: Document) -> Iterator[Problem]:
    known = {line.id: line for line in project.contract.lines}
    for line_id in known:
        if line_id not in project.fulfilment.lines:
            yield document.problem(
                ("lines",),
                f"nothing is said of the line {line_id!r}: say what fulfils it, or what isn't built",
            )
    for line_id in project.fulfilment.lines:
        if line_id not in known:
            yield document.problem(
                ("lines", line_id), f"{line_id!r} is no line of the contract{nearest(line_id, known)}"
            )


def _clauses(project: Project, document: Document) -> Iterator[Problem]:
    lines = {line.id for line in project.contract.lines}
    software = {item.id for item in project.contract.supported_software}  # the catalogue answers for these
    wanted = [name for name in project.contract.ids if name not in lines | software]
    first: dict[str, int] = {}
    for index, clause in enumerate(project.fulfilment.clauses):
        for place, name in enumerate(clause.ids):
            path: Path = ("clauses", index, "ids", place)
            if name not in wanted:
                yield document.problem(path, f"{name!r} is no such id of the contract{nearest(name, wanted)}")
            elif name in first:
                yield document.problem(path, f"{name!r} is listed twice")
            first.setdefault(name, index)
    for name in wanted:
        if name not in first:
            yield document.problem(
                ("clauses",), f"nothing is said of {name!r}: say who does it, or where it is done"
            )


def _software(project: Project, document: Document) -> Iterator[Problem]:
    known = {item.id for item in project.contract.supported_software}
    for name in project.fulfilment.software:
        if name not in known:
            yield document.problem(
                ("software", name), f"{name!r} is not on the contract's list{nearest(name, known)}"
            )
    for name in sorted(known - {name for name, tests in project.fulfilment.software.items() if tests}):
        yield document.problem(("software",), f"no test is named for {name!r}: say which shows it")


def _supported(project: Project) -> Iterator[Problem]:
    """Yield what the contract's list supports, and nothing of the catalogue is for."""
    document = project.documents["contract"]
    for index, item in enumerate(project.contract.supported_software):
        if not project.files_for(item.id):
            yield document.problem(
                ("supported_software", index),
                f"nothing of the catalogue is for {item.id!r}: put back the software whose `supported` it is",
            )


def _parts(project: Project, document: Document) -> Iterator[Problem]:
    for line_id, line in project.fulfilment.lines.items():
        for index, part in enumerate(line.parts):
            if part.entry not in project.entries:
                path: Path = ("lines", line_id, "parts", index, "entry")
                yield document.problem(
                    path,
                    f"{part.entry!r} is not in the catalogue, and the line needs it"
                    f"{nearest(part.entry, project.entries)}",
                )
        for component in line.aws:
            known = project.aws_resources.components
            if component not in known:
                yield document.problem(
                    ("lines", line_id, "aws", component),
                    f"{component!r} isn't in contract/aws-resources.yaml{nearest(component, known)}",
                )


def _tools(project: Project, document: Document) -> Iterator[Problem]:
    """Yield where a tool and the line that it serves don't name each other."""
    for tool, entry in project.tools.items():
        named = {
            line_id
            for line_id, line in project.fulfilment.lines.items()
            if any(part.entry == tool for part in line.parts)
        }
        for index, line_id in enumerate(entry.general.fulfils):
            if line_id not in named:
                yield entry.document.problem(
                    ("fulfils", index),
                    f"{document.file} doesn't name {tool!r} for the line {line_id!r}: add a part that says "
                    "what it must bring, so that nobody removes it unnoticed",
                )
        yield from (
            entry.document.problem(("fulfils",), f"the line {line_id!r} counts on {tool!r}: add it here")
            for line_id in sorted(named - set(entry.general.fulfils))
        )
        on_aws = {line.id for line in project.contract.lines if line.aws_only}
        if named and named <= on_aws and entry.general.when.hosting != "aws":
            yield entry.document.problem(
                ("when",), "only lines for servers on AWS count on it; write when: {hosting: aws}"
            )


def _duties(project: Project, document: Document) -> Iterator[Problem]:
    known, used = project.fulfilment.duties, set()
    places: list[tuple[Path, Work]] = [
        *((("lines", line_id), line) for line_id, line in project.fulfilment.lines.items()),
        *((("clauses", index), clause) for index, clause in enumerate(project.fulfilment.clauses)),
    ]
    for path, work in places:
        for index, duty in enumerate(work.people):
            used.add(duty)
            if duty not in known:
                yield document.problem(
                    (*path, "people", index), f"{duty!r} is no duty of this file{nearest(duty, known)}"
                )
    for duty in sorted(set(known) - used):
        yield document.problem(("duties", duty), "no line and no clause names it")


def _limits(project: Project) -> Iterator[Problem]:
    document = project.documents["limits"]
    minutes = project.limits.schedule.window.minutes
    entry = project.entries.get(minutes.entry)
    setting = entry.general.settings.get(minutes.setting) if entry else None
    if setting is None or setting.type != "int":
        yield document.problem(
            ("schedule", "window", "minutes"),
            f"{minutes.entry!r} has no setting {minutes.setting!r} that is a number",
        )
    lock = project.limits.retention.offsite.lock_days
    for name, keep in kept(project).items():
        if keep.daily < lock:
            yield project.entries[name].document.problem(
                ("backup", "keep", "daily"),
                f"a lock of {lock} days is longer than the retention of {keep.daily}: what is let go of "
                f"can't be removed; write {lock} or more",
            )
    if project.limits.retention.dumps.entry not in project.tools:
        yield document.problem(
            ("retention", "dumps", "entry"), f"{project.limits.retention.dumps.entry!r} is no tool"
        )
