"""``contract/``: the service terms as data; its parts are in terms.py and objectives.py."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from managed_server.model.base import Bool, Model
from managed_server.model.objectives import (
    AgreedObjectives,
    AnyObjective,
    ClockObjective,
    Objective,
    Priority,
    WorkingDayObjective,
    check_order,
)
from managed_server.model.terms import Fees, Item, Line, MinimumTerm, Rule, Service, Sla
from managed_server.model.types import EntryId, Text

__all__ = ["AgreedObjectives", "Contract", "Line", "Objective", "Priority", "PriorityTerms", "Sla"]


class Phone(Model):
    """May the customer telephone about a ticket? Two places of the terms speak of it, and differ."""

    id: EntryId
    general_paragraph: Bool = Field(description="the general paragraph on the telephone allows it")
    own_section: Bool = Field(description="the priority's own section allows it")
    after: Literal["objective"] | None = Field(default=None, description="calls are for after the objective")
    purpose: Text | None = None
    caution: Text | None = None
    note: Text | None = None

    @model_validator(mode="after")
    def _after_iff_allowed(self) -> "Phone":
        if self.may_call != (self.after is not None):
            raise ValueError("after: objective belongs to a priority that may telephone, and to no other")
        return self

    @property
    def may_call(self) -> bool:
        """Whether any place of the terms lets the customer telephone; a ticket always comes first."""
        return self.general_paragraph or self.own_section


class Escalation(Model):
    """Who is called on the provider's side, and when."""

    id: EntryId
    route: Literal["page", "ticket"] = Field(description="field of notify in provider.yaml")
    to: Literal["engineer-on-call", "support-team"]
    hours: Literal["24x7", "uk-working-hours"]

    @model_validator(mode="after")
    def _pages_around_the_clock(self) -> "Escalation":
        if len({self.route == "page", self.to == "engineer-on-call", self.hours == "24x7"}) != 1:
            raise ValueError(
                "a page goes to the engineer-on-call 24x7; a ticket to the support-team in working hours"
            )
        return self


class Step(Item):
    """What the customer does before reporting."""

    items: tuple[Item, ...] = ()


class PriorityTerms(Model):
    """What the terms say of one priority."""

    id: Priority
    definition: Text
    examples: tuple[Item, ...] = Field(min_length=1)
    before_reporting: tuple[Step, ...]
    objective: AnyObjective
    response: Text
    phone: Phone
    escalation: Escalation
    source: Text
    note: Text | None = None

    @model_validator(mode="after")
    def _someone_is_awake(self) -> "PriorityTerms":
        if isinstance(self.objective, ClockObjective) != (self.escalation.hours == "24x7"):
            raise ValueError(
                "an objective on the clock needs an escalation 24x7, and no other objective has one"
            )
        return self


class Boundary(Model):
    """Where the service ends."""

    in_scope: tuple[Item, ...] = Field(min_length=1, description="the only requests that must be answered")
    rules: tuple[Rule, ...] = Field(min_length=1)


def _all_priorities_in_order(found: "tuple[PriorityTerms, ...]") -> "tuple[PriorityTerms, ...]":
    expected = [str(priority) for priority in Priority]
    if [str(terms.id) for terms in found] != expected:
        raise ValueError(f"must be {', '.join(expected)}: each once, in this order")
    return found


class Contract(Model):
    """The service terms."""

    service: Service
    lines: tuple[Line, ...] = Field(min_length=1)
    fees: Fees
    term: MinimumTerm
    sla: Sla
    channels: tuple[Rule, ...] = Field(min_length=1)
    priorities: Annotated[tuple[PriorityTerms, ...], AfterValidator(_all_priorities_in_order)]
    supported_software: tuple[Item, ...] = Field(min_length=1)
    boundary: Boundary
    additional_options: tuple[Item, ...]

    @field_validator("priorities")
    @classmethod
    def _urgent_before_high(cls, found: tuple[PriorityTerms, ...]) -> tuple[PriorityTerms, ...]:
        urgent, high = found[0].objective.minutes_or_none, found[1].objective.minutes_or_none
        if urgent is None or high is None or urgent >= high:
            raise ValueError(
                "urgent needs an objective on the clock that is shorter than that of high, on it as well"
            )
        return found

    @model_validator(mode="after")
    def _ids_hold(self) -> "Contract":
        places: dict[str, str] = {}
        for place, name in _ids(self, ""):
            if name in places:
                raise ValueError(
                    f"the id {name!r} stands twice: at {places[name]} and at {place}; rename one"
                )
            places[name] = place
        rules = {rule.id for rule in self.boundary.rules}
        lines = {line.id for line in self.lines}
        for use in self.fees.hourly.applies_to:
            if use.rule not in rules:
                raise ValueError(
                    f"fees.hourly.applies_to: {use.rule!r} is not among the rules of the boundary"
                )
        if self.fees.surcharge.line not in lines:
            raise ValueError(f"fees.surcharge.line: {self.fees.surcharge.line!r} is not among the lines")
        for name in self.sla.credit.for_:
            if name not in lines | {self.sla.id}:
                raise ValueError(f"sla.credit.for: {name!r} is neither a line nor the id of the SLA")
        return self

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id of the file, in its order."""
        return tuple(name for _, name in _ids(self, ""))

    def line(self, line_id: str) -> Line:
        """Return a line of 'What is included'.

        Raises:
            KeyError: if there is none with this id.
        """
        for line in self.lines:
            if line.id == line_id:
                return line
        raise KeyError(line_id)

    def priority(self, priority: Priority) -> PriorityTerms:
        """Return what the terms say of a priority."""
        return self.priorities[list(Priority).index(priority)]

    def objectives_for(self, agreed: AgreedObjectives) -> Mapping[Priority, Objective]:
        """Return every priority's objective for a customer: the agreed one, else that of the terms.

        Raises:
            ValueError: if urgent tickets would then be answered later than high ones.
        """
        objectives: dict[Priority, Objective] = {terms.id: terms.objective for terms in self.priorities}
        if agreed.urgent:
            objectives[Priority.URGENT] = ClockObjective(kind="clock", minutes=agreed.urgent.minutes)
        if agreed.high:
            objectives[Priority.HIGH] = ClockObjective(kind="clock", minutes=agreed.high.minutes)
        if agreed.normal:
            days = agreed.normal.working_days
            objectives[Priority.NORMAL] = WorkingDayObjective(kind="working-day", days=days, calendar="uk")
        urgent, high = objectives[Priority.URGENT].minutes_or_none, objectives[Priority.HIGH].minutes_or_none
        if urgent is not None and high is not None:
            check_order(urgent, high)
        return objectives

    def phone_after(self, priority: Priority, agreed: AgreedObjectives) -> Objective | None:
        """Return the objective after which a customer may telephone about its ticket; None: not at all."""
        return self.objectives_for(agreed)[priority] if self.priority(priority).phone.may_call else None


def _ids(value: object, place: str) -> Iterator[tuple[str, str]]:
    """Walk all models and lists below ``value``; yield each id with its place."""
    if isinstance(value, Model):
        for key in type(value).model_fields:
            child = getattr(value, key)
            if key == "id":
                yield place, str(child)
            else:
                yield from _ids(child, f"{place}.{key}".lstrip("."))
    elif isinstance(value, tuple):
        for index, child in enumerate(value):
            yield from _ids(child, f"{place}[{index}]")
