"""The hub's own files and programs at work, with Debian's Python, Nagios, Munin and Apache."""

import json
from datetime import UTC, datetime

import pytest

from tests.hub.machine import HubMachine
from tests.hub.support import Bucket, fragment

pytestmark = pytest.mark.machine


@pytest.fixture(scope="module")
def hub(root, request):
    return HubMachine(root, request.config)


@pytest.fixture
def bucket():
    made = Bucket()
    made.join()
    made.join("acme", "db", ipv4="198.51.100.65")
    return made


def test_a_fleet_is_watched_by_debians_own_programs(hub, bucket):
    """Real rounds: a good fleet, a broken bucket, a bad fragment, one that leaves, and the last one too."""
    bad = json.dumps(fragment("acme", "db", checks=[])).encode()
    result = hub.run(
        r"""
fleet; hosts
nagios4 -v /etc/nagios4/nagios.cfg | grep -E 'Total|Checked .* (hosts|services)\.'
ls /var/lib/managed-server/hub/machines
cmp BUCKET/hub%2Fnrpe.pem /etc/nagios4/tls/hub.pem && echo "certificate shown"
fleet >/dev/null; cat /opt/told
touch /opt/s3/broken; fleet; hosts; rm /opt/s3/broken
cp BUCKET/fragments%2Facme%2Fdb.json /opt/good
cp /opt/bad BUCKET/fragments%2Facme%2Fdb.json; fleet; hosts
cp /opt/good BUCKET/fragments%2Facme%2Fdb.json; fleet
rm BUCKET/*acme*; fleet; hosts
rm BUCKET/*; fleet; nagios4 -v /etc/nagios4/nagios.cfg | grep Total
stat -c '%a %U %n' /var/lib/managed-server/hub/state.json /var/lib/managed-server/heartbeat/fleet
""",
        bucket,
        files={"/opt/bad": bad},
    )
    checks = len(fragment()["checks"]) * 2 + 1
    denied = (
        "can't list the fleet bucket: An error occurred (AccessDenied) when calling the ListObjectsV2 "
        "operation: no"
    )
    short = "fragment: checks: Tuple should have at least 1 item after validation, not 0"
    assert result.stdout.splitlines() == [
        "ok 2 servers watched",
        "acme-db.cfg example-web1.cfg",
        f"\tChecked {checks} services.",
        "\tChecked 3 hosts.",
        "Total Warnings: 0",
        "Total Errors:   0",
        "acme-db.pem",
        "example-web1.pem",
        "certificate shown",
        "told: reload-or-restart nagios4.service",
        f"critical {denied}; 2 servers stay as they were",
        "acme-db.cfg example-web1.cfg",
        f"critical acme/db {short}; 2 servers watched",
        "acme-db.cfg example-web1.cfg",
        "ok 2 servers watched",
        "ok 1 servers watched",
        "example-web1.cfg",
        "ok 0 servers watched",
        "Total Warnings: 0",
        "Total Errors:   0",
        "600 root /var/lib/managed-server/hub/state.json",
        "644 root /var/lib/managed-server/heartbeat/fleet",
    ], result


def test_what_nagios_itself_refuses_is_refused(hub, bucket):
    """A hub that is a version behind: it doesn't know a priority that the schema has."""
    checks = fragment()["checks"]
    bucket.publish("acme", "db", ipv4="198.51.100.65", checks=[c for c in checks if c["priority"] != "high"])
    bucket.publish("example", "web1", checks=[c for c in checks if c["priority"] == "high"])
    result = hub.run(
        """
sed -i 's/managed-normal/managed-other/' /etc/nagios4/conf.d/managed/base.cfg
fleet; hosts
nagios4 -v /etc/nagios4/nagios.cfg | grep Total
""",
        bucket,
    )
    line, names, *totals = result.stdout.splitlines()
    assert line.startswith("critical acme/db Error: Template 'managed-normal' specified in service"), result
    assert line.endswith("; 1 servers watched")
    assert names == "example-web1.cfg"
    assert totals == ["Total Warnings: 0", "Total Errors:   0"]


def test_pages_are_for_reading_and_for_administrators(hub, bucket):
    """The machine itself, an office of the provider, and somebody else; in a network of the test's own."""
    result = hub.run(
        """
mkdir -p /run/apache2/socks; fleet >/dev/null
ip addr add 203.0.113.5/32 dev lo; ip addr add 192.0.2.200/32 dev lo
apache2ctl start; nagios4 /etc/nagios4/nagios.cfg >/dev/null 2>&1 & nagios=$!
for i in $(seq 600); do [ -s /var/lib/nagios4/status.dat ] && break; sleep 0.2; done
get() { curl -s -o /opt/page -w '%{http_code} ' --max-time 10 "$@"; }
tac=nagios4/cgi-bin/tac.cgi
for from in 127.0.0.1 203.0.113.5 192.0.2.200; do
    at=http://203.0.113.5; [ $from != 127.0.0.1 ] || at=http://127.0.0.1
    for page in '' nagios4/ $tac nagios4/cgi-bin/cmd.cgi munin/static/style-new.css server-status; do
        get --interface $from $at/$page
    done
    echo
done
get http://127.0.0.1/$tac; grep -o 'Monitoring Features' /opt/page | head -1
get 'http://127.0.0.1/nagios4/cgi-bin/status.cgi?host=example-web1'; grep -c 'service=nginx-status' /opt/page
kill $nagios; apache2ctl stop
""",
        bucket,
        files={"/var/cache/munin/www/static/style-new.css": b"x"},
    )
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert lines[:3] == [
        "302 200 200 403 200 200",
        "302 200 200 403 200 200",
        "302 403 403 403 403 403",  # the first page sends everybody on, and shows nothing
    ], result
    assert lines[3] == "200 Monitoring Features"
    assert int(lines[4].split()[1]) > 0


