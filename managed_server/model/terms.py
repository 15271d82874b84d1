"""What the terms include, cost and guarantee.

Figures live in the file alone. Money is in whole units of the currency, because the terms name whole pounds
only; what is computed from it (a pro-rated credit, taxes) is the business of the reports.
"""

import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from managed_server.model.base import Bool, Model, PositiveInt
from managed_server.model.types import EntryId, Text


class Item(Model):
    """A thing that the terms list."""

    id: EntryId
    text: Text


class Rule(Item):
    """A sentence of the terms, with its section."""

    source: Text = Field(description="section of the terms")
    note: Text | None = Field(default=None, description="ours: what the terms leave open")


class Service(Item):
    """What is sold."""

    title: Text
    hosting: Text
    source: Text


class Line(Item):
    """A line of 'What is included'."""

    enhanced: Bool = Field(description="beyond the standard contract, as far as the text shows it")
    enhanced_source: Text | None = Field(default=None, description="where the terms say so")
    aws_only: Bool = Field(description="not applicable to servers hosted elsewhere")
    scope: Literal["server", "customer"] = Field(
        description="holds for each server, or for the customer once"
    )
    note: Text | None = None
    deviation: Text | None = Field(default=None, description="how the delivery differs from the line's words")

    @model_validator(mode="after")
    def _consistent(self) -> "Line":
        if self.enhanced != (self.enhanced_source is not None):
            raise ValueError("enhanced: true needs enhanced_source, the place in the terms; false has none")
        if self.aws_only and self.scope != "server":
            raise ValueError("aws_only is a property of servers; write scope: server")
        return self


class Fee(Rule):
    """An amount, without taxes."""

    amount: PositiveInt = Field(description="whole units of the currency, taxes excluded")
    charged: Literal["once", "monthly-per-server"]


class HourlyUse(Model):
    """A rule of the boundary under which work is charged by the hour."""

    rule: EntryId
    minimum_hours: PositiveInt | None = Field(description="null: the terms name no minimum")


class HourlyFee(Rule):
    """The rate for work outside the agreement."""

    amount: PositiveInt = Field(description="whole units of the currency for an hour, taxes excluded")
    charged: Literal["hourly"]
    applies_to: tuple[HourlyUse, ...] = Field(min_length=1)


class Surcharge(Rule):
    """The footnote on large volumes."""

    over_gb: PositiveInt = Field(description="GB; larger volumes may cost more")
    line: EntryId = Field(description="line of 'What is included' that the footnote belongs to")


class Fees(Model):
    """What the service costs."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217")]
    taxes: Literal["excluded"]
    set_up: Fee
    management: Fee
    hourly: HourlyFee
    surcharge: Surcharge

    @model_validator(mode="after")
    def _charged_as_named(self) -> "Fees":
        if (self.set_up.charged, self.management.charged) != ("once", "monthly-per-server"):
            raise ValueError("set_up is charged once, management monthly-per-server")
        return self

    @property
    def volume_surcharge_over_gb(self) -> int:
        """GB above which a volume may be subject to additional charges."""
        return self.surcharge.over_gb


class MinimumTerm(Model):
    """How long a contract runs at least."""

    id: EntryId
    minimum_months: PositiveInt
    source: Text


class Exclusion(Rule):
    """What the uptime does not cover: a root cause, or a thing under no agreement at all."""

    kind: Literal["root-cause", "not-covered"]


class Credit(Rule):
    """How a customer claims a service credit."""

    calculation: Literal["pro-rata"]
    for_: tuple[EntryId, ...] = Field(
        alias="for", min_length=1, description="ids of what may have been missed"
    )
    requested_by: Literal["ticket"]


class Sla(Model):
    """The uptime that is guaranteed, and its limits."""

    id: EntryId
    uptime_percent: Decimal = Field(gt=0, lt=100)
    covers: Text
    source: Text
    exclusions: tuple[Exclusion, ...] = Field(min_length=1)
    credit: Credit

    def allowed_downtime(self, period_days: int) -> datetime.timedelta:
        """Return the downtime that still keeps the uptime over ``period_days``, rounded down.

        Raises:
            ValueError: if the period is not at least one day.
        """
        if period_days < 1:
            raise ValueError(f"a period of {period_days} days has no uptime")
        microseconds = (100 - self.uptime_percent) / 100 * period_days * 86_400 * 1_000_000
        return datetime.timedelta(microseconds=int(microseconds))
