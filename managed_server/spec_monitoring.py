"""How a server is watched: the parts of `managed_server.spec` that Nagios and CloudWatch get."""

from dataclasses import dataclass

from managed_server.model.cloudwatch import Agent, Paging
from managed_server.model.contract import Priority


@dataclass(frozen=True, slots=True)
class Check:
    """A Nagios check through NRPE. Periods in seconds."""

    origin: str
    name: str
    nrpe_command: str
    command: str
    description: str
    priority: Priority
    objective_minutes: int | None
    runbook: str
    interval_s: int
    retry_s: int
    attempts: int
    renotify_s: int
    timeout_s: int
    counts: str
    in_sla: bool

    @property
    def detection_s(self) -> int:
        """Worst case from the fault to the page, in seconds.

        The fault comes just after a good run; each further attempt waits for its retry; the last one may
        take its whole time-out. Age checks count from the moment the age is exceeded, so it is the same sum.
        """
        return self.interval_s + (self.attempts - 1) * self.retry_s + self.timeout_s


@dataclass(frozen=True, slots=True)
class Alarm:
    """A CloudWatch alarm on one server. Times in seconds."""

    id: str
    metric: str
    share_of: str | None
    """Metric of which the first is looked at as a percentage; none: as it is."""
    namespace: str
    dimensions: tuple[tuple[str, str], ...]
    """Besides the instance: name and value of each."""
    statistic: str
    comparison: str
    threshold: int
    period_s: int
    evaluate: int
    breaching: int
    missing: str
    priority: Priority
    wakes: str
    """Who tells the engineer on call: ``itself``, ``server`` (its one alarm for that), or ``nobody``."""
    delay_s: int
    """Until a figure is published, and until the page goes out, on top of the periods."""
    ec2_action: str | None
    runbook: str
    description: str

    @property
    def detection_s(self) -> int:
        """Worst case from the fault to the page, in seconds: N periods, the one it began in, and delays."""
        return self.period_s * (self.evaluate + 1) + self.delay_s

    @property
    def own(self) -> bool:
        """Whether the server itself publishes the figure: AWS keeps the names ``AWS/…`` for its services."""
        return not self.namespace.startswith("AWS/")

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that it looks at."""
        return (self.metric,) if self.share_of is None else (self.metric, self.share_of)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """An age that the server tells CloudWatch: the metric, and the check's command, which says it."""

    metric: str
    command: str


@dataclass(frozen=True, slots=True)
class CloudWatch:
    """What a server on AWS tells CloudWatch by itself, and how its alarms wake somebody."""

    agent: Agent
    processes: tuple[str, ...]
    """That the agent counts."""
    log_group: str
    logs: tuple[str, ...]
    log_days: int
    heartbeat_namespace: str
    heartbeats: tuple[Heartbeat, ...]
    paging: Paging
    quiet: tuple[str, str]
    """Metric math for the clock of the maintenance window: the minute of the week, and 1 in the window."""
