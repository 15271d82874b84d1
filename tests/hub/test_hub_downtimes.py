"""A planned reboot pages nobody, and nothing else is hidden."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.downtimes import AHEAD, AUTHOR, begin, commands, known
from hub.members import judge
from tests.hub.support import Bucket

HOUR = timedelta(hours=1)


def member(day="sunday", time="03:00"):
    bucket = Bucket()
    bucket.join(maintenance={"day": day, "reboot": "if-needed", "time": time})
    return judge(bucket, {}).members["example-web1"]


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "begins"),
    [
        ("2026-11-25 12:00", "2026-11-29 03:00"),  # a Wednesday
        ("2026-11-29 02:59", "2026-11-29 03:00"),
        ("2026-11-29 03:00", "2026-11-29 03:00"),
        ("2026-11-29 03:59", "2026-11-29 03:00"),
        ("2026-11-29 04:00", "2026-12-06 03:00"),
        ("2026-12-31 23:59", "2027-01-03 03:00"),
    ],
)
def test_the_window_that_is_meant(now, begins):
    assert begin(member(), utc(now), HOUR) == utc(begins)


def test_a_window_over_midnight():
    late = member("sunday", "23:30")
    assert begin(late, utc("2026-11-30 00:15"), HOUR) == utc("2026-11-29 23:30")
    assert begin(late, utc("2026-11-30 00:30"), HOUR) == utc("2026-12-06 23:30")


@given(
    st.integers(1_767_225_600, 2_082_758_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.integers(10, 720),
    st.sampled_from(["monday", "thursday", "sunday"]),
    st.sampled_from(["00:00", "03:00", "23:59"]),
)
def test_the_window_is_on_its_day_and_is_not_over(now, minutes, day, time):
    length = timedelta(minutes=minutes)
    found = begin(member(day, time), now, length)
    assert found.strftime("%A %H:%M").lower() == f"{day} {time}"
    assert now < found + length
    assert found - now <= timedelta(days=7)


def test_nagios_is_told_once_and_shortly_before():
    web1, start = member(), utc("2026-11-29 03:00")
    assert list(commands([web1], set(), start - AHEAD - timedelta(seconds=1), HOUR)) == []
    now = start - AHEAD
    lines = list(commands([web1], set(), now, HOUR))
    first, end = int(start.timestamp()), int((start + HOUR).timestamp())
    told = f"example-web1;{first};{end};1;0;3600;{AUTHOR};maintenance window\n"
    stamp = int(now.timestamp())
    assert lines == [
        f"[{stamp}] SCHEDULE_HOST_DOWNTIME;{told}",
        f"[{stamp}] SCHEDULE_HOST_SVC_DOWNTIME;{told}",
    ]
    assert list(commands([web1], {("example-web1", first)}, now, HOUR)) == []
    assert list(commands([web1], {("other-web1", first)}, now, HOUR)) == lines
    late = list(commands([web1], set(), start + timedelta(minutes=30), HOUR))
    assert len(late) == 2, "a hub that was down when the window began"
    assert f";{first};{end};" in late[0]


STATUS = """
hostdowntime {
	host_name=example-web1
	downtime_id=1
	start_time=1796007600
	author=managed
	comment=maintenance window
	}

hostdowntime {
	host_name=acme-db
	start_time=1796007600
	author=erin
	comment=author=managed
	}

servicedowntime {
	host_name=acme-db
	start_time=1796007600
	author=managed
	}
"""


def test_what_nagios_knows_is_its_own_word():
    assert known(STATUS) == {("example-web1", 1796007600)}
    assert known("") == set()
