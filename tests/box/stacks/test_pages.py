"""Who is told what, and when not: outages, a planned reboot, and a hub that is gone."""

import json
import re
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.box.stacks.fleet import until
from tests.box.stacks.test_faults import serves
from tests.box.stacks.watching import ask_now, blocks, expected, mails, settle, told

LATE = 300  # seconds; by design at most 90 for an urgent check: how long it took is told, not asserted
HOST = "example-web1"


def field(message, name):
    """What a line of a message says."""
    found = re.search(rf"^{name}: +(.+)$", message.text, re.MULTILINE)
    assert found, message.text
    return found[1]


def mail_of(mail, since, to, subject):
    """The first message to somebody with that subject, or nothing."""
    return next((m for m in mails(mail, since) if m.to == to and m.subject == subject), None)


def hard(hub, name):
    """Whether Nagios is sure that something is critical."""
    return any(
        (it["current_state"], it["state_type"]) == ("2", "1")
        for it in blocks(hub, "servicestatus")
        if (it["host_name"], it["service_description"]) == (HOST, name)
    )


@pytest.fixture(scope="module")
def outage(web1):
    """When nginx was stopped: Nagios notices it at its own pace, and a ticket is asked for meanwhile."""
    began = time.time()
    web1.box.run("systemctl stop nginx", check=True)
    yield began
    web1.box.run("systemctl start nginx", check=True)


@pytest.mark.usefixtures("outage")
def test_what_is_not_urgent_is_a_ticket_and_wakes_nobody(web1, hub_server, mail):
    provider = hub_server.customer.provider
    began = time.time()
    web1.box.run("systemctl stop munin-node", check=True)

    def ticket():
        ask_now(hub_server, [(HOST, "munin-node-port")])  # by itself it would take up to half an hour
        return mail_of(mail, began, provider.ticket_email, f"[normal] {HOST}: munin-node-port is CRITICAL")

    try:
        message = until(ticket, LATE, "no ticket", 3)
    finally:
        web1.box.run("systemctl start munin-node", check=True)
    assert field(message, "Priority") == "normal"
    assert field(message, "Respond") == "within 1 UK working day"
    assert field(message, "Telephone") == (
        "the customer may call once that time has passed without a response; not before"
    )
    assert field(message, "SLA") == "within the service level agreement"
    assert field(message, "Runbook") == "docs/runbooks/monitoring.md"
    woken = [m.subject for m in mails(mail, began) if m.to == provider.page_email]
    assert not [subject for subject in woken if "munin-node" in subject]


def test_an_outage_pages_and_a_second_one_soon_after_pages_again(
    fleet, web1, hub_server, mail, progress, outage
):
    def paged(since, *, asked):
        """The page of an outage, which ends with it; the hub may be asked to look at once."""

        def page():
            if asked:
                ask_now(hub_server, [(HOST, "nginx-status")])
            to = hub_server.customer.provider.page_email
            return mail_of(mail, since, to, f"[urgent] {HOST}: nginx-status is CRITICAL")

        try:
            found = until(page, LATE, "no page", 2)
        finally:
            web1.box.run("systemctl start nginx", check=True)
        progress(f"page after {found.at - since:.0f} s")
        return found

    assert_says_what_a_page_has_to(paged(outage, asked=False))
    settle(fleet, hub_server)
    again = time.time()
    web1.box.run("systemctl stop nginx", check=True)
    assert_says_what_a_page_has_to(paged(again, asked=True))
    settle(fleet, hub_server)


def assert_says_what_a_page_has_to(page):
    assert field(page, "Customer") == "Example Widgets Ltd (example)"
    assert field(page, "What") == "nginx: the status page answers"
    assert field(page, "Priority") == "urgent"
    respond = re.fullmatch(r"within 15 minutes, day and night: by (.+ UTC)", field(page, "Respond"))
    assert respond
    due = datetime.strptime(respond[1], "%A %Y-%m-%d %H:%M %Z").replace(tzinfo=UTC).timestamp()
    assert 15 * 60 <= due - page.at + 30 <= 17 * 60, "counted from the page, rounded up to the minute"
    assert field(page, "Telephone").startswith(f"the customer may call from {respond[1]} on, if nobody")
    assert field(page, "SLA") == "within the service level agreement"
    assert field(page, "Runbook") == "docs/runbooks/web.md"


