"""The page for customers: how to report a problem, by priority, and where the service ends.

Made by ``managed contract --reporting``, for one customer with the objectives that it agreed on; a test keeps
docs/for-customers/reporting.md, the page with those of the terms, current.
"""

from pathlib import Path
from typing import Any

from managed_server import spec
from managed_server.boundary import outside
from managed_server.inputs import load_project
from managed_server.model.contract import PriorityTerms
from managed_server.model.objectives import (
    AnyObjective,
    ClockObjective,
    ScheduledObjective,
    WorkingDayObjective,
)
from managed_server.project import Project
from managed_server.reports.contract import deliver, rendered
from managed_server.reports.contract_items import objective_text
from managed_server.resolve import resolve_stack

FILE = "docs/for-customers/reporting.md"


def print_reporting(root: Path, stack: str | None, out: Path | None) -> None:
    """Print the page, or write it to a file.

    Raises:
        InputError: if an input file is wrong, or the file can't be written.
    """
    project = load_project(root)
    deliver(reporting_text(project, resolve_stack(project, stack)[0] if stack else None), out)


def reporting_text(project: Project, customer: spec.CustomerSpec | None) -> str:
    """Return the page as Markdown."""
    return rendered(project.root, "report/reporting.md.j2", **reporting_data(project, customer))


def reporting_data(project: Project, customer: spec.CustomerSpec | None) -> dict[str, Any]:
    """Return what the page says; without a customer, objectives are those of the terms."""
    contract, support = project.contract, project.provider.support
    agreed = {of.priority: _agreed(of) for of in customer.responses} if customer else {}
    priorities = [_priority(terms, agreed.get(terms.id) or terms.objective) for terms in contract.priorities]
    channels = {rule.id: rule.text for rule in contract.channels}
    rules = {rule.id: rule.text for rule in contract.boundary.rules}
    hourly = contract.fees.hourly
    covers = contract.sla.covers
    by_the_hour = {use.rule for use in hourly.applies_to}
    causes = [rule.text for rule in contract.sla.exclusions if rule.kind == "root-cause"]
    others = [rule.text for rule in contract.sla.exclusions if rule.kind != "root-cause"]
    return {
        "provider": project.provider.name,
        "support": {"portal": support.portal, "email": support.email, "phone": support.phone},
        "service": contract.service.title,
        "customer": {"id": customer.id, "name": customer.name} if customer else None,
        "channels": {
            "first": channels["ticket-first"],
            "early": channels["early-call-slows"],
            "by_phone": [of["id"].capitalize() for of in priorities if of["phone"]],
        },
        "priorities": priorities,
        "in_scope": [item.text for item in contract.boundary.in_scope],
        "supported": [item.text for item in contract.supported_software],
        "uptime": f"{contract.sla.uptime_percent}% uptime is guaranteed: {covers[0].lower()}{covers[1:]}.",
        "causes": causes,
        "outside": [*others, *(text for name, text in rules.items() if name not in by_the_hour)],
        "servers": {
            server.name: [entry.title for entry in outside(server)]
            for server in (customer.servers if customer else ())
        },
        "hourly": {
            "amount": hourly.amount,
            "currency": contract.fees.currency,
            "taxes": contract.fees.taxes,
            "uses": [
                {"text": rules[use.rule], "minimum_hours": use.minimum_hours} for use in hourly.applies_to
            ],
        },
    }


def _agreed(response: spec.Response) -> AnyObjective | None:
    """Return a customer's objective, if it is one of time."""
    if response.minutes is not None:
        return ClockObjective(kind="clock", minutes=response.minutes)
    if response.working_days is not None:
        return WorkingDayObjective(kind="working-day", days=response.working_days, calendar="uk")
    return None


def _priority(terms: PriorityTerms, objective: AnyObjective) -> dict[str, Any]:
    phone, scheduled = terms.phone, isinstance(objective, ScheduledObjective)
    words = objective_text(objective)
    hours = "day and night" if terms.escalation.hours == "24x7" else "in working hours"
    return {
        "id": terms.id.value,
        "definition": terms.definition,
        "examples": [item.text for item in terms.examples],
        "before": [
            {"text": step.text, "items": [item.text for item in step.items]}
            for step in terms.before_reporting
        ],
        "response": terms.response,
        "objective": words,
        "hours": hours,
        "within": "at a time that we agree on" if scheduled else f"within {words}, {hours}",
        "scheduled": scheduled,
        "phone": phone.may_call,
        "purpose": phone.purpose,
        "caution": phone.caution,
    }
