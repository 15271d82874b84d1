"""Scans, dumps, backups, upgrades and reboots don't overlap."""

import itertools
import random

import pytest

from managed_server.proofs.calendars import DAY, WEEK, Span, meetings, starts
from managed_server.proofs.schedule import Job, clashes, rendered_jobs, spans, window, window_minutes
from tests.proofs.conftest import FILE, line, refused
from tests.stackfile import STACK, write_stack


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("*-*-* 03:30:00", tuple(day * DAY + 210 for day in range(7))),
        ("Wed *-*-* 13:00:00", (2 * DAY + 780,)),
        ("Sunday *-*-* 07:00:00 UTC", (6 * DAY + 420,)),
        ("Sat..Mon *-*-* 00:00", (0, 5 * DAY, 6 * DAY)),
        ("Mon,Fri 06:15", (375, 4 * DAY + 375)),
        ("*-*-01 01:00:00", tuple(day * DAY + 60 for day in range(7))),
        ("*-*-* 0/12:00:00", tuple(day * DAY + hour for day in range(7) for hour in (0, 720))),
        ("daily", tuple(day * DAY for day in range(7))),
        ("weekly", (0,)),
        ("*:0/5", None),
        ("*:*:20", None),
        ("hourly", None),
    ],
)
def test_calendars(expression, found):
    assert starts(expression) == found


@pytest.mark.parametrize("expression", ["", "now", "Sonday 03:00", "*-*-* 25:00:00", "*-*-* 03:61"])
def test_what_is_not_understood_is_refused(expression):
    with pytest.raises(ValueError, match=r"isn't understood|is no"):
        starts(expression)


@pytest.mark.parametrize(
    ("one", "other", "met"),
    [
        ((0, 60), (60, 60), False),
        ((0, 61), (60, 60), True),
        ((WEEK - 30, 60), (0, 10), True),  # around the end of the week
        ((WEEK - 30, 30), (0, 10), False),
    ],
)
def test_meetings(one, other, met):
    pair = [Span("a", *one), Span("b", *other)]
    assert bool(list(meetings(pair))) == met


def test_meetings_are_those_of_any_two():
    chance = random.Random(1)  # noqa: S311 - the same in every run
    for _ in range(300):
        every = [
            Span(chance.choice("abcdef"), chance.randrange(WEEK), chance.choice((5, DAY, 3 * DAY)))
            for _ in range(chance.randrange(12))
        ]
        ordered = sorted(every, key=lambda span: (span.begin, span.who))
        found: dict[frozenset[str], tuple[Span, Span]] = {}
        for one, other in itertools.combinations(ordered, 2):
            if one.who != other.who and one.meets(other):
                found.setdefault(frozenset({one.who, other.who}), (one, other))
        assert list(meetings(every)) == list(found.values())


def test_the_example_and_the_hub_have_none(project, example, hub):
    for customer in (example, hub):
        for server in customer.servers:
            assert list(clashes(project, server)) == []
    assert window(project, example.servers[0]) == Span(
        "the maintenance window", 6 * DAY + 7 * 60, window_minutes(project)
    )


def test_a_job_that_could_meet_itself(project):
    found, wrong = spans(project, [Job("backup", "*-*-* 03:30:00", 30, 24 * 60)])
    assert len(found) == 7
    assert wrong == [
        (
            "backup may run for 1440 minutes and begin 30 minutes late, into its next run after 1440: "
            "shorten its timeout"
        )
    ]


def test_timers_of_packages_are_read_from_their_files():
    files = {
        "/etc/systemd/system/apt-daily.timer.d/managed.conf": (
            b"[Timer]\nOnCalendar=\nOnCalendar=*-*-* 05:00:00\nRandomizedDelaySec=15min\n"
        ),
        "/etc/systemd/system/other.timer": b"[Timer]\nOnBootSec=5min\n",
        "/etc/systemd/system/other.service": b"OnCalendar=daily\n",
    }
    assert rendered_jobs(files) == (Job("apt-daily.timer", "*-*-* 05:00:00", 15, None),)
    with pytest.raises(ValueError, match="random delay"):
        rendered_jobs({"/etc/systemd/system/x.timer": b"OnCalendar=daily\nRandomizedDelaySec=1month\n"})


PATCHING = "templates/patching/server/etc/systemd/system"


@pytest.mark.parametrize(
    ("path", "old", "new", "at", "said"),
    [
        (
            *(FILE, 'day: sunday, time: "07:00"', 'day: sunday, time: "04:00"', "maintenance"),
            (
                "the maintenance window (sunday 04:00 to 05:00) overlaps backup (sunday 03:30 to 05:00); "
                'write time: "07:00"'
            ),
        ),
        (
            *(FILE, 'day: sunday, time: "07:00"', 'day: sunday, time: "06:30"', "maintenance"),
            "the maintenance window (sunday 06:30 to 07:30) overlaps apt-daily-upgrade.timer",
        ),
        (
            *("catalogue/tools/clamav.yaml", '"*-*-* 02:30:00"', '"*-*-* 03:00:00"', "software"),
            "clamav-scan (monday 03:00 to 04:00) overlaps backup (monday 03:30 to 05:00)",
        ),
        (
            *(f"{PATCHING}/apt-daily.timer.d/managed.conf.j2", "05:00:00", "04:30:00", "maintenance"),
            "backup (monday 03:30 to 05:00) overlaps apt-daily.timer (monday 04:30 to 05:00)",
        ),
        (
            *("contract/limits.yaml", "    clamav-scan: 60\n", "", "software"),
            "clamav-scan runs by the clock, and contract/limits.yaml doesn't say for how long",
        ),
        (
            *(f"{PATCHING}/managed-maintenance.timer.j2", "{{ server.maintenance.time }}:00", "08:00:00"),
            "maintenance",
            "managed-maintenance.timer doesn't open the window at the time of the stack file",
        ),
    ],
    ids=["window in the backup", "window in the upgrades", "jobs", "upgrades", "no length", "another window"],
)
def test_check_refuses(change, path, old, new, at, said):
    refused(change(path, old, new), f"{FILE}:{line(at)}: servers.web1.{at}: {said}")


def test_it_comes_with_all_other_problems(inputs, change):
    """Of one server, and with what is wrong elsewhere in the file."""
    write_stack(
        inputs,
        STACK.replace("term_months: 12", "term_months: 1").replace(
            "        sites:",
            '        maintenance: {day: monday, time: "02:00", reboot: never}\n        sites:',
        ),
    )
    done = change(FILE, "backup_region: eu-west-1", "backup_region: eu-west-2")
    refused(
        done,
        "stacks/Pulumi.acme.yaml:4: contract.term_months: ",
        "stacks/Pulumi.acme.yaml:21: servers.web1.maintenance: the maintenance window (monday 02:00 "
        "to 03:00) overlaps clamav-scan",
        f"{FILE}:{line('backup_region')}: aws.backup_region: ",
    )