@pytest.mark.soak  # two minutes
def test_a_planned_reboot_pages_nobody(fleet, web1, hub_server, mail):
    """The window is moved to the minute that comes next; all else is as each week."""
    settle(fleet, hub_server)  # this may be the first test, and the hub not yet watch the server
    hub = hub_server.customer.runs_hub
    s3 = fleet.client("s3", hub_server.customer.account_id, hub.region)
    key = f"fragments/{web1.customer.id}/{web1.spec.name}.json"
    before = s3.get_object(Bucket=hub.fleet_bucket, Key=key)["Body"].read()
    start = (datetime.now(tz=UTC) + timedelta(seconds=90)).replace(second=0, microsecond=0)
    fragment = json.loads(before)
    fragment["maintenance"].update(day=f"{start:%A}".lower(), time=f"{start:%H:%M}")
    s3.put_object(Bucket=hub.fleet_bucket, Key=key, Body=json.dumps(fragment).encode())
    began = time.time()
    try:
        hub_server.box.run("systemctl start managed-fleet; systemctl start managed-downtimes", check=True)

        def announced():
            return {
                kind: {
                    it.get("service_description", "")
                    for it in blocks(hub_server, kind)
                    if (it["host_name"], it["start_time"]) == (HOST, str(int(start.timestamp())))
                }
                for kind in ("hostdowntime", "servicedowntime")
            }

        # How soon it is announced is held in tests/hub; here, that it is, before the window begins.
        of_server = {check.name for check in web1.spec.checks if not web1.spec.needs(check.origin)}
        until(lambda: announced()["hostdowntime"] == {""}, 30, "nothing announced", 2)
        assert announced()["servicedowntime"] >= of_server
        assert datetime.now(tz=UTC) < start

        def in_window():
            return any(
                it["host_name"] == HOST and int(it["scheduled_downtime_depth"]) > 0
                for it in blocks(hub_server, "hoststatus")
            )

        until(in_window, 100, "the window doesn't begin", 2)
        # A service that is restarted takes too long; then the whole machine does.
        web1.box.run("systemctl stop nginx", check=True)
        until(
            lambda: ask_now(hub_server, [(HOST, "nginx-status")]) or hard(hub_server, "nginx-status"),
            60,
            "Nagios sees no outage",
            3,
        )
        web1.box.stop()

        def down():
            told(hub_server, f"SCHEDULE_FORCED_HOST_CHECK;{HOST};{int(time.time())}")
            return any(
                (it["host_name"], it["current_state"], it["state_type"]) == (HOST, "1", "1")
                for it in blocks(hub_server, "hoststatus")
            )

        until(down, 90, "Nagios doesn't see that the machine is off", 3)
        web1.box.start()
        web1.box.wait()
        settle(fleet, hub_server)
        # But of what can't be well in a box: Nagios hears of that within its first half an hour.
        never = {check.name for check in web1.spec.checks} - {name for _, name in expected(fleet)}
        said = [m.subject for m in mails(mail, began) if HOST in m.subject]
        assert [text for text in said if not any(f"{HOST}: {name} is " in text for name in never)] == []
    finally:
        web1.box.start()
        s3.put_object(Bucket=hub.fleet_bucket, Key=key, Body=before)
        told(hub_server, f"DEL_DOWNTIME_BY_HOST_NAME;{HOST}")
        hub_server.box.run("systemctl start managed-fleet", check=True)


@pytest.mark.soak  # two minutes
def test_the_hub_is_gone_and_somebody_else_tells(fleet, web1, hub_server, foreign):
    """An alarm outside the hub hears it each minute, and takes silence for a fault: the last word is AWS'.

    The local AWS doesn't judge alarms: shown are the alarm as it stands, and the figures that it would judge.
    """
    customer, box = hub_server.customer, hub_server.box
    cloudwatch = fleet.client("cloudwatch", customer.account_id, customer.region)
    (planned,) = [alarm for alarm in hub_server.spec.alarms if alarm.id == "hub-alive"]
    (alarm,) = [
        it
        for it in cloudwatch.describe_alarms()["MetricAlarms"]
        if (it.get("Namespace"), it.get("MetricName")) == (planned.namespace, planned.metric)
    ]
    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["Dimensions"] == [{"Name": "InstanceId", "Value": box.machine.instance_id}]
    assert any("page" in arn for arn in alarm["AlarmActions"])

    def words(since):
        """How often it was told, in whole minutes, as the alarm counts it."""
        points = cloudwatch.get_metric_statistics(
            **{name: alarm[name] for name in ("Namespace", "MetricName", "Dimensions", "Period")},
            Statistics=[alarm["Statistic"]],
            StartTime=since,
            EndTime=datetime.now(tz=UTC) + timedelta(minutes=2),
        )["Datapoints"]
        return sum(point[alarm["Statistic"]] for point in points)

    hour = datetime.now(tz=UTC) - timedelta(hours=1)
    box.run("systemctl start managed-alive", check=True)
    said = words(hour)
    assert said >= 1
    box.run("systemctl start managed-alive", check=True)
    assert words(hour) == said + 1, "it is this hub that tells"

    box.power_off()
    off = words(hour)
    down = time.time()
    try:
        assert serves(web1, foreign)
        done = web1.converge()
        assert done.returncode == 0, done.stderr
        assert web1.changes() == []
        assert serves(web1, foreign)
        time.sleep(max(0.0, down + 61 - time.time()))  # it would have told within a minute
        assert words(hour) == off
    finally:
        box.start()
        box.wait()
    booted = time.time()
    urgent = {(HOST, check.name) for check in web1.spec.checks if check.priority == "urgent"}

    def watches():
        well = {
            (it["host_name"], it["service_description"])
            for it in blocks(hub_server, "servicestatus")
            if it["current_state"] == "0" and int(it["last_check"]) > booted
        }
        return urgent <= well and words(hour) > off

    until(watches, LATE, "the hub isn't back", 3)
    settle(fleet, hub_server)
