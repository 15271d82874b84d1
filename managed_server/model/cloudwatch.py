"""``catalogue/cloudwatch.yaml``: what servers tell CloudWatch by themselves, and how its alarms page."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from managed_server.model.base import Int, Model, PositiveInt
from managed_server.model.conditions import When
from managed_server.model.contract import Priority
from managed_server.model.types import AbsolutePath, EntryId, Matching, Text

INSTANCE = "InstanceId"
"""The dimension that tells servers apart: of everything that a server publishes, and of all that EC2 does."""

Namespace = Annotated[
    str,
    AfterValidator(
        Matching(r"(?!AWS/)[A-Za-z0-9_./#:-]+", "a namespace; AWS/… is kept for AWS' own services")
    ),
]


class Figure(Model):
    """A metric of the agent's."""

    plugin: Literal["mem", "swap", "disk", "procstat"] = Field(
        description="section of the agent's configuration"
    )
    measurement: Text = Field(description="its name in that section")
    tags: tuple[Text, ...] = Field(
        default=(), description="dimensions that the plugin itself gives it, besides InstanceId"
    )


class Agent(Model):
    """What the CloudWatch agent publishes, and under which dimensions: its configuration and its alarms."""

    namespace: Namespace
    interval_s: Literal[60] = Field(description="seconds between two measurements; a finer metric costs more")
    delay_s: PositiveInt = Field(description="seconds for which it collects figures before it sends them")
    paths: tuple[AbsolutePath, ...] = Field(min_length=1, description="mount points that are measured")
    ignored_file_systems: tuple[Text, ...]
    dimensions: tuple[tuple[Text, ...], ...] = Field(
        min_length=1, description="sets of dimensions by which figures are put together"
    )
    figures: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Figure] = Field(
        min_length=1, description="by the name of the metric in CloudWatch"
    )
    source: Text

    def published(self, metric: str) -> frozenset[frozenset[str]]:
        """Return the sets of dimensions that a metric is found under, apart from the plugin's own."""
        own = {INSTANCE, *self.figures[metric].tags}
        if own == {INSTANCE}:
            return frozenset({frozenset(own)})
        # The agent puts together what has more dimensions than the set, and all of the set's.
        return frozenset(frozenset(names) for names in self.dimensions if set(names) < own)


class Heartbeats(Model):
    """How CloudWatch is told the age of what the catalogue's heartbeats name, and when it is alarmed."""

    namespace: Namespace
    period_s: Literal[60, 120, 180, 240, 300]
    evaluate: PositiveInt = Field(description="N: periods that are looked at")
    breaching: PositiveInt = Field(description="M: of these, how many must breach")
    priority: Priority
    when: When = When()
    source: Text

    @model_validator(mode="after")
    def _m_of_n(self) -> "Heartbeats":
        if self.breaching > self.evaluate:
            raise ValueError(f"breaching: {self.breaching} of evaluate: {self.evaluate} can never be reached")
        return self


class Paging(Model):
    """The one alarm of a server that wakes somebody, and the clock that keeps it quiet in maintenance."""

    runbook: EntryId
    lead_s: Annotated[Int, Field(ge=1, le=3600)] = Field(
        description="seconds before the window from which the clock is on"
    )
    wait_s: PositiveInt = Field(description="seconds for which a page waits for the clock to go on")
    extension_s: PositiveInt = Field(description="seconds for which it stays quiet after the window")
    clock_metric: Text = Field(description="of AWS/EC2, by whose times of day the clock goes")
    source: Text


class CloudWatchTable(Model):
    """The whole file."""

    agent: Agent
    heartbeats: Heartbeats
    paging: Paging
    log_days: Int = Field(ge=1, description="days for which logs are kept in CloudWatch")
