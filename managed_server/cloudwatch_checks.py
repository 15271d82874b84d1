"""What must hold between what CloudWatch is told and what its alarms wait for, whoever the customer is."""

from collections.abc import Iterator
from typing import Any

from managed_server.loading import Document, nearest
from managed_server.model.catalogue_items import Absent
from managed_server.model.cloudwatch import INSTANCE
from managed_server.problems import Path, Problem
from managed_server.project import EntryFile, Project


def check_cloudwatch(project: Project, documents: dict[str, Document]) -> Iterator[Problem]:
    """Yield alarms on what nobody publishes, figures that nobody watches, and heartbeats without an age."""
    yield from _alarms(project, documents["alarms"])
    yield from _figures(project, documents["cloudwatch"])
    for entry in project.entries.values():
        yield from _heartbeats(project, entry)


def _alarms(project: Project, document: Document) -> Iterator[Problem]:
    agent = project.cloudwatch.agent
    for alarm_id, alarm in project.alarms.alarms.items():
        at: Path = ("alarms", alarm_id)
        if alarm.namespace != agent.namespace:
            if alarm.each is not None:
                yield document.problem((*at, "each"), f"only what is published in {agent.namespace} has one")
            continue
        wanted = frozenset({INSTANCE, *([alarm.each] if alarm.each else [])})
        for field, metric in (("metric", alarm.metric), ("share_of", alarm.share_of)):
            if metric is None:
                continue
            if metric not in agent.figures:
                yield document.problem(
                    (*at, field),
                    f"{metric!r} is no figure of catalogue/cloudwatch.yaml{nearest(metric, agent.figures)}",
                )
            elif wanted not in agent.published(metric):
                yield document.problem(
                    (*at, field),
                    f"{metric!r} is not published under {' and '.join(sorted(wanted))} alone: it would never "
                    "go off; add that set to agent.dimensions of catalogue/cloudwatch.yaml",
                )


def _figures(project: Project, document: Document) -> Iterator[Problem]:
    agent = project.cloudwatch.agent
    watched = {
        metric
        for alarm in project.alarms.alarms.values()
        if alarm.namespace == agent.namespace
        for metric in (alarm.metric, alarm.share_of)
    }
    for metric in agent.figures:
        if metric not in watched:
            yield document.problem(
                ("agent", "figures", metric), "no alarm watches it, and each is paid for; take it out"
            )


def _heartbeats(project: Project, entry: EntryFile[Any]) -> Iterator[Problem]:
    general = entry.general
    if isinstance(general.cloudwatch, Absent):
        return
    checks = {} if isinstance(general.checks, Absent) else {check.name: check for check in general.checks}
    for index, name in enumerate(general.cloudwatch.heartbeats):
        at: Path = ("cloudwatch", "heartbeats", index)
        if name not in checks:
            yield entry.document.problem(at, f"{name!r} is no check of this entry{nearest(name, checks)}")
            continue
        kind = project.checks.kinds.get(checks[name].check)
        if kind is not None and kind.oldest is None:
            yield entry.document.problem(
                at, f"checks of the kind {checks[name].check!r} say no age; name one that does"
            )
