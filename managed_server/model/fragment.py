"""What one server contributes to its hub: data alone, held against this schema before the hub renders it.

Whoever can write a customer's fragment is not trusted with the hub (docs/adr/0007): names, numbers and text
have narrow shapes here, and nothing in them can be a command, a path, a macro or an object of the hub.

The hub runs this very file (docs/adr/0013), with Debian 13's Pydantic, which is 2.10: nothing newer here.
Fields stand in alphabetical order, so that the JSON has sorted keys whichever way it is written.
"""

import re
from ipaddress import IPv4Address
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from managed_server.model.types import AccountId, ClockTime, CustomerId, Email, EntryId, HostName, ServerName

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029;!$\\`\"'<>&|~#{}]")
_TEXT_LENGTH = 160

MOST_CONTACTS, LONGEST_EMAIL = 20, 120
LONGEST_MINUTES, LONGEST_DAYS = 100_000, 100
"""What a stack file may not go beyond either."""


def plain(text: str) -> str:
    """Return ``text`` without what Nagios, Munin or a shell reads as more than text, cut to size.

    An apostrophe and an ampersand, which names of companies have, are replaced by look-alikes.
    """
    text = _FORBIDDEN.sub(" ", text.replace("'", "\u2019").replace("&", "+"))
    return " ".join(text.split())[:_TEXT_LENGTH].strip()


def _is_plain(value: str) -> str:
    if not value or value != plain(value):
        raise ValueError("must be one line of plain text, without characters that have a meaning to the hub")
    return value


PlainText = Annotated[str, AfterValidator(_is_plain)]
CheckName = Annotated[str, Field(pattern=r"^[a-z](?:-?[a-z0-9]){0,60}$")]
CommandName = Annotated[str, Field(pattern=r"^check_[a-z0-9](?:_?[a-z0-9]){0,60}$")]
HostId = Annotated[str, Field(pattern=r"^[a-z](?:-?[a-z0-9]){0,36}$")]


class Strict(BaseModel):
    """A part of the fragment: frozen, unknown keys refused, types never guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FragmentCheck(Strict):
    """A check that the hub asks for by name. Periods in seconds."""

    attempts: Annotated[int, Field(ge=1, le=10)]
    description: PlainText
    in_sla: bool
    interval_s: Annotated[int, Field(ge=15, le=3600)]
    name: CheckName
    nrpe_command: CommandName = Field(description="of the server's NRPE: its name alone, no argument")
    priority: Literal["urgent", "high", "normal"]
    renotify_s: Annotated[int, Field(ge=300, le=604800)]
    retry_s: Annotated[int, Field(ge=5, le=1800)]
    runbook: EntryId
    timeout_s: Annotated[int, Field(ge=1, le=55)] = Field(description="below Nagios' own time-out of 60")

    @model_validator(mode="after")
    def _wakes_nobody_outside(self) -> "FragmentCheck":
        if not self.in_sla and self.priority != "normal":
            raise ValueError(
                f"{self.name} is outside the service level agreement: {self.priority} would wake"
            )
        return self


class FragmentContact(Strict):
    """A person at the customer who is told."""

    email: Annotated[Email, Field(max_length=LONGEST_EMAIL)]
    name: PlainText


class FragmentCustomer(Strict):
    """Whose server it is."""

    id: CustomerId
    name: PlainText


class FragmentHostgroup(Strict):
    """A software of the server: the hub's group of all servers that have it."""

    id: EntryId
    title: PlainText


class FragmentMaintenance(Strict):
    """The weekly window (UTC), from which the hub makes a scheduled downtime."""

    day: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    reboot: Literal["if-needed", "never"]
    time: ClockTime


class FragmentObjective(Strict):
    """How soon a ticket of one priority is answered: on the clock, in working days, or neither."""

    minutes: Annotated[int, Field(ge=1, le=LONGEST_MINUTES)] | None
    phone: bool = Field(description="whether the customer may telephone once that time has passed")
    working_days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] | None


class FragmentObjectives(Strict):
    """The customer's objectives, of the priorities that checks have."""

    high: FragmentObjective
    normal: FragmentObjective
    urgent: FragmentObjective


class Fragment(Strict):
    """Everything that a hub knows of a server, but for its address."""

    checks: Annotated[tuple[FragmentCheck, ...], Field(min_length=1, max_length=200, strict=False)]
    contacts: Annotated[
        tuple[FragmentContact, ...], Field(min_length=1, max_length=MOST_CONTACTS, strict=False)
    ]
    customer: FragmentCustomer
    host: HostId = Field(description="customer-server: the Nagios host, the Munin node and the OSSEC agent")
    hostgroups: Annotated[tuple[FragmentHostgroup, ...], Field(min_length=1, max_length=40, strict=False)]
    maintenance: FragmentMaintenance
    munin_node: HostId
    objectives: FragmentObjectives
    ossec_agent: HostId
    schema_version: Literal[1] = Field(alias="schema", description="a hub refuses one that it does not know")
    server: ServerName

    @model_validator(mode="after")
    def _names_are_its_own(self) -> "Fragment":
        own = f"{self.customer.id}-{self.server}"
        for field in ("host", "munin_node", "ossec_agent"):
            if getattr(self, field) != own:
                raise ValueError(f"{field}: {getattr(self, field)!r} is not this server's name, {own!r}")
        for field, names in (
            ("checks", [check.name for check in self.checks]),
            ("hostgroups", [group.id for group in self.hostgroups]),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"{field}: a name stands there twice")
        return self


class ServerAddress(Strict):
    """What travels beside the fragment, since it is known only when the server stands.

    A server on AWS has an address; one that is hosted elsewhere may be reached by its name alone.
    """

    account_id: AccountId = Field(description="the server's: its certificate is taken from no other account")
    ipv4: Annotated[IPv4Address, Field(strict=False)] | None = None
    name: HostName | None = None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> "ServerAddress":
        if (self.ipv4 is None) == (self.name is None):
            raise ValueError("has an ipv4 or a name, and not both")
        return self

    @property
    def where(self) -> str:
        """Where the hub reaches the server."""
        return str(self.ipv4 or self.name)
