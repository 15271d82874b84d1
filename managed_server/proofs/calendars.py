"""When jobs run: the part of systemd.time's calendar expressions that timers here are written in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY, WEEK = 24 * 60, 7 * 24 * 60
"""Minutes."""

_EXPRESSION = re.compile(
    r"(?:(?P<days>[A-Za-z]+(?:(?:,|\.\.)[A-Za-z]+)*) )?"
    r"(?:(?P<date>[0-9*/,-]+-[0-9*/,~-]+-[0-9*/,~-]+) )?"
    r"(?P<hour>[0-9*/,]+):(?P<minute>[0-9*/,]+)(?::(?P<second>[0-9*/,.]+))?(?: UTC)?"
)
_SHORT = {"hourly": "*-*-* *:00:00", "daily": "*-*-* 00:00:00", "weekly": "Mon *-*-* 00:00:00"}


def starts(expression: str) -> tuple[int, ...] | None:
    """Return the minutes of a week, from Monday 00:00 UTC, in which a timer elapses.

    A date that isn't every one counts as every one: a job of each month may fall on any day. None: hourly or
    more often, so that it has no time of its own.

    Raises:
        ValueError: for an expression that isn't understood here.
    """
    found = _EXPRESSION.fullmatch(_SHORT.get(expression, expression))
    if found is None:
        raise ValueError(f"the calendar {expression!r} isn't understood; write it as: Sun *-*-* 03:30:00")
    days, hours, minutes = _days(found["days"]), _values(found["hour"], 24), _values(found["minute"], 60)
    if len(hours) == len(range(24)):
        return None
    return tuple(
        sorted(day * DAY + hour * 60 + minute for day in days for hour in hours for minute in minutes)
    )


def _days(text: str | None) -> list[int]:
    if text is None:
        return list(range(7))
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("..")
        begin, end = _day(first), _day(last or first)
        found |= {day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)}
    return sorted(found)


def _day(text: str) -> int:
    for index, name in enumerate(DAYS):
        if text.lower() in (name, name[:3]):
            return index
    raise ValueError(f"{text!r} is no day of the week")


def _values(text: str, size: int) -> list[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, _, step = part.partition("/")
        if first == "*" and not step:
            found |= set(range(size))
        elif step:
            found |= set(range(0 if first == "*" else int(first), size, int(step)))
        else:
            found.add(int(first))
    if not found <= set(range(size)):
        raise ValueError(f"{text!r} is no time of day")
    return sorted(found)


@dataclass(frozen=True, slots=True)
class Span:
    """Some minutes of the week that belong to somebody; the end may be past the week's end."""

    who: str
    begin: int
    minutes: int

    @property
    def end(self) -> int:
        """The minute at which it is over."""
        return self.begin + self.minutes

    def meets(self, other: "Span") -> bool:
        """Tell whether the two have a minute in common, around the end of the week as well."""
        return any(
            self.begin < other.end + shift and other.begin + shift < self.end for shift in (-WEEK, 0, WEEK)
        )

    def __str__(self) -> str:
        every_day = clock(self.begin), clock(self.end)
        return f"{DAYS[self.begin // DAY % 7]} {every_day[0]} to {every_day[1]}"


def clock(minute: int) -> str:
    """Write a minute of the week as a time of day."""
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


def meetings(spans: list[Span]) -> Iterator[tuple[Span, Span]]:
    """Yield the first meeting of any two, in the order of the week."""
    seen: set[tuple[str, str]] = set()
    ordered = sorted(spans, key=lambda span: (span.begin, span.who))
    late = [(index, span) for index, span in enumerate(ordered) if span.end > WEEK]
    for index, span in enumerate(ordered):
        near = (
            index + 1
        )  # others up to here begin before this one ends; behind it, some go past the week's end
        while near < len(ordered) and ordered[near].begin < span.end:
            near += 1
        for other in (*ordered[index + 1 : near], *(one for place, one in late if place >= near)):
            if span.who != other.who and (span.who, other.who) not in seen and span.meets(other):
                seen |= {(span.who, other.who), (other.who, span.who)}
                yield span, other
