"""``managed software``: what a customer can choose, and how far the contract covers it."""

import datetime
import json
from typing import Any
from urllib.parse import urlsplit

from managed_server.model.catalogue import Software
from managed_server.model.catalogue_items import Absent, given
from managed_server.project import EntryFile, Project
from managed_server.reports.output import console, markdown, table

_COLUMNS = ("id", "title", "contract", "debian", "packages from", "end of life", "ports")
_SYSTEMS = "On the contract's list of supported software, and on every server without being chosen:"
_MISSING = "On the contract's list of supported software, and without an entry yet:"


def print_software(project: Project, today: datetime.date, form: str) -> None:
    """Print the catalogue's software.

    Args:
        project: the loaded project.
        today: what is past its end of life by then is marked.
        form: ``text``, ``json`` or ``markdown``.
    """
    found = software_data(project, today)
    if form == "json":
        print(json.dumps(found, indent=1))  # noqa: T201
        return
    rows = [_row(item) for item in found["software"]]
    parts = [
        (heading, notes)
        for heading, notes in (
            ("", _remarks(found)),
            (_SYSTEMS, [f"{item['id']} ({item['title']}): {item['file']}" for item in found["systems"]]),
            (_MISSING, [f"{item['id']} ({item['title']})" for item in found["missing"]]),
        )
        if notes
    ]
    if form == "markdown":
        print(markdown(_COLUMNS, rows))  # noqa: T201
        for heading, notes in parts:
            print("\n".join(["", *([heading, ""] if heading else []), *(f"- {note}" for note in notes)]))  # noqa: T201
        return
    out = console()
    out.print(table(_COLUMNS, rows))
    for heading, notes in parts:
        out.print(f"\n{heading}".rstrip(), markup=False)
        for note in notes:
            out.print(f"  {note}" if heading else note, markup=False, soft_wrap=True)


def _remarks(found: dict[str, Any]) -> list[str]:
    """Return what is too long for a table."""
    outside = [f"{of['id']} is {of['coverage']}" for of in found["software"] if not of["in_sla"]]
    by_hand = [
        f"{of['id']} is installed by hand: {of['not_installable']}"
        for of in found["software"]
        if not of["installable"]
    ]
    return outside + by_hand


def software_data(project: Project, today: datetime.date) -> dict[str, Any]:
    """Return the catalogue's software, and what else is on the contract's list, as plain data.

    ``systems`` are what every server runs: supported, and no customer's choice. ``missing`` has no entry yet.
    """
    software = [_describe(project, entry, today) for _, entry in sorted(project.software.items())]
    covered = {item["contract"] for item in software}
    systems, missing = [], []
    for item in project.contract.supported_software:
        if item.id in covered:
            continue
        if files := project.files_for(item.id):
            systems.append({"id": item.id, "title": item.text, "file": files[0]})
        else:
            missing.append({"id": item.id, "title": item.text})
    return {"software": software, "systems": systems, "missing": missing}


def coverage(project: Project, software: Software) -> tuple[str | None, str]:
    """Return a software's id on the contract's list, if it has one, and the words for its coverage."""
    if not isinstance(software.supported, str):
        return None, f"outside the SLA: {software.supported.no}"
    texts = {item.id: item.text for item in project.contract.supported_software}
    return software.supported, texts[software.supported]


def _describe(project: Project, file: EntryFile[Software], today: datetime.date) -> dict[str, Any]:
    general = file.general
    on_list, words = coverage(project, general)
    return {
        "id": file.id,
        "title": general.title,
        "contract": on_list,
        "in_sla": on_list is not None,
        "coverage": words,
        "hub_only": general.hub_only,
        "requires": list(given(general.requires)),
        "requires_any": list(given(general.requires_any)),
        "conflicts": list(given(general.conflicts)),
        "installable": general.installable is True,
        "not_installable": None if general.installable is True else general.installable.no,
        "releases": [
            _of_release(file.resolved(release, {}), release, today) for release in sorted(general.releases)
        ],
    }


def _of_release(software: Software, release: int, today: datetime.date) -> dict[str, Any]:
    """Return what differs by Debian release; settings have their defaults."""
    apt = () if isinstance(software.apt, Absent) else software.apt
    listens = () if isinstance(software.listens, Absent) else software.listens
    end = None if isinstance(software.end_of_life, Absent) else software.end_of_life.get(release)
    return {
        "debian": release,
        "packages": [] if isinstance(software.packages, Absent) else list(software.packages),
        "source": "vendor" if apt else "Debian",
        "archives": sorted({urlsplit(source.uri).hostname or source.uri for source in apt}),
        "end_of_life": end.date.isoformat() if end else None,
        "end_of_life_source": end.source if end else None,
        "successor": end.successor if end else None,
        "past": end is not None and end.date < today,
        "listens": [
            {
                "port": listen.port,
                "protocol": listen.protocol,
                "reach": listen.reach,
                "purpose": listen.purpose,
            }
            for listen in listens
        ],
    }


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    releases = item["releases"]
    sources = [" ".join([of["source"], *of["archives"]]) for of in releases]
    ends = [
        f"{of['end_of_life']}{' (past)' if of['past'] else ''}" if of["end_of_life"] else "-"
        for of in releases
    ]
    opens = [", ".join(_ports(of["listens"])) or "-" for of in releases]
    return (
        item["id"],
        item["title"] + (" (hub only)" if item["hub_only"] else ""),
        item["contract"] or "outside the SLA",
        ", ".join(str(of["debian"]) for of in releases),
        _by_release(releases, sources) if item["installable"] else "by hand",
        _by_release(releases, ends),
        _by_release(releases, opens),
    )


def _ports(listens: list[dict[str, Any]]) -> list[str]:
    """Return each socket as ``443/tcp world``, in the order of ports."""
    return [
        f"{port}/{protocol} {reach}"
        for port, protocol, reach in sorted({(of["port"], of["protocol"], of["reach"]) for of in listens})
    ]


def _by_release(releases: list[dict[str, Any]], values: list[str]) -> str:
    """Write what all releases share once, and else each with its release."""
    if len(set(values)) == 1:
        return values[0]
    return "; ".join(f"{of['debian']}: {value}" for of, value in zip(releases, values, strict=True))
