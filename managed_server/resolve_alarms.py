"""What CloudWatch watches of a server, and what the server tells it: gathered like all other sections."""

from collections.abc import Iterator

from managed_server import spec
from managed_server.maintenance_clock import expressions
from managed_server.model.catalogue_items import Absent, CheckIntent
from managed_server.model.cloudwatch import Agent
from managed_server.model.contract import Priority
from managed_server.model.tables import Alarm
from managed_server.proofs import schedule
from managed_server.resolve_server import Gatherer

ROOT = "/"
"""The path whose alarm has no path in its id."""


def alarms(gather: Gatherer) -> tuple[spec.Alarm, ...]:
    """Return the alarms that apply to the server, by id."""
    agent = _agent(gather)
    found = [
        _alarm(gather, f"{alarm_id}{_suffix(path)}", alarm, path)
        for alarm_id, alarm in gather.project.alarms.alarms.items()
        if gather.holds(alarm)
        for path in (agent.paths if alarm.each else (None,))
    ]
    found += [_too_old(gather, origin, intent) for origin, intent in _heartbeats(gather)]
    return tuple(sorted(found, key=lambda alarm: alarm.id))


def cloudwatch(gather: Gatherer, stack: str, name: str) -> spec.CloudWatch:
    """Return what a stack's server tells CloudWatch, and when its alarms are quiet."""
    table, maintenance = gather.project.cloudwatch, gather.server.maintenance
    window = schedule.weekly(gather.project, maintenance.day, maintenance.time)
    checks = {check.name: check for check in gather.checks}
    names = [f"{origin}-{intent.name}" for origin, intent in _heartbeats(gather)]
    return spec.CloudWatch(
        agent=_agent(gather),
        processes=_installed_processes(gather),
        log_group=f"/managed-server/{stack}/servers/{name}",
        logs=gather.parts("cloudwatch", "logs"),
        log_days=table.log_days,
        heartbeat_namespace=table.heartbeats.namespace,
        heartbeats=tuple(spec.Heartbeat(name, checks[name].command) for name in sorted(names)),
        paging=table.paging,
        quiet=expressions(window, table.paging.lead_s),
    )


def _agent(gather: Gatherer) -> Agent:
    """Return what the server's agent publishes: its configuration and its alarms are both made of it."""
    agent = gather.project.cloudwatch.agent
    more = [path for path in gather.parts("cloudwatch", "paths") if path not in agent.paths]
    return agent.model_copy(update={"paths": (*agent.paths, *more)}) if more else agent


def _suffix(path: str | None) -> str:
    return "" if path is None or path == ROOT else path.replace("/", "-")


def _alarm(gather: Gatherer, alarm_id: str, alarm: Alarm, path: str | None) -> spec.Alarm:
    agent = gather.project.cloudwatch.agent
    wakes = _wakes(gather, alarm.priority, alone=alarm.alone)
    same = set(spec.Alarm.__dataclass_fields__) & set(Alarm.model_fields)
    return spec.Alarm(
        id=alarm_id,
        dimensions=(("path", path),) if path is not None else (),
        wakes=wakes,
        delay_s=_waits(gather, wakes) + (agent.delay_s if alarm.namespace == agent.namespace else 0),
        **{name: getattr(alarm, name) for name in same},
    )


def _wakes(gather: Gatherer, priority: Priority, *, alone: bool = False) -> str:
    if gather.project.contract.priority(priority).escalation.route != "page":
        return "nobody"
    return "itself" if alone else "server"


def _waits(gather: Gatherer, wakes: str) -> int:
    """Return for how many seconds a page waits: it might be that the maintenance window just begins."""
    return gather.project.cloudwatch.paging.wait_s if wakes == "server" else 0


def _heartbeats(gather: Gatherer) -> Iterator[tuple[str, CheckIntent]]:
    """Yield (entry id, check) for the checks whose age CloudWatch watches as well."""
    if not gather.holds(gather.project.cloudwatch.heartbeats):
        return
    wanted = {
        (chosen.id, name)
        for chosen in gather.chosen
        if not isinstance(chosen.entry.cloudwatch, Absent)
        for name in chosen.entry.cloudwatch.heartbeats
    }
    for origin, intent in gather.section("checks"):
        if (origin, intent.name) in wanted:
            yield origin, intent


def _too_old(gather: Gatherer, origin: str, intent: CheckIntent) -> spec.Alarm:
    """Return the alarm of a heartbeat: at the age at which its check is critical."""
    table, kind = gather.project.cloudwatch.heartbeats, gather.project.checks.kinds[intent.check]
    if kind.oldest is None:
        raise ValueError(f"checks of the kind {intent.check!r} say no age")
    limit = intent.args.get(kind.oldest.argument, kind.args[kind.oldest.argument].default)
    title = next(chosen.entry.title for chosen in gather.chosen if chosen.id == origin)
    wakes = _wakes(gather, table.priority)
    return spec.Alarm(
        id=f"heartbeat-{origin}-{intent.name}",
        metric=f"{origin}-{intent.name}",
        share_of=None,
        namespace=table.namespace,
        dimensions=(),
        statistic="Maximum",
        comparison="GreaterThanThreshold",
        threshold=int(limit or 0) * kind.oldest.seconds,
        period_s=table.period_s,
        evaluate=table.evaluate,
        breaching=table.breaching,
        missing="breaching",
        priority=table.priority,
        wakes=wakes,
        delay_s=_waits(gather, wakes),
        ec2_action=None,
        runbook=intent.runbook,
        description=f"{title}: {intent.description} - too old, or CloudWatch is not told of it",
    )


def _installed_processes(gather: Gatherer) -> tuple[str, ...]:
    """Return the processes to count; what a person may install or not is watched by Nagios alone."""
    found = {
        name
        for chosen in gather.chosen
        if chosen.entry.installable is True and not isinstance(chosen.entry.cloudwatch, Absent)
        for name in chosen.entry.cloudwatch.processes
    }
    return tuple(sorted(found))
