"""Priorities of tickets, and how soon each is answered: by the terms, or as agreed with one customer."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from managed_server.model.base import Model, PositiveInt
from managed_server.model.fragment import LONGEST_DAYS, LONGEST_MINUTES


class Priority(StrEnum):
    """The four priorities of a ticket, most urgent first."""

    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Objective(Model):
    """How soon a ticket is answered."""

    @property
    def minutes_or_none(self) -> int | None:
        """Minutes on the clock, day and night; None where the objective isn't counted on it."""
        return None


class ClockObjective(Objective):
    """Within minutes, around the clock."""

    kind: Literal["clock"]
    minutes: PositiveInt

    @property
    def minutes_or_none(self) -> int:
        """The minutes."""
        return self.minutes


class WorkingDayObjective(Objective):
    """Within working days of a country's calendar; their hours are the provider's."""

    kind: Literal["working-day"]
    days: PositiveInt
    calendar: Literal["uk"]


class ScheduledObjective(Objective):
    """At a time that is agreed for each request."""

    kind: Literal["scheduled"]


AnyObjective = Annotated[
    ClockObjective | WorkingDayObjective | ScheduledObjective, Field(discriminator="kind")
]


class AgreedMinutes(Model):
    """A response objective on the clock."""

    minutes: Annotated[PositiveInt, Field(le=LONGEST_MINUTES)]


class AgreedDays(Model):
    """A response objective in working days."""

    working_days: Annotated[PositiveInt, Field(le=LONGEST_DAYS)]


class AgreedObjectives(Model):
    """Objectives agreed with one customer; what isn't named stays as in the terms.

    A priority keeps the way in which it is counted: nobody is awake at night for normal tickets. A low one is
    scheduled for each request, so nothing can be agreed in advance.
    """

    urgent: AgreedMinutes | None = None
    high: AgreedMinutes | None = None
    normal: AgreedDays | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "AgreedObjectives":
        if self.urgent and self.high:
            check_order(self.urgent.minutes, self.high.minutes)
        return self


def check_order(urgent: int, high: int) -> None:
    """Raise ValueError if urgent tickets, by their minutes, would be answered later than high ones."""
    if urgent > high:
        raise ValueError(
            f"urgent tickets would be answered later ({urgent} minutes) than high ones ({high} minutes)"
        )
