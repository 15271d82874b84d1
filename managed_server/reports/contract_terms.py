"""``docs/terms.md``: each sentence of the terms, where it is fulfilled, and which test shows it.

Made by ``managed contract --terms``; a test keeps it current.
"""

from pathlib import Path
from typing import Any

from managed_server.inputs import load_project
from managed_server.model.fulfilment import Clause, LineFulfilment
from managed_server.project import Project
from managed_server.reports.contract import deliver, rendered
from managed_server.reports.contract_clauses import people, supported_by
from managed_server.reports.contract_items import items

FILE = "docs/terms.md"


def print_terms(root: Path, out: Path | None) -> None:
    """Print the table, or write it to a file.

    Raises:
        InputError: if an input file is wrong, or the file can't be written.
    """
    deliver(terms_text(load_project(root)), out)


def terms_text(project: Project) -> str:
    """Return the table as Markdown."""
    return rendered(project.root, "report/terms.md.j2", sections=terms_data(project))


def terms_data(project: Project) -> dict[str, list[dict[str, Any]]]:
    """Return everything that the contract says, by section, with what fulfils it and what shows that."""
    by_id = {name: clause for clause in project.fulfilment.clauses for name in clause.ids}
    software = supported_by(project)
    enhanced = {line.id for line in project.contract.lines if line.enhanced}
    sections: dict[str, list[dict[str, Any]]] = {}
    for said in items(project.contract):
        row: dict[str, Any] = {
            "id": said.id,
            "text": said.text,
            "source": said.source,
            "enhanced": said.id in enhanced,
            "deviation": None,
        }
        if said.id in project.fulfilment.lines:
            row |= _line(project, project.fulfilment.lines[said.id])
            row["deviation"] = project.contract.line(said.id).deviation
        elif said.id in by_id:
            row |= _work(project, by_id[said.id])
        else:
            files = software[said.id]
            missing = [] if files else ["an entry of the catalogue"]
            row |= {"how": None, "files": files, "people": [], "not_built": missing, "aws": []}
            row["tests"] = list(project.fulfilment.software.get(said.id, ()))
        sections.setdefault(said.section, []).append(row)
    return sections


def _line(project: Project, line: LineFulfilment) -> dict[str, Any]:
    entries = dict.fromkeys(project.entries[part.entry].document.file for part in line.parts)
    if line.each_software:
        entries["catalogue/software"] = None
    return {**_work(project, line), "files": [*line.where, *entries], "aws": list(line.aws)}


def _work(project: Project, work: LineFulfilment | Clause) -> dict[str, Any]:
    return {
        "how": work.how,
        "files": list(work.where),
        "people": people(project, work.people),
        "not_built": list(work.not_built),
        "tests": list(work.tests),
        "aws": [],
    }
