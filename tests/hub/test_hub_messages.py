"""What people are told: the real program, started as Nagios starts it."""

import re
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest

from managed_server.local.debian.run import TreeFile
from tests.hub.machine import NOTIFY, HubMachine, body, notify

pytestmark = pytest.mark.machine


@pytest.fixture(scope="module")
def hub(root, request):
    return HubMachine(root, request.config)


def moment(text):
    return datetime.strptime(text, "%A %Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)


def test_a_page_says_what_an_engineer_and_a_customer_need(hub):
    before = datetime.now(UTC)
    (mail,), _, result = hub.sent(notify())
    assert result.stderr == ""
    assert mail["To"] == "page@hosting.example"
    assert mail["From"] == "support@hosting.example"
    assert mail["Subject"] == "[urgent] example-web1: nginx-status is CRITICAL"
    assert mail["X-Managed-Priority"] == "urgent"
    said = body(mail)
    due = said["Respond"].removeprefix("within 15 minutes, day and night: by ")
    assert said == {
        "Customer": "Example Widgets Ltd (example)",
        "Server": "web1 (example-web1, 198.51.100.64)",
        "What": "nginx: the status page answers",
        "State": "CRITICAL",
        "Noticed": "Monday 2026-11-30 00:00 UTC",
        "Output": "connect to port 8190: Connection refused; `id` $(id)",
        "Priority": "urgent",
        "Respond": f"within 15 minutes, day and night: by {due}",
        "Telephone": f"the customer may call from {due} on, if nobody has responded by then; not before",
        "SLA": "within the service level agreement",
        "Runbook": "docs/runbooks/web.md",
        "Maintenance": "sunday 03:00 UTC, each week",
    }
    waited = (moment(due) - before).total_seconds()
    assert 15 * 60 <= waited <= 17 * 60, "from the ticket, which this mail opens, and never earlier"


def test_follow_ups_belong_to_the_ticket_and_keep_its_times(hub):
    over = notify(
        NOTIFICATIONTYPE="RECOVERY",
        SERVICESTATE="OK",
        SERVICEPROBLEMID="0",
        LASTSERVICEPROBLEMID="7",
        LASTSERVICESTATECHANGE="1796000400",
        SERVICEOUTPUT="HTTP OK",
    )
    again = notify(SERVICEPROBLEMID="8", LASTSERVICEPROBLEMID="7", LASTSERVICESTATECHANGE="1796000500")
    repeated = notify(SERVICENOTIFICATIONNUMBER="2", LASTSERVICESTATECHANGE="1795999999")
    tickets = "ls -A /var/lib/managed-server/hub/tickets | wc -l"
    mails, other, _ = hub.sent(
        f"{notify()}\nsleep 61\n{repeated}\n{tickets}\n{over}\n{tickets}\n{again}\n{tickets}"
    )
    first, second, resolved, anew = mails
    assert other == ["1", "0", "1"], "a resolved fault leaves nothing behind"
    assert body(second)["Telephone"] == body(first)["Telephone"]
    assert body(second)["Noticed"] == body(first)["Noticed"]
    assert body(second)["Message"] == "number 2 of this fault: nobody has acknowledged it"
    for follow_up in (second, resolved):
        assert follow_up["In-Reply-To"] == follow_up["References"] == first["Message-ID"]
        assert follow_up["Message-ID"] != first["Message-ID"]
    assert resolved["Subject"] == "RESOLVED [urgent] example-web1: nginx-status is OK"
    said = body(resolved)
    assert (said["State"], said["Over since"]) == ("OK", "Monday 2026-11-30 01:00 UTC")
    assert said["Noticed"] == "Monday 2026-11-30 00:00 UTC"
    assert "Telephone" not in said
    assert "Respond" not in said
    assert anew["In-Reply-To"] is None
    assert anew["Message-ID"] != first["Message-ID"]


def test_other_priorities_and_hosts(hub):
    normal = notify(
        CONTACTNAME="ticket",
        CONTACTEMAIL="ticket@hosting.example",
        _SERVICEPRIORITY="normal",
        _SERVICEMINUTES="0",
        _SERVICEWORKING_DAYS="1",
    )
    outside = notify(
        CONTACTNAME="ticket",
        CONTACTEMAIL="ticket@hosting.example",
        _SERVICEPRIORITY="normal",
        _SERVICEMINUTES="0",
        _SERVICEWORKING_DAYS="1",
        _SERVICEIN_SLA="0",
    )
    host = notify(
        SERVICEDESC=None,
        SERVICEDISPLAYNAME=None,
        HOSTSTATE="DOWN",
        HOSTOUTPUT="CRITICAL - no route",
        HOSTPROBLEMID="9",
        LASTHOSTSTATECHANGE="1795996800",
        HOSTNOTIFICATIONNUMBER="1",
        _HOSTPRIORITY="urgent",
        _HOSTMINUTES="15",
        _HOSTWORKING_DAYS="0",
        _HOSTPHONE="1",
        _HOSTIN_SLA="1",
        _HOSTRUNBOOK="docs/runbooks/host-down.md",
    )
    known = notify(NOTIFICATIONTYPE="ACKNOWLEDGEMENT", NOTIFICATIONAUTHOR="erin", NOTIFICATIONCOMMENT="on it")
    (ticket, as_is, down, acknowledged), _, _ = hub.sent(f"{normal}\n{outside}\n{host}\n{known}")
    said = body(ticket)
    assert said["Respond"] == "within 1 UK working day"
    assert said["Telephone"].startswith("the customer may call once that time has passed")
    assert said["SLA"] == "within the service level agreement"
    said = body(as_is)
    assert said["Respond"] == "as is, in working hours: no objective holds for it"
    assert said["Telephone"] == "the customer's way is the ticket; a call about it may be charged"
    assert said["SLA"] == "outside the service level agreement"
    assert down["Subject"] == "[urgent] example-web1 is DOWN"
    assert body(down)["Runbook"] == "docs/runbooks/host-down.md"
    assert body(down)["What"] == "is the server reachable"
    assert acknowledged["Subject"] == "ACKNOWLEDGEMENT [urgent] example-web1: nginx-status"
    assert body(acknowledged)["Comment"] == "erin on it"


def test_a_page_that_mail_doesnt_take_goes_out_by_the_topic(hub):
    customer = notify(CONTACTNAME="customer-example-1", CONTACTEMAIL="alice@widgets.example")
    mails, other, result = hub.sent(
        f"touch /opt/no-mail\n{notify()}; echo page $?\n{customer}; echo customer $?\n"
        f"cat /opt/s3/posts; kill $s3; wait $s3\n{notify()}; echo nobody $?"
    )
    assert mails == []
    page, failed, post, nobody = other
    assert (page, failed, nobody) == ("page 0", "customer 1", "nobody 1"), result
    asked = parse_qs(post)
    assert asked["TopicArn"] == [hub.customer.runs_hub.page_topic]
    assert asked["Subject"] == ["[urgent] example-web1: nginx-status is CRITICAL"]
    assert "Telephone:   the customer may call from" in asked["Message"][0]
    assert "sendmail: exit code 75" in result.stderr


def test_nothing_that_a_server_says_becomes_a_header_or_a_command(hub):
    bad = notify(SERVICEOUTPUT="x\nBcc: eve@evil.example\n\ny", SERVICEDESC="a\nCc: eve@evil.example")
    no_address = notify(CONTACTEMAIL="a@b.example, eve@evil.example")
    (mail,), other, _ = hub.sent(f"{bad}\n{no_address}; echo $?\n{NOTIFY} nonsense; echo $?")
    assert other == ["1", "2"]
    assert mail["Bcc"] is None
    assert mail["Cc"] is None
    assert body(mail)["Output"] == "x Bcc: eve@evil.example y"


def test_a_full_disk_holds_no_page_back(hub):
    full = "mount -t tmpfs -o size=4k,nr_inodes=1,mode=0777 none /var/lib/managed-server/hub/tickets\n"
    (mail,), other, result = hub.sent(f"{full}{notify()}; echo $?")
    assert other == ["0"]
    assert mail["Subject"] == "[urgent] example-web1: nginx-status is CRITICAL"
    assert "notify:" in result.stderr


def test_whatever_may_page_says_all_that_a_message_is_made_of(hub, root):
    """Also the hub's own host and service, which no fragment describes."""
    read = re.findall(r'"_(\*|HOST)([A-Z_]+)"', (root / "hub/notify.py").read_text())
    assert {("*", "IN_SLA"), ("HOST", "CUSTOMER")} <= set(read)
    wanted = {"host": {name for _, name in read}, "service": {name for kind, name in read if kind == "*"}}
    path = "/etc/nagios4/conf.d/managed/base.cfg"
    blocks = re.findall(r"define (host|service) \{(.*?)\n\}", hub.files[path].content.decode(), re.DOTALL)
    real = [(kind, text) for kind, text in blocks if "register " not in text]
    assert sorted(kind for kind, _ in real) == ["host", "service"]
    for kind, text in real:
        assert set(re.findall(r"^ +_([A-Z_]+) +\S", text, re.MULTILINE)) == wanted[kind]


STUCK = """
postconf -e 'relayhost = [127.0.0.1]:1' inet_interfaces=loopback-only mydestination=
postconf -e maillog_file=/var/log/mail
touch /var/lib/nagios4/status.dat
postfix start >/dev/null 2>&1
for to in page@hosting.example else@widgets.example; do echo 'Subject: x' | sendmail $to; done
for i in $(seq 600); do [ "$(postqueue -j | grep -c '"deferred"')" = 2 ] && break; sleep 0.1; done
cd HUB/lib && python3 -c '
import os, time
from hub import alive, settings
told, now = settings.load(), time.time()
print("now", alive.trouble(told, now))
os.utime(told.status_file, (now + 300, now + 300))
print("later", alive.trouble(told, now + 300).rpartition("for")[0])
'
postfix stop >/dev/null 2>&1
"""


def test_a_message_that_the_relay_does_not_take_is_noticed(hub):
    """Postfix gives what it tries again later a time that is to come: the age of its files says nothing."""
    real = TreeFile((hub.tree / "usr/sbin/sendmail").read_bytes(), mode=0o755)
    result = hub.run(STUCK, files={"/usr/sbin/sendmail": real})
    assert result.stdout.splitlines() == ["now ", "later a message has been waiting "], result
