"""The clock of the maintenance window, and what a suppressor does with it: who is woken, and when.

The local AWS keeps an alarm's expression and a composite's rule, and evaluates neither. So the expression is
evaluated here, for every minute of a week, and suppression is played as CloudWatch's user guide describes it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import CodeType

import pytest

from managed_server.inputs import load_project
from managed_server.maintenance_clock import METRIC, MINUTE, expressions
from managed_server.proofs.calendars import DAYS, WEEK, Span
from managed_server.resolve import resolve_stack
from tests.conftest import ROOT

MINUTES = range(WEEK)


# As CloudWatch has them (user guide, metric math): of a time of the week; Monday is 1, Sunday 7.
FUNCTIONS = {
    "DAY": lambda at: at // 1440 + 1,
    "HOUR": lambda at: at % 1440 // 60,
    "MINUTE": lambda at: at % 60,
    "IF": lambda condition, yes, no: yes if condition else no,
}


@cache
def read(expression: str) -> CodeType:
    """An expression of metric math, which Python reads but for two words."""
    return compile(expression.replace(" AND ", " and ").replace(" OR ", " or "), "<metric math>", "eval")


def evaluated(expression: str, **known: int) -> int:
    """What CloudWatch makes of an expression; a metric stands for the minute of the week."""
    return eval(read(expression), {"__builtins__": {}}, {**FUNCTIONS, **known})  # noqa: S307 - our own


def on(window: Span, lead_s: int) -> list[bool]:
    """Whether the clock is on, for each minute of the week."""
    minute, within = expressions(window, lead_s)
    return [bool(evaluated(within, **{MINUTE: evaluated(minute, **{METRIC: at})})) for at in MINUTES]


def span(day: str, time: str, minutes: int) -> Span:
    hour, minute = time.split(":")
    return Span("window", DAYS.index(day) * 1440 + int(hour) * 60 + int(minute), minutes)


WINDOWS = [
    ("sunday", "07:00", 60),
    ("monday", "00:00", 60),
    ("monday", "00:02", 60),
    ("sunday", "23:00", 60),
    ("sunday", "23:30", 60),
    ("wednesday", "23:59", 720),
    ("tuesday", "12:34", 10),
]


@pytest.mark.parametrize(("day", "time", "minutes"), WINDOWS)
def test_it_is_on_in_the_window_and_a_little_before_it_alone(day, time, minutes):
    window = span(day, time, minutes)
    wanted = {at % WEEK for at in range(window.begin - 3, window.end)}
    assert {at for at, is_on in enumerate(on(window, 180)) if is_on} == wanted


@pytest.mark.soak
def test_every_day_and_hour():
    for day in DAYS:
        for hour in range(24):
            window = span(day, f"{hour:02}:15", 60)
            assert sum(on(window, 180)) == 63


def test_a_part_of_a_minute_before_the_window_is_a_whole_one():
    assert expressions(span("friday", "10:00", 30), 61) == expressions(span("friday", "10:00", 30), 120)


def test_a_window_without_an_end_is_refused():
    with pytest.raises(ValueError, match="never over"):
        expressions(Span("window", 0, WEEK - 3), 180)


# --- suppression ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Suppressed:
    """One composite alarm with a suppressor, in seconds of the week."""

    clock: Callable[[int], bool]
    wait_s: int
    extension_s: int

    def paged_at(self, begin: int, end: int) -> int | None:
        """When it acts, if it is on from begin to end; None where it never does."""
        at = begin
        if not self.clock(begin):
            # It waits for the suppressor, which may just be going on.
            goes_on = next((s for s in range(begin, begin + self.wait_s) if self.clock(s)), None)
            if goes_on is None:
                return begin + self.wait_s if end > begin + self.wait_s else None
            at = goes_on
        while self.clock(at):
            at += 1
        at += self.extension_s
        return at if end > at else None


@pytest.fixture(scope="module")
def server():
    return resolve_stack(load_project(ROOT), "example")[0].server("web1")


@pytest.fixture(scope="module", params=[0, 60, 120], ids=lambda lag: f"{lag}s-late")
def composite(server, request):
    """The example's: its clock goes on and off so many seconds late, as it is looked at once a minute."""
    window = span(server.maintenance.day, server.maintenance.time, 60)
    paging = server.cloudwatch.paging
    assert server.cloudwatch.quiet == expressions(window, paging.lead_s)
    minutes = on(window, paging.lead_s)

    def clock(second: int) -> bool:
        return minutes[(second - request.param) // 60 % WEEK]

    return window, Suppressed(clock, paging.wait_s, paging.extension_s)


def waking(server):
    return [alarm for alarm in server.alarms if alarm.wakes == "server"]


def test_whatever_begins_and_ends_in_the_window_wakes_nobody(composite):
    window, suppressed = composite
    for begin in range(window.begin * 60, window.end * 60, 20):
        assert suppressed.paged_at(begin, window.end * 60) is None


def test_what_outlasts_the_window_pages_after_it(composite):
    window, suppressed = composite
    for begin in range(window.begin * 60, window.end * 60, 60):
        at = suppressed.paged_at(begin, begin + 7 * 24 * 3600)
        assert window.end * 60 <= at <= window.end * 60 + 240


def test_outside_the_window_a_fault_is_paged_within_a_third_of_its_objective(composite, server):
    """Just after the window too: then the page still waits, while the fault is being noticed."""
    window, suppressed = composite
    objectives = dict(resolve_stack(load_project(ROOT), "example")[0].objectives)
    assert {alarm.id for alarm in waking(server)} >= {"disk-full", "memory-used", "status-system"}
    # Every second near the window, every ten minutes else.
    near = range(window.end * 60, window.end * 60 + 600)
    far = range(window.end * 60 + 600, (window.begin + WEEK - 30) * 60, 600)
    for alarm in waking(server):
        noticed = alarm.detection_s - suppressed.wait_s
        for fault in [*near, *far]:
            at = suppressed.paged_at(fault + noticed, fault + 24 * 3600)
            assert at - fault <= objectives[alarm.priority] * 60 / 3, (alarm.id, fault)
