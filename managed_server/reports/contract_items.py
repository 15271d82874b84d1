"""Everything that the contract says, one item a sentence, in the order of its file."""

from collections.abc import Iterator
from dataclasses import dataclass

from managed_server.model.contract import Contract, PriorityTerms
from managed_server.model.objectives import AnyObjective, ClockObjective, WorkingDayObjective
from managed_server.model.terms import Fees


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that the contract says."""

    section: str
    """Heading below which reports have it."""
    id: str
    text: str
    source: str
    """Section of the terms."""


def items(contract: Contract) -> tuple[Said, ...]:
    """Return everything that has an id of its own; a figure is put into words here alone."""
    included, supported = "What is included?", "Supported software"
    return (
        Said(
            "Service",
            contract.service.id,
            f"{contract.service.text} {contract.service.hosting}.",
            contract.service.source,
        ),
        *(Said(included, line.id, line.text, included) for line in contract.lines),
        *_fees(contract.fees),
        Said(
            "Fees and term",
            contract.term.id,
            f"Minimum contract term: {contract.term.minimum_months} months",
            contract.term.source,
        ),
        *_sla(contract),
        *(Said("Channels", rule.id, rule.text, rule.source) for rule in contract.channels),
        *(said for terms in contract.priorities for said in _priority(terms)),
        *(Said(supported, item.id, item.text, supported) for item in contract.supported_software),
        *(
            Said("Scope", item.id, item.text, "Service Level Agreement, 6")
            for item in contract.boundary.in_scope
        ),
        *(Said("Boundary", rule.id, rule.text, rule.source) for rule in contract.boundary.rules),
        *(
            Said("Additional options", item.id, item.text, "Additional product options")
            for item in contract.additional_options
        ),
    )


def _fees(fees: Fees) -> Iterator[Said]:
    for fee in (fees.set_up, fees.management, fees.hourly):
        text = f"{fee.text}: {fee.amount} {fees.currency}, taxes {fees.taxes}"
        yield Said("Fees and term", fee.id, text, fee.source)
    over = (
        f"Volumes over {fees.surcharge.over_gb} GB: {fees.surcharge.text[0].lower()}{fees.surcharge.text[1:]}"
    )
    yield Said("Fees and term", fees.surcharge.id, over, fees.surcharge.source)


def _sla(contract: Contract) -> Iterator[Said]:
    sla, section = contract.sla, "Service level"
    allowed = sla.allowed_downtime(30)
    yield Said(
        section,
        sla.id,
        f"{sla.uptime_percent}% uptime ({allowed} in 30 days may be lost). {sla.covers}",
        sla.source,
    )
    yield from (Said(section, rule.id, rule.text, rule.source) for rule in sla.exclusions)
    yield Said(section, sla.credit.id, sla.credit.text, sla.credit.source)


def objective_text(objective: AnyObjective) -> str:
    """Put an objective into words."""
    if isinstance(objective, ClockObjective):
        return f"{objective.minutes} minutes"
    if isinstance(objective, WorkingDayObjective):
        return f"{objective.days} {objective.calendar.upper()} working day{'s' if objective.days > 1 else ''}"
    return "agreed for each request"


def _phone(terms: PriorityTerms) -> str:
    phone = terms.phone
    if not phone.may_call:
        return "not offered"
    purpose = f", {phone.purpose[0].lower()}{phone.purpose[1:]}" if phone.purpose else ""
    return f"after the objective{purpose}{f'. {phone.caution}' if phone.caution else ''}"


def _priority(terms: PriorityTerms) -> Iterator[Said]:
    section = f"Priority {terms.id}"

    def said(name: str, text: str) -> Said:
        return Said(section, name, text, terms.source)

    yield said(
        terms.id.value, f"{terms.definition}. {terms.response} Objective: {objective_text(terms.objective)}"
    )
    yield from (said(item.id, f"For example: {item.text}") for item in terms.examples)
    for step in terms.before_reporting:
        yield said(step.id, f"Before reporting: {step.text}")
        yield from (said(item.id, f"Before reporting: {item.text}") for item in step.items)
    yield said(terms.phone.id, f"Telephone: {_phone(terms)}")
    who = terms.escalation
    yield said(who.id, f"The provider's side: {who.route} to the {who.to}, {who.hours}")
