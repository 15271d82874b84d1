"""The maintenance window as metric math, so that CloudWatch itself knows when a server is in it.

An alarm on this math suppresses the pages of the server's other alarms: no program has to run for that.
"""

from managed_server.proofs.calendars import WEEK, Span

METRIC = "clock"
"""Id of the metric whose times of day are asked for; its values don't matter."""
MINUTE = "minute"
"""Id of the first expression."""


def expressions(window: Span, lead_s: int) -> tuple[str, str]:
    """Return the minute of the week, from Monday 00:00 UTC, and what is 1 in the window and 0 else.

    Args:
        window: of the server.
        lead_s: seconds before it from which it counts; whole minutes, rounded up.

    Raises:
        ValueError: if it would never be over.
    """
    lead = -(-lead_s // 60)
    if lead + window.minutes >= WEEK:
        raise ValueError(f"a window of {window.minutes} minutes a week is never over")
    begin, end = (window.begin - lead) % WEEK, window.end % WEEK
    minute = f"(DAY({METRIC})-1)*1440+HOUR({METRIC})*60+MINUTE({METRIC})"
    within = "AND" if begin < end else "OR"
    return minute, f"IF({MINUTE}>={begin} {within} {MINUTE}<{end},1,0)"
