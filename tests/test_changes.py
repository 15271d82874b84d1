"""What a stack file may not do to servers that stand."""

import dataclasses
import datetime

import pytest

from managed_server.changes import refusals
from tests import factories

SUNDAY = datetime.datetime(2026, 12, 6, 3, 0, tzinfo=datetime.UTC)
"""When the window of the server of factories begins."""
STANDING = {
    "instance_id": "i-1",
    "address": "192.0.2.9",
    "instance_type": "t3.large",
    "architecture": "amd64",
    "disk_gb": 80.0,
    "debian": 13.0,
}


def refused(customer, now=SUNDAY, **standing):
    return refusals(customer, standing or {"web1": STANDING}, now)


def changed(now=SUNDAY, **changes):
    return refused(factories.customer(factories.server(**changes)), now)


def test_what_stands_as_it_is_written_is_let_pass():
    assert changed() == []
    assert refusals(factories.customer(), {}, SUNDAY) == []


def test_a_server_of_an_update_before_these_facts_were_kept_is_let_pass():
    assert refused(factories.customer(), web1={"instance_id": "i-1"}) == []


def test_a_renamed_server_is_refused_with_the_two_ways():
    [refusal] = refused(factories.customer(factories.server("www1")))
    assert refusal.server == "web1"
    assert refusal.preview
    assert "isn't renamed" in refusal.message
    assert "keep the name, or add a new server" in refusal.message
    assert "`retire: true` for web1" in refusal.message


def test_a_server_that_leaves_is_ended_by_its_command():
    [refusal] = refused(factories.customer(factories.server("db1"), retiring=("web1",)))
    assert "`managed retire acme web1` takes its last backup" in refusal.message
    [refusal] = refused(factories.customer(factories.server("db1"), retiring=("web1",), retires=True))
    assert "`managed retire acme` takes its last backup" in refusal.message


def test_a_server_does_not_move():
    [refusal] = changed(hosting="elsewhere", instance_type="", address="198.51.100.20")
    assert refusal.message.startswith(
        "hosting: it stands on AWS, and a server doesn't move: write its lines back"
    )
    assert "add a new server elsewhere beside it" in refusal.message
    far = {"web1": {"address": "198.51.100.20"}}
    [refusal] = refused(factories.customer(), **far)
    assert "it stands elsewhere" in refusal.message
    there = factories.server(hosting="elsewhere", instance_type="", address="198.51.100.21")
    assert refused(factories.customer(there), **far) == [], "its machine may have another address"


@pytest.mark.parametrize("hosting", ["aws", "elsewhere"])
def test_the_debian_of_a_server_that_stands_stays(hosting):
    facts = {"aws": STANDING, "elsewhere": {"address": "198.51.100.20", "debian": 13.0}}[hosting]

    def with_release(release, known):
        return refused(factories.customer(factories.server(hosting=hosting, debian=release)), web1=known)

    assert with_release(13, facts) == []
    for release in (12, 14):
        [refusal] = with_release(release, facts)
        assert refusal.preview
        assert refusal.message == (
            f"debian: it runs Debian 13, and refuses the bundles of another: write `debian: 13`, add a new "
            f"server with {release} beside it, move the data, and write `retire: true` for web1"
        )
    before = {name: value for name, value in facts.items() if name != "debian"}
    assert with_release(12, before) == [], "a stack from before it was kept"


def test_a_bigger_disk_is_let_pass_and_a_smaller_one_is_not():
    assert changed(disk_gb=81) == []
    [refusal] = changed(disk_gb=79)
    assert refusal.preview
    assert refusal.message == "disk_gb: it has 80 GB, and no disk shrinks: write 80 or more"


def test_a_data_volume_grows_and_does_nothing_else():
    stands = {"web1": {**STANDING, "data_gb": 50.0}}

    def with_volume(gb):
        data = None if gb is None else dataclasses.replace(factories.DATA, gb=gb)
        return refused(factories.customer(factories.server(data=data)), **stands)

    assert with_volume(50) == with_volume(51) == []
    [refusal] = with_volume(49)
    assert refusal.preview
    assert refusal.message == "data_gb: the volume has 50 GB, and none shrinks: write 50 or more"
    [refusal] = with_volume(None)
    assert refusal.preview
    assert "would be cut off: write `data_gb: 50` back" in refusal.message
    assert "`retire: true` for web1" in refusal.message


def test_a_server_that_stands_gets_no_data_volume():
    [refusal] = changed(data=factories.DATA)
    assert refusal.preview
    assert "an empty one would be mounted over its data: take the line out" in refusal.message
    assert "add a new server with it beside this one" in refusal.message
    new = {"web1": {"instance_id": "i-1"}}
    assert refused(factories.customer(factories.server(data=factories.DATA)), **new) == []


def test_another_architecture_is_refused_at_any_time():
    [refusal] = changed(instance_type="t4g.large", architecture="arm64")
    assert refusal.preview
    assert "what is on its disk is for amd64" in refusal.message


@pytest.mark.parametrize(
    ("now", "may"),
    [
        (SUNDAY, True),
        (SUNDAY + datetime.timedelta(minutes=59, seconds=59), True),
        (SUNDAY + datetime.timedelta(minutes=60), False),
        (SUNDAY - datetime.timedelta(seconds=1), False),
        (SUNDAY + datetime.timedelta(days=1), False),
        (SUNDAY + datetime.timedelta(days=7), True),
    ],
)
def test_another_size_is_let_pass_in_the_window(now, may):
    found = changed(now, instance_type="t3.xlarge")
    assert found == [] if may else len(found) == 1


def test_a_window_over_midnight_at_the_end_of_the_week():
    late = factories.server(
        instance_type="t3.xlarge", maintenance=factories.spec.Maintenance("sunday", "23:30", "never")
    )
    monday = datetime.datetime(2026, 12, 7, 0, 29, tzinfo=datetime.UTC)
    assert refused(factories.customer(late), monday) == []
    assert len(refused(factories.customer(late), monday + datetime.timedelta(minutes=1))) == 1


def test_another_size_outside_the_window_wants_a_day_and_holds_on_that_day_alone():
    now = datetime.datetime(2026, 12, 8, 12, 0, tzinfo=datetime.UTC)
    [refusal] = changed(now, instance_type="t3.xlarge")
    assert not refusal.preview, "a preview shows what would be done"
    assert "t3.large becomes t3.xlarge, which stops the server" in refusal.message
    assert "(sunday 03:00 UTC, 60 minutes), or agree on a day" in refusal.message
    assert '`resize: "2026-12-08"`' in refusal.message
    assert changed(now, instance_type="t3.xlarge", resize=now.date()) == []
    assert len(changed(now + datetime.timedelta(days=1), instance_type="t3.xlarge", resize=now.date())) == 1
