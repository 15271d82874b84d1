"""Scans, dumps, backups, upgrades and reboots don't overlap."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from managed_server import spec
from managed_server.model.customer import Server
from managed_server.project import Project
from managed_server.proofs.calendars import DAY, DAYS, WEEK, Span, clock, meetings, starts

WINDOW = "the maintenance window"


@dataclass(frozen=True, slots=True)
class Job:
    """A timer: what the proof has to know of it. Minutes."""

    name: str
    calendar: str
    random_delay: int
    timeout: int | None


def window_minutes(project: Project) -> int:
    """Return how long a maintenance window is, in minutes."""
    figure = project.limits.schedule.window.minutes
    return int(project.entries[figure.entry].general.settings[figure.setting].default)


def window(project: Project, server: spec.ServerSpec) -> Span:
    """Return the server's weekly maintenance window."""
    return weekly(project, server.maintenance.day, server.maintenance.time)


def weekly(project: Project, day: str, time: str) -> Span:
    """Return the maintenance window that begins on a day of each week, at a time such as ``07:00``."""
    hour, minute = time.split(":")
    return Span(WINDOW, DAYS.index(day) * DAY + int(hour) * 60 + int(minute), window_minutes(project))


def jobs(server: spec.ServerSpec) -> tuple[Job, ...]:
    """Return the jobs that the catalogue's timers start."""
    return tuple(
        Job(timer.name, timer.calendar, timer.random_delay_minutes, timer.timeout_minutes)
        for timer in server.timers
    )


def spans(project: Project, found: Iterable[Job]) -> tuple[list[Span], list[str]]:
    """Return when jobs run as a rule, and what is wrong with them by themselves."""
    known = project.limits.schedule.jobs
    result: list[Span] = []
    wrong: list[str] = []
    for job in found:
        try:
            begins = starts(job.calendar)
        except ValueError as error:
            wrong.append(f"{job.name}: {error}")
            continue
        if begins is None:  # more often than hourly: small things that anything may overlap
            continue
        if job.name not in known:
            wrong.append(
                f"{job.name} runs by the clock, and contract/limits.yaml doesn't say for how long: add it to "
                "schedule.jobs"
            )
            continue
        result += [Span(job.name, begin, job.random_delay + known[job.name]) for begin in begins]
        gap = min((b - a for a, b in zip(begins, [*begins[1:], begins[0] + WEEK], strict=True)), default=WEEK)
        if job.timeout is not None and job.random_delay + job.timeout >= gap:
            wrong.append(
                f"{job.name} may run for {job.timeout} minutes and begin {job.random_delay} minutes late, "
                f"into its next run after {gap}: shorten its timeout"
            )
    return result, wrong


def clashes(project: Project, server: spec.ServerSpec) -> Iterator[str]:
    """Yield where the catalogue's own jobs overlap each other, and what is wrong with them."""
    found, wrong = spans(project, jobs(server))
    yield from wrong
    yield from (_say(one, other) for one, other in meetings(found))


def window_clashes(project: Project, server: spec.ServerSpec) -> Iterator[str]:
    """Yield where a job overlaps the maintenance window that the stack file names."""
    found, _ = spans(project, jobs(server))
    yield from _with_window(project, server, found)


def _with_window(project: Project, server: spec.ServerSpec, found: list[Span]) -> Iterator[str]:
    own = window(project, server)
    for job in dict.fromkeys(span.who for span in found):
        for span in found:
            if span.who == job and span.meets(own):
                yield f"{_say(own, span)}; {_free(own, found)}"
                break


def _free(own: Span, found: list[Span]) -> str:
    """Name a time of that day at which the window would meet nothing: the usual one, if it is free."""
    midnight = own.begin // DAY * DAY
    hour, minute = Server.model_fields["maintenance"].default.time.split(":")
    for time in (int(hour) * 60 + int(minute), *range(0, DAY, 30)):
        moved = Span(own.who, midnight + time, own.minutes)
        if not any(moved.meets(span) for span in found):
            return f'write time: "{clock(time)}"'
    return "choose another day"


def _say(one: Span, other: Span) -> str:
    return f"{one.who} ({one}) overlaps {other.who} ({other})"


# --- what packages bring, of which only the rendered files tell ------------------------------------------

_TIMER = re.compile(r".*/systemd/system/(?P<unit>[^/]+\.timer)(?:\.d/[^/]+\.conf)?")
_SECONDS = {"": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600, "hours": 3600}


def rendered_jobs(files: Mapping[str, bytes]) -> tuple[Job, ...]:
    """Return the jobs that rendered units of timers start; files are contents by path.

    Raises:
        ValueError: for a random delay that isn't understood here.
    """
    found = []
    for path, content in files.items():
        unit = _TIMER.fullmatch(path)
        text = content.decode() if unit else ""
        calendars = re.findall(r"(?m)^OnCalendar=(.+)$", text)
        if unit and calendars:
            delay = re.search(r"(?m)^RandomizedDelaySec=([0-9]+) ?([a-z]*)$", text)
            if "RandomizedDelaySec" in text and (delay is None or delay[2] not in _SECONDS):
                raise ValueError(f"the random delay in {path} isn't understood; write it as 15min")
            seconds = int(delay[1]) * _SECONDS[delay[2]] if delay else 0
            found += [Job(unit["unit"], calendar, -(-seconds // 60), None) for calendar in calendars]
    return tuple(found)


def rendered_clashes(project: Project, server: spec.ServerSpec, files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield where what packages start overlaps the catalogue's jobs or the maintenance window."""
    try:
        timers = rendered_jobs(files)
    except ValueError as error:
        yield str(error)
        return
    opens = project.limits.schedule.window.unit
    own = {f"managed-{timer.name}.timer" for timer in server.timers}
    packages, wrong = spans(project, [job for job in timers if job.name not in own | {opens}])
    yield from wrong
    ours, _ = spans(project, jobs(server))
    for one, other in meetings([*packages, *ours]):
        if not {one.who, other.who} <= {span.who for span in ours}:
            yield _say(one, other)
    yield from _with_window(project, server, packages)
    begins = [start for job in timers if job.name == opens for start in starts(job.calendar) or ()]
    if begins != [window(project, server).begin]:
        yield f"{opens} doesn't open the window at the time of the stack file, and at no other"
