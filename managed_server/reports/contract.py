"""``managed contract``: what fulfils each line of the contract on each server, or why nothing does."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from managed_server import spec
from managed_server.boundary import outside
from managed_server.inputs import load_project
from managed_server.problems import InputError, Problem
from managed_server.project import Project
from managed_server.proofs.lines import Answer, Cell, Matrix
from managed_server.proofs.things import Thing, how_many
from managed_server.rendering import RenderError, render
from managed_server.reports.contract_clauses import clauses_data, people
from managed_server.reports.contract_proofs import priorities, statements
from managed_server.reports.output import console, styled, table
from managed_server.resolve import resolve_stack

if TYPE_CHECKING:
    from rich.text import Text

FORMS = ("text", "markdown", "html", "json")


def print_contract(root: Path, stack: str, form: str, out: Path | None) -> bool:
    """Print a customer's contract matrix, or write it to a file; tell whether all its lines are fulfilled.

    Raises:
        InputError: if an input file is wrong, or the file can't be written.
    """
    project = load_project(root)
    customer, _ = resolve_stack(project, stack)
    data = contract_data(project, customer)
    deliver(contract_text(root, data, form, file=out is not None), out)
    return bool(data["summary"][Answer.MISSING] == 0)


def deliver(text: str, out: Path | None) -> None:
    """Print a report, or write it to a file.

    Raises:
        InputError: if the file can't be written.
    """
    if out is None:
        print(text, end="")  # noqa: T201
        return
    try:
        out.write_text(text)
    except OSError as error:
        raise InputError([Problem(str(out), 0, "--out", f"can't be written: {error.strerror}")]) from error


def contract_text(root: Path, data: dict[str, Any], form: str, *, file: bool = False) -> str:
    """Return the report in one of `FORMS`; as text with colours, if it is for a terminal and no file."""
    if form == "json":
        return json.dumps(data, indent=1) + "\n"
    if form == "text":
        return _text(data, file=file)
    suffix = {"markdown": "md", "html": "html"}[form]
    return rendered(root, f"report/contract.{suffix}.j2", report=data)


def rendered(root: Path, template: str, **context: Any) -> str:
    """Render a report.

    Raises:
        InputError: if the template is wrong.
    """
    try:
        return render(root / "templates", template, **context).decode()
    except RenderError as error:
        raise InputError([error.problem]) from error


def contract_data(project: Project, customer: spec.CustomerSpec) -> dict[str, Any]:
    """Return the matrix as plain data, the same for the same input."""
    matrix = Matrix(project, customer)
    cells = [_cell(project, cell) for cell in matrix.cells()]
    lines = [
        {
            "id": line.id,
            "text": line.text,
            "enhanced": line.enhanced,
            "deviation": line.deviation,
            "cells": [cell for cell in cells if cell["line"] == line.id],
        }
        for line in project.contract.lines
    ]
    clauses = clauses_data(project, customer)
    answers = Counter(cell["answer"] for cell in cells)
    return {
        "customer": customer.id,
        "name": customer.name,
        "title": project.contract.service.title,
        "from": customer.contract_start.isoformat(),
        "servers": [{"name": server.name, "hosting": server.hosting} for server in customer.servers],
        "summary": {answer.value: answers[answer.value] for answer in Answer},
        "outside_sla": [
            {"server": server.name, **entry.as_json()}
            for server in customer.servers
            for entry in outside(server)
        ],
        "lines": lines,
        "priorities": priorities(customer),
        "clauses": clauses,
        "proofs": statements(project, customer),
    }


def _cell(project: Project, cell: Cell) -> dict[str, Any]:
    return {
        "line": cell.line.id,
        "server": cell.server,
        "answer": cell.answer.value,
        "objects": [_thing(thing) for thing in cell.things],
        "in_short": in_short(cell.things),
        "missing": [str(thing) for _, thing in cell.missing],
        "reasons": list(cell.reasons),
        "people": people(project, cell.people),
        "not_built": list(cell.not_built),
    }


def _thing(thing: Thing) -> dict[str, str]:
    return {"kind": thing.kind, "name": thing.name, "of": thing.origin}


def in_short(things: Iterable[Thing]) -> str:
    """Count things by what brings them: ``backup (4 checks, 2 timers); …``."""
    counted: dict[str, Counter[str]] = {}
    for thing in things:
        counted.setdefault(thing.origin, Counter())[thing.kind] += 1
    return "; ".join(
        f"{origin} ({', '.join(how_many(kind, number) for kind, number in sorted(kinds.items()))})"
        for origin, kinds in counted.items()
    )


_STYLES = {
    Answer.MISSING.value: "bold red",
    Answer.NOT_BUILT.value: "yellow",
    Answer.FULFILLED.value: "green",
    Answer.PEOPLE.value: "cyan",
    Answer.NOT_APPLICABLE.value: "dim",
}


def _answer(answer: str) -> "Text":
    return styled(answer, _STYLES[answer])


def _text(data: dict[str, Any], *, file: bool) -> str:
    out = console(file=file)
    with out.capture() as capture:
        out.print(f"{data['name']}: {data['title']}, from {data['from']}", markup=False)
        out.print(", ".join(f"{count} {answer}" for answer, count in data["summary"].items() if count) + "\n")
        lines = [
            (line["id"], cell["server"] or "all", _answer(cell["answer"]), what)
            for line, cell, what in _rows(data)
        ]
        out.print(table(("line", "server", "answer", "what"), lines))
        out.print()
        rows = [[str(row[name] or "") for name in _PRIORITY.values()] for row in data["priorities"]]
        out.print(table(_PRIORITY, rows))
        out.print()
        if data["outside_sla"]:
            columns = ("outside the SLA", "server", "what", "checks")
            out.print(table(columns, [_outside(entry) for entry in data["outside_sla"]]))
            out.print()
        clauses = [(clause["id"], _answer(clause["answer"]), _what(clause)) for clause in data["clauses"]]
        out.print(table(("clause", "answer", "what"), clauses))
        out.print()
        out.print(table(("proof", "what it shows"), data["proofs"].items()))
    return capture.get()


def _outside(entry: dict[str, Any]) -> tuple[str, ...]:
    checks = ", ".join(entry["checks"])
    return entry["title"], entry["server"], entry["why"], f"{checks}: wake nobody" if checks else "none"


_PRIORITY = {
    "server": "server",
    "priority": "priority",
    "objective": "objective",
    "checks": "checks",
    "alarms": "alarms",
    "slowest": "slowest",
    "noticed within (s)": "noticed_s",
    "at most (s)": "budget_s",
}
"""Columns of what is noticed how soon, each with its name in the data."""


def _rows(data: dict[str, Any]) -> Iterable[tuple[dict[str, Any], dict[str, Any], str]]:
    for line in data["lines"]:
        for cell in line["cells"]:
            deviation = (line["deviation"] or "").rstrip(".")
            yield line, cell, "; ".join(part for part in (deviation, _what(cell)) if part)


def _what(found: dict[str, Any]) -> str:
    """Say in a line what a cell or a clause holds."""
    parts = [
        *(f"MISSING: {thing}" for thing in found.get("missing", ())),
        *(f"not built: {part}" for part in found["not_built"]),
        found.get("in_short") or "",
        found.get("how") or "",
        ", ".join(found.get("where", ())),
        "; ".join(found.get("reasons", ())),
        *(f"{duty['who']}: {duty['duty']}" for duty in found["people"]),
    ]
    return "; ".join(part for part in parts if part)