def test_munin_reads_the_fleet(hub, bucket):
    result = hub.run(
        """
fleet >/dev/null
setpriv --reuid munin --regid munin --init-groups perl -MMunin::Master::Utils -e '
    my $config = Munin::Master::Utils::munin_readconfig_base("/etc/munin/munin.conf");
    print "$_->[0] $config->{$_->[0]}{$_->[1]}{address}\\n"
        for ["acme", "acme-db"], ["example", "example-web1"];
'
""",
        bucket,
    )
    assert result.stdout.splitlines() == ["acme 198.51.100.65", "example 198.51.100.64"], result


def test_nagios_pages_but_for_a_window_and_until_somebody_acknowledges(hub):
    """Real notifications of a real daemon with short minutes: nobody listens at the servers' addresses."""
    now = datetime.now(UTC)
    quiet = {"day": now.strftime("%A").lower(), "reboot": "if-needed", "time": now.strftime("%H:%M")}
    other = {"day": "sunday" if now.weekday() != 6 else "monday", "reboot": "never", "time": "12:00"}
    bucket = Bucket()
    few = fragment()["checks"][:1]
    bucket.join("example", "web1", ipv4="127.0.0.11", maintenance=other, checks=few)
    bucket.join("acme", "db", ipv4="127.0.0.12", maintenance=quiet, checks=few)
    result = hub.run(
        """
chmod 777 /opt; umask 0
fleet
# Minutes of two seconds; the servers, all down, are looked at when their windows are known.
sed -i 's/^interval_length=60/interval_length=2/' /etc/nagios4/nagios.cfg
sed -i '/^interval_length/a execute_host_checks=0\\nexecute_service_checks=0' /etc/nagios4/nagios.cfg
sed -i '/^execute_.*=1/d' /etc/nagios4/nagios.cfg
nagios4 /etc/nagios4/nagios.cfg >/opt/nagios.log 2>&1 & nagios=$!
pipe=/var/lib/nagios4/rw/nagios.cmd status=/var/lib/nagios4/status.dat log=/var/log/nagios4/nagios.log
wait_for() { for i in $(seq 500); do eval "$1" && return; sleep 0.2; done; echo "never: $1"; }
wait_for "[ -p $pipe ] && [ -s $status ]"
HUB/downtimes
wait_for "grep -q '^hostdowntime' $status"
HUB/downtimes
for command in START_EXECUTING_HOST_CHECKS START_EXECUTING_SVC_CHECKS; do echo "[1] $command" >$pipe; done
wait_for "grep -q 'example-web1;DOWN;HARD' $log && grep -q 'acme-db;DOWN;HARD' $log"
wait_for "grep -l '^To: page@' /opt/mail-* >/dev/null 2>&1"
managed-acknowledge example-web1 nobody x
managed-acknowledge example-web1 "erin looks; at it"
wait_for "grep -q '^Subject: ACKN' /opt/mail-*"
grep -h '^Subject' /opt/mail-* | sort -u
grep -h -o 'EXTERNAL COMMAND: [SA][A-Z_]*;.*' $log | grep -v EXECUTING
grep -c '^hostdowntime' $status
mkdir -p /var/lib/cloud/data; echo i-0123 >/var/lib/cloud/data/instance-id
HUB/alive; echo "alive $?"  # without a mail system no page goes out
postconf -e inet_interfaces=loopback-only mydestination= maillog_file=/var/log/mail
postfix start >/dev/null 2>&1
HUB/alive; echo "alive $?"; grep -o 'Value=i-0123' /opt/s3/posts
postfix stop >/dev/null 2>&1
kill $nagios
""",
        bucket,
        timeout=400,
    )
    said = result.stdout.splitlines()
    assert said[0] == "ok 2 servers watched", result
    assert not [line for line in said if line.startswith("never")], result
    subjects = [line for line in said if line.startswith("Subject:")]
    assert "Subject: [urgent] example-web1 is DOWN" in subjects
    assert "Subject: ACKNOWLEDGEMENT [urgent] example-web1" in subjects
    assert not [line for line in subjects if "acme-db is DOWN" in line], "a planned reboot pages nobody"
    commands = [line.partition(": ")[2] for line in said if line.startswith("EXTERNAL COMMAND")]
    names = [command.split(";")[:2] for command in commands]
    assert names == [
        ["SCHEDULE_HOST_DOWNTIME", "acme-db"],
        ["SCHEDULE_HOST_SVC_DOWNTIME", "acme-db"],
        ["ACKNOWLEDGE_HOST_PROBLEM", "example-web1"],
    ], "each once"
    assert commands[-1] == "ACKNOWLEDGE_HOST_PROBLEM;example-web1;2;1;1;root;erin looks; at it"
    assert "Nagios knows no example-web1 nobody" in result.stderr
    assert said[-4:] == ["1", "alive 1", "alive 0", "Value=i-0123"]
    assert "alive: not told: the mail queue can't be listed: " in result.stderr
