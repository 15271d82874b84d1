"""How a server is watched: the parts of `managed_server.spec` that Nagios and CloudWatch get."""

from dataclasses import dataclass

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
    """A CloudWatch alarm on one server. Period in seconds."""

    id: str
    metric: str
    namespace: str
    statistic: str
    comparison: str
    threshold: int
    period_s: int
    evaluate: int
    breaching: int
    missing: str
    priority: Priority
    ec2_action: str | None
    runbook: str
    description: str

    @property
    def detection_s(self) -> int:
        """Worst case from the fault to the alarm, in seconds: N periods, and the one it began in."""
        return self.period_s * (self.evaluate + 1)

    @property
    def own(self) -> bool:
        """Whether the server itself publishes the figure: AWS keeps the names ``AWS/…`` for its services."""
        return not self.namespace.startswith("AWS/")
