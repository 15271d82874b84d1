"""``managed show``: what a customer has, who may connect, what it costs, and how soon it is answered.

Figures come from the contract; amounts are in whole units of its currency.
"""

import calendar
import datetime
import json
from pathlib import Path
from typing import Any

from managed_server import spec
from managed_server.inputs import load_project
from managed_server.model.catalogue_items import Absent
from managed_server.model.contract import Contract, Objective, PriorityTerms
from managed_server.model.objectives import ClockObjective, WorkingDayObjective
from managed_server.project import Project
from managed_server.reports.show_text import print_customer
from managed_server.reports.software import coverage
from managed_server.resolve import resolve_stack


def show_customer(root: Path, stack: str, today: datetime.date, *, as_json: bool) -> None:
    """Print one customer, as text or as JSON.

    Raises:
        InputError: an input file is wrong.
    """
    project = load_project(root)
    found = customer_data(project, resolve_stack(project, stack, today)[0], today)
    if as_json:
        print(json.dumps(found, indent=1))  # noqa: T201
    else:
        print_customer(found)


def customer_data(project: Project, customer: spec.CustomerSpec, today: datetime.date) -> dict[str, Any]:
    """Return a customer as plain data; ``today`` marks what has expired or is past its end of life."""
    contract, provider = project.contract, customer.provider
    return {
        "customer": customer.id,
        "name": customer.name,
        "service": contract.service.title,
        "stack_file": customer.stack_file,
        "hub": customer.hub.id,
        "runs_hub": customer.runs_hub is not None,
        "account_id": customer.account_id,
        "region": customer.region,
        "backup_region": customer.backup_region,
        "contacts": [{"name": of.name, "email": of.email, "phone": of.phone} for of in customer.contacts],
        "servers": [_server(project, server, today) for server in customer.servers],
        "retiring": list(customer.retiring),
        "users": [
            {
                "name": user.name,
                "admin": user.admin,
                "keys": len(user.keys),
                "expires": user.expires.isoformat() if user.expires else None,
                "expired": user.expires is not None and user.expires < today,
            }
            for user in customer.users
        ],
        "exceptions": [
            {
                "control": one.control,
                "resource": one.resource,
                "reason": one.reason,
                "owner": one.owner,
                "expires": one.expires.isoformat(),
                "expired": one.expires < today,
            }
            for one in customer.exceptions
        ],
        # A hub is the provider's own: nobody is charged for it.
        "cost": None if customer.runs_hub else cost(contract, customer),
        "sla": {
            "uptime_percent": float(contract.sla.uptime_percent),
            "covers": contract.sla.covers,
        },
        "objectives": [
            _objective(contract.priority(response.priority), response) for response in customer.responses
        ],
        "support": {
            "email": provider.support_email,
            "portal": provider.support_portal,
            "phone": provider.support_phone,
            "rules": [rule.text for rule in contract.channels],
        },
        "term": {
            "start": customer.contract_start.isoformat(),
            "months": customer.term_months,
            "minimum_months": contract.term.minimum_months,
            "end": _iso(term_end(customer.contract_start, customer.term_months)),
            "notice": None,  # the terms name no period
        },
    }


def _iso(day: datetime.date | None) -> str | None:
    return day.isoformat() if day else None


def term_end(start: datetime.date, months: int) -> datetime.date | None:
    """Return the last day of a term of ``months`` that begins on ``start``; None beyond the year 9999.

    A term from the 31st ends with the last day of a month that has none.
    """
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if year > datetime.MAXYEAR:
        return None
    last = calendar.monthrange(year, month + 1)[1]
    if start.day > last:
        return datetime.date(year, month + 1, last)
    return datetime.date(year, month + 1, start.day) - datetime.timedelta(days=1)


