"""What the contract says besides the lines of 'What is included', and who or what fulfils it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from managed_server import spec
from managed_server.model.fulfilment import Clause
from managed_server.project import Project
from managed_server.proofs.lines import Answer
from managed_server.reports.contract_items import items


def people(project: Project, ids: Iterable[str]) -> list[dict[str, str]]:
    """Return duties as plain data."""
    duties = project.fulfilment.duties
    return [{"duty": name, "who": duties[name].who, "text": duties[name].text} for name in ids]


def clauses_data(project: Project, customer: spec.CustomerSpec) -> list[dict[str, Any]]:
    """Return what the contract says besides its lines, each with who or what fulfils it."""
    by_id = {name: clause for clause in project.fulfilment.clauses for name in clause.ids}
    entries = supported_by(project)
    found = []
    for said in items(project.contract):
        row = {"id": said.id, "section": said.section, "text": said.text, "source": said.source}
        if said.id in by_id:
            found.append({**row, **_clause(project, by_id[said.id])})
        elif said.id in entries:
            found.append({**row, **_software(customer, said.id, entries[said.id])})
    return found


def _clause(project: Project, clause: Clause) -> dict[str, Any]:
    answer = Answer.FULFILLED if clause.where else Answer.PEOPLE
    return {
        "answer": (Answer.NOT_BUILT if clause.not_built else answer).value,
        "how": clause.how,
        "where": list(clause.where),
        "people": people(project, clause.people),
        "not_built": list(clause.not_built),
    }


def supported_by(project: Project) -> dict[str, list[str]]:
    """Return the files of the catalogue behind each software of the contract's list."""
    return {item.id: list(project.files_for(item.id)) for item in project.contract.supported_software}


def _software(customer: spec.CustomerSpec, item: str, files: list[str]) -> dict[str, Any]:
    names = {Path(file).stem for file in files}
    servers = [server.name for server in customer.servers if names & set(server.software)]
    return {
        "answer": (Answer.FULFILLED if files else Answer.NOT_BUILT).value,
        "how": f"on {', '.join(servers)}" if servers else None,
        "where": files,
        "people": [],
        "not_built": [] if files else [f"no entry of the catalogue for {item}"],
    }
