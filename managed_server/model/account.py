"""``catalogue/account-alarms.yaml``: what somebody must be told of an AWS account, by its record of calls."""

from typing import Annotated, Literal

from pydantic import Field

from managed_server.model.base import Model, PositiveInt
from managed_server.model.contract import Priority
from managed_server.model.types import EntryId, Text

Control = Annotated[str, Field(pattern=r"^CloudWatch\.[0-9]+$", description="of AWS Security Hub")]


class AccountAlarm(Model):
    """An alarm on what CloudTrail records of an account."""

    pattern: Text = Field(description="metric filter of CloudWatch Logs")
    threshold: PositiveInt = Field(description="events in a period from which on it goes off")
    period_s: Literal[60, 300]
    priority: Priority
    runbook: EntryId
    description: Text
    control: Control


class AccountAlarms(Model):
    """The whole file."""

    alarms: dict[EntryId, AccountAlarm] = Field(min_length=1)
    source: Text