def cost(contract: Contract, customer: spec.CustomerSpec) -> dict[str, Any]:
    """Return what the contract's fees come to for a customer."""
    fees, months = contract.fees, customer.term_months
    servers = [server.name for server in customer.servers]
    monthly = fees.management.amount * len(servers)
    rules = {rule.id: rule.text for rule in contract.boundary.rules}
    return {
        "currency": fees.currency,
        "taxes": fees.taxes,
        "set_up": {"amount": fees.set_up.amount, "text": fees.set_up.text},
        "monthly": {
            "amount": monthly,
            "servers": dict.fromkeys(servers, fees.management.amount),
            "text": fees.management.text,
        },
        "term_total": fees.set_up.amount + monthly * months,
        "surcharge": {
            "over_gb": fees.surcharge.over_gb,
            "servers": {
                server.name: server.disks_gb
                for server in customer.servers
                if server.disks_gb > fees.surcharge.over_gb
            },
            "text": fees.surcharge.text,
        },
        "hourly": {
            "amount": fees.hourly.amount,
            "text": fees.hourly.text,
            "applies_to": [
                {"rule": use.rule, "minimum_hours": use.minimum_hours, "text": rules[use.rule]}
                for use in fees.hourly.applies_to
            ],
        },
    }


def _server(project: Project, server: spec.ServerSpec, today: datetime.date) -> dict[str, Any]:
    lines = {line.id: line.text for line in project.contract.lines}
    return {
        "name": server.name,
        "host_name": server.host_name,
        "hosting": server.hosting,
        "instance_type": server.instance_type or None,
        "address": server.address or None,
        "private_address": server.private_address or None,
        "vcpus": server.vcpus,
        "memory_mb": server.memory_mb,
        "disk_gb": server.disk_gb,
        "data_gb": server.data.gb if server.data else None,
        "debian": server.debian,
        "codename": server.codename,
        "maintenance": {
            "day": server.maintenance.day,
            "time": server.maintenance.time,
            "reboot": server.maintenance.reboot,
        },
        "sites": list(server.sites),
        "software": [_software(project, server, name, today) for name in server.software],
        "tools": [
            {
                "id": entry.id,
                "title": entry.title,
                "installable": entry.installable,
                "fulfils": {line: lines[line] for line in entry.fulfils},
            }
            for entry in server.entries
            if entry.id in project.tools
        ],
        "unsupported_packages": list(server.unsupported_packages),
        "pin": server.pin,
        "ports": _ports(server),
    }


def _software(project: Project, server: spec.ServerSpec, name: str, today: datetime.date) -> dict[str, Any]:
    general = project.software[name].general
    on_list, words = coverage(project, general)
    end = None if isinstance(general.end_of_life, Absent) else general.end_of_life.get(server.debian)
    return {
        "id": name,
        "title": general.title,
        "in_sla": on_list is not None,
        "coverage": words,
        "installable": general.installable is True,
        "end_of_life": _iso(end.date) if end else None,
        "past": end is not None and end.date < today,
    }


def _ports(server: spec.ServerSpec) -> list[dict[str, Any]]:
    """Return what is reachable from outside the machine: each port, for whom, from where."""
    open_ = [listen for listen in server.listens if listen.bind != "loopback"]
    found = []
    for port, protocol in sorted({(listen.port, listen.protocol) for listen in open_}):
        rules = [
            rule
            for rule in server.rules
            if (rule.direction, rule.port, rule.protocol) == ("in", port, protocol)
        ]
        mine = [listen for listen in open_ if (listen.port, listen.protocol) == (port, protocol)]
        found.append(
            {
                "port": port,
                "protocol": protocol,
                "reach": sorted({listen.reach for listen in mine}),
                "purpose": "; ".join(sorted({listen.purpose for listen in mine})),
                "networks": [rule.network for rule in rules if not rule.peer],
                "peers": [rule.peer for rule in rules if rule.peer],
            }
        )
    return found


def _objective(terms: PriorityTerms, response: spec.Response) -> dict[str, Any]:
    standard = terms.objective
    return {
        "priority": terms.id.value,
        "definition": terms.definition,
        "minutes": response.minutes,
        "working_days": response.working_days,
        "calendar": standard.calendar if isinstance(standard, WorkingDayObjective) else None,
        "agreed": (response.minutes, response.working_days) != _counted(standard),
        "phone": response.phone,
        "phone_after": terms.phone.after,
        "phone_purpose": terms.phone.purpose,
        "phone_caution": terms.phone.caution,
    }


def _counted(objective: Objective) -> tuple[int | None, int | None]:
    """Return an objective's minutes and working days."""
    if isinstance(objective, ClockObjective):
        return objective.minutes, None
    return None, objective.days if isinstance(objective, WorkingDayObjective) else None
