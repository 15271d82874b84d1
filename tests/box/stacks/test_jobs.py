"""The server's own jobs: virus scan, search for rootkits, updates, reboots, and all their timers."""

import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tests.box.stacks.fleet import HEARTBEATS, until
from tests.box.stacks.vendor import NAME, SERVER, STAND_INS, VERSION, Archive, Vendor
from tests.box.stacks.watching import ask_now, mails, services

HOST = "example-web1"

# --- virus scan ------------------------------------------------------------------------------------

# In pieces: no file of this repository is what scanners look for. A box has one signature, for this file
# (docs/box.md), as the vendor's can't be had: a match is shown to be found, moved and told, nothing of what
# the vendor's signatures match.
EICAR_NAME = "EICAR-STANDARD-ANTIVIRUS"
EICAR = f"X5O!P%@AP[4\\PZX54(P^)7CC)7}}${EICAR_NAME}-TEST-FILE!$H+H*"
SITE = "/var/www/site.example"
QUARANTINE = "/var/lib/managed-server/quarantine"


@contextmanager
def infected(web1):
    """A web root with a virus, and with a file that is too big to be scanned whole (sparse)."""
    web1.box.write(f"{SITE}/upload/photo.jpg", EICAR)
    web1.box.run(f"truncate --size=300M {SITE}/film.mp4", check=True)
    try:
        yield
    finally:
        web1.box.run(f"rm -rf {SITE}/upload {SITE}/film.mp4 {QUARANTINE}/*", check=True)


@pytest.fixture
def smaller(web1):
    """Hides packages and their downloads from the nightly scan: all of it takes a minute of a processor."""
    drop_in = "/run/systemd/system/managed-clamav-scan.service.d/smaller.conf"
    hidden = "/usr/share:ro /usr/lib/python3/dist-packages:ro /var/cache/apt /var/lib/apt:ro /var/lib/dpkg:ro"
    web1.box.write(drop_in, f"[Service]\nTemporaryFileSystem={hidden}\n")
    web1.box.run("systemctl daemon-reload", check=True)
    yield
    web1.box.run(f"rm {drop_in}; systemctl daemon-reload", check=True)


def scanned(web1):
    """The nightly scan, run to its end by its own unit: what the checks are told."""
    web1.box.run(["systemctl", "start", "managed-clamav-scan"], timeout=900, check=True)
    return web1.heartbeat("clamav-scan"), web1.heartbeat("clamav-unscanned")


WAYS = 3
"""To a file on the data volume: from /, on the volume, and by the mount of its directory. Over an overlay
clamd doesn't see where a file system ends, and goes them all; clamscan is told which are the same."""
CLEAN = "ok nothing found"


def found(ways=1):
    """What the two checks are told of the virus, and of the file that is too big."""
    virus = f"critical infected files: {ways} to {QUARANTINE}, 0 of the system left in place"
    return virus, f"warning {ways} files are beyond the limits"


def moved(web1):
    """Whether the virus is no longer served, and nothing else was touched."""
    left = web1.box.run(f"ls {SITE} {SITE}/upload; cat {QUARANTINE}/*", check=True).stdout
    return left == f"{SITE}:\nfilm.mp4\nupload\n\n{SITE}/upload:\n{EICAR}"


@pytest.mark.usefixtures("smaller")
def test_a_virus_in_a_web_root_is_found_moved_and_paged(web1, hub_server, mail):
    check = (HOST, "clamav-scan-result")
    since = datetime.now(tz=UTC).timestamp()
    with infected(web1):
        assert scanned(web1) == found(WAYS)
        assert moved(web1)

        def page():
            ask_now(hub_server, [check])  # as often as Nagios wants to be sure
            wanted = f"{HOST}: clamav-scan-result is CRITICAL"
            return next((it for it in mails(mail, since) if wanted in it.subject), None)

        text = until(page, 120, "nobody is paged", 3).text
        for said in ("high", "antivirus", found(WAYS)[0].removeprefix("critical ")):
            assert said in text, text
    assert scanned(web1) == (CLEAN, "ok 0 files are beyond the limits")

    def over():
        ask_now(hub_server, [check])
        return services(hub_server)[check][0] == 0

    until(over, 60, "Nagios doesn't see that it is over", 3)


@pytest.mark.soak
def test_a_server_without_the_memory_for_clamd_finds_it_as_well(web1):
    """The same instance, with the bundle of one of 2 GB: the scan loads the signatures for itself."""
    web1.deliver(lambda customer: customer["servers"]["web1"].update(instance_type="t3.small"))
    try:
        assert web1.converge().returncode == 0
        active = web1.box.run(["systemctl", "is-active", "clamav-daemon.service", "clamav-daemon.socket"])
        assert active.stdout.split() == ["inactive", "inactive"]
        with infected(web1):
            assert scanned(web1) == found()
            assert moved(web1)
        assert scanned(web1) == (CLEAN, "ok 0 files are beyond the limits")
    finally:
        web1.back()


REFUSES = """
import http.server
SAYS = f"ClamAV-VDB:24 Nov 2026 04-27 -0500:27000:1:90:{'0' * 32}:sig:builder:1795000000"
HEADER = SAYS.ljust(512).encode()
class Refuses(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if "Range" not in self.headers:
            return self.send_error(403)
        self.send_response(206)
        self.send_header("Content-Length", str(len(HEADER)))
        self.end_headers()
        self.wfile.write(HEADER)
server = http.server.HTTPServer(("0.0.0.0", 80), Refuses)
print("ready", flush=True)
server.serve_forever()
"""


def test_the_signatures_are_asked_for_again_after_a_refusal(web1, fleet):
    """A box has no way to the signatures: there, freshclam fails, stays, and tries again an hour later.

    What ends it for good is the refusal of those who distribute them. That is what it is given here: it may
    see which signatures there are, and not have them.
    """
    show = ["systemctl", "show", "clamav-freshclam", "-p", "SubState", "-p", "ExecMainStatus"]

    def state():
        return dict(line.split("=") for line in web1.box.run(show, check=True).stdout.splitlines())

    mirror = fleet.at("signatures", "203.0.113.210")
    try:
        with mirror.started(["python3", "-I", "-u", "-c", REFUSES]):
            web1.box.run(
                """
                sed -i 's|^DatabaseMirror .*|DatabaseMirror http://203.0.113.210|' /etc/clamav/freshclam.conf
                systemctl restart clamav-freshclam
                """,
                check=True,
            )
            until(lambda: state()["SubState"] == "auto-restart", 60, "it is not begun again")
            assert state()["ExecMainStatus"] == "17", "forbidden"
        web1.box.run("systemctl start clamav-freshclam", check=True)  # as systemd does five minutes later
        said = ["journalctl", "-u", "clamav-freshclam", "-o", "cat", "-n", "5", "--no-pager"]
        until(lambda: "still on cool-down" in web1.box.run(said).stdout, 30, "it asks at once")
        assert state()["SubState"] == "running"
    finally:
        web1.box.run("systemctl stop clamav-freshclam; rm -f /var/lib/clamav/freshclam.dat", check=True)
        assert web1.converge().returncode == 0
    assert state()["SubState"] == "running"


# --- rootkits --------------------------------------------------------------------------------------


def searched(web1):
    """The nightly search, run to its end by its own unit: what the check is told."""
    web1.box.run(["systemctl", "start", "managed-rkhunter-scan"], timeout=900, check=True)
    return web1.heartbeat("rkhunter-result")


@contextmanager
def without(web1, tests):
    """Without some of rkhunter's tests: all take two minutes of a processor."""
    web1.box.write("/etc/rkhunter.d/without.conf", f'DISABLE_TESTS="{tests}"\n')
    try:
        yield
    finally:
        web1.box.run("rm -r /etc/rkhunter.d", check=True)


@contextmanager
def changed_program(web1):
    """A program that is no longer the package's, though it looks as old as before."""
    program, kept = "/usr/bin/killall", "/srv/killall"
    web1.box.run(f"cp -a {program} {kept}; echo >>{program}; touch -r {kept} {program}", check=True)
    try:
        yield
    finally:
        # Written back into the same file: another inode would be a change as well. Sizes are learned anew, as
        # after a package is installed again: the search that found it may have learned the wrong one.
        repaired = "touch /var/lib/dpkg/status"
        web1.box.run(f"cat {kept} >{program}; touch -r {kept} {program}; rm {kept}; {repaired}", check=True)


@contextmanager
def hidden_folder(web1):
    """What many rootkits make."""
    web1.box.run("mkdir /dev/.hidden; touch /dev/.hidden/file", check=True)
    try:
        yield
    finally:
        web1.box.run("rm -r /dev/.hidden", check=True)


@pytest.mark.parametrize(
    ("others", "plant", "told"),
    [
        ("rootkits network system_commands system_configs", hidden_folder, "/dev/.hidden"),
        pytest.param(
            "rootkits network local_host", changed_program, "/usr/bin/killall", marks=pytest.mark.soak
        ),
    ],
)
def test_what_a_rootkit_leaves_is_told(web1, others, plant, told):
    with without(web1, others):
        with plant(web1):
            said = searched(web1)
            assert said.startswith("critical "), said
            seen = web1.box.run(["journalctl", "-u", "managed-rkhunter-scan", "-o", "cat", "-n", "30"]).stdout
            assert told in seen
            check = next(check for check in web1.spec.checks if check.name == "rkhunter-result")
            assert web1.box.run(["bash", "-c", check.command]).returncode == 2
        assert searched(web1) == "ok nothing found"


@pytest.mark.soak
def test_a_clean_machine_is_clean(web1):
    assert searched(web1) == "ok nothing found"


# --- updates ---------------------------------------------------------------------------------------

SECURITY = Archive("jobs/security", "Debian", "Debian-Security", "trixie-security")
STRANGERS = Archive("jobs/strangers", "Somebody", "Somebody", "trixie")
UNSUPPORTED = "imagemagick"
NEWER = {
    SERVER: {"percona-server-server": "8.4.0-2"},
    SECURITY: {"lsof": "99-1", UNSUPPORTED: "8:99-1"},
    STRANGERS: {"restic": "99-1"},
}
LISTS = "apt-get -qq -o Dir::Etc::SourceList=/dev/null -o APT::Get::List-Cleanup=false update"


@pytest.fixture
def newer(web1, stand):
    """Archives with newer versions.

    Debian's own security archive has any on some days only. So one that says the same of itself plays it,
    signed by the vendor's stand-in.
    """
    vendor = Vendor(stand / "vendor")
    for archive, packages in NEWER.items():
        vendor.publish(archive, packages)
    web1.box.write(
        "/etc/apt/sources.list.d/jobs.list",
        "".join(
            f"deb [signed-by=/etc/apt/keyrings/managed-percona.asc] "
            f"http://{NAME}/{archive.path} {archive.codename} main\n"
            for archive in (SECURITY, STRANGERS)
        ),
    )
    web1.box.run(LISTS, timeout=120, check=True)
    yield
    vendor.publish(SERVER, dict.fromkeys(STAND_INS, VERSION))
    web1.box.run(
        f"""
        rm -f /etc/apt/sources.list.d/jobs.list /var/lib/apt/lists/*_jobs_*
        rm -f /var/cache/apt/archives/*99-1*.deb /var/cache/apt/archives/*8.4.0-2*.deb
        {LISTS}
        """,
        timeout=120,
        check=True,
    )


@pytest.mark.usefixtures("newer")
def test_upgrades_come_from_debian_and_the_vendor_and_from_nobody_else(web1):
    assert UNSUPPORTED in web1.spec.unsupported_packages
    pending = web1.box.run(["apt-get", "--simulate", "upgrade"], check=True).stdout
    all_newer = {name: version for packages in NEWER.values() for name, version in packages.items()}
    for name, version in all_newer.items():
        assert re.search(rf"^Inst {name} \[.*\] \({re.escape(version)} ", pending, re.MULTILINE), pending
    said = web1.box.run(["unattended-upgrade", "--dry-run", "--debug"], timeout=300, check=True).stdout
    found = re.search(r"Packages that will be upgraded: (.*)", said)
    assert found, said
    upgraded = set(found[1].split())
    assert upgraded & set(all_newer) == {"percona-server-server", "lsof", UNSUPPORTED}


@contextmanager
def clock(web1, at):
    """Let it be another time for the maintenance alone."""
    folder = "/run/clock"
    script = f'#!/bin/sh\n[ "$*" != +%s ] || set -- --date=@{at:.0f} +%s\nexec /usr/bin/date "$@"\n'
    web1.box.write(f"{folder}/date", script, 0o755)
    drop_in = "/run/systemd/system/managed-maintenance.service.d/clock.conf"
    web1.box.write(drop_in, f"[Service]\nEnvironment=PATH={folder}:/usr/sbin:/usr/bin:/sbin:/bin\n")
    web1.box.run("systemctl daemon-reload", check=True)
    try:
        yield
    finally:
        web1.box.run(f"rm -rf {folder} {drop_in}; systemctl daemon-reload", check=True)


def begins(maintenance):
    """When a weekly window begins next, as seconds since 1970."""
    now = datetime.now(tz=UTC)
    hour, minute = map(int, maintenance.time.split(":"))
    days = (now + timedelta(days=day) for day in range(8))
    windows = (day.replace(hour=hour, minute=minute, second=0, microsecond=0) for day in days)
    return next(at for at in windows if at > now and f"{at:%A}".lower() == maintenance.day).timestamp()


def test_the_server_is_rebooted_in_its_window_alone(web1):
    maintenance = web1.spec.maintenance
    assert maintenance.reboot == "if-needed"
    window = begins(maintenance)
    elapses = "systemctl show managed-maintenance.timer --value --timestamp=utc -p NextElapseUSecRealtime"
    assert seconds(web1, elapses) == [window]
    boot = ["cat", "/proc/sys/kernel/random/boot_id"]
    before = web1.box.run(boot, check=True).stdout
    web1.box.run("echo linux-image-amd64 >/run/reboot-required.pkgs; touch /run/reboot-required", check=True)
    try:
        for at in (window - 1, window + 3600):
            with clock(web1, at):
                heartbeat = web1.heartbeat("maintenance")
                web1.box.run(["systemctl", "start", "managed-maintenance"], check=True)
                said = ["journalctl", "-u", "managed-maintenance", "-o", "cat", "-n", "10"]
                due = "a reboot is due; it is made in the window: "
                due += f"{maintenance.day.capitalize()}, {maintenance.time} UTC"
                assert due in web1.box.run(said, check=True).stdout
                assert web1.heartbeat("maintenance") == heartbeat, "that was no window"
                assert web1.box.run(boot, check=True).stdout == before
        leader = web1.box.leader()
        with clock(web1, window + 60):
            web1.box.run(["systemctl", "start", "--no-block", "managed-maintenance"], check=True)
            web1.box.wait(240, other_than=leader)
        assert web1.box.run(boot, check=True).stdout != before
        assert web1.heartbeat("maintenance") == "ok the server is restarted for linux-image-amd64"
        assert web1.box.run(["test", "-e", "/run/reboot-required"]).returncode != 0
    finally:
        web1.box.run(f"rm -f /run/reboot-required* {HEARTBEATS}/maintenance", check=True)


# --- timers ----------------------------------------------------------------------------------------

UNIT = re.compile(r"/etc/systemd/system/([^/]+\.timer)(?:\.d/[^/]+\.conf)?")


def calendars(server):
    """Calendar and random delay (minutes) of every timer in the bundle, by the unit's name.

    The calendar is None where a timer counts from its last run.
    """
    found = {}
    for file in server.bundle.files:
        if match := UNIT.fullmatch(file.path):
            text = file.content.decode()
            delay = re.search(r"^RandomizedDelaySec=(\d+)min$", text, re.MULTILINE)
            calendar = re.search(r"^OnCalendar=(.+)$", text, re.MULTILINE)
            found[match[1]] = (calendar and calendar[1], int(delay[1]) if delay and calendar else 0)
    return found


def seconds(server, script):
    """The times that a script on the machine prints, one a line, as seconds since 1970."""
    read = 'while read -r at; do date --date="$at" +%s; done'
    return [int(line) for line in server.box.run(f"({script}) | {read}", check=True).stdout.split()]


@pytest.mark.parametrize("name", ["example-web1", "hub-mon1"])
def test_every_timer_elapses_when_its_calendar_says(fleet, name):
    server = fleet.servers[name]
    wanted = calendars(server)
    for timer in server.spec.timers:
        unit = f"managed-{timer.name}.timer"
        assert wanted[unit] == (timer.calendar, timer.random_delay_minutes)
        if server.spec.needs(timer.origin):
            del wanted[unit]
    assert {
        it.name for it in server.spec.units if it.name.endswith(".timer") and it.state == "running"
    } <= set(wanted)
    for unit, (calendar, delay) in wanted.items():
        # While its job runs, a timer has no next time.
        state = f"systemctl show {unit.removesuffix('.timer')}.service --value -p ActiveState"
        done = f"for i in $(seq 120); do case $({state}) in *activating) sleep 1 ;; *) break ;; esac; done"
        show = f"{done}; systemctl show {unit} --value --timestamp=utc"
        states = server.box.run(f"{show} -p ActiveState,UnitFileState").stdout.split()
        assert states == ["active", "enabled"], unit
        if calendar is None:
            monotonic = server.box.run(f"{show} -p NextElapseUSecMonotonic").stdout.strip()
            assert monotonic not in ("", "infinity"), unit
            continue
        # A time that has passed by less than the delay may still be the one that comes next.
        calculate = f"systemd-analyze calendar --base-time=\"$base\" '{calendar}' | grep -m 1 'Next elapse'"
        base = f"for base in '{delay} minutes ago' now; do {calculate}; done | cut -d : -f 2-"
        # And one that passed while the machine was off is caught up with from the boot on.
        boot = "systemctl show --value --timestamp=utc -p UserspaceTimestamp"
        elapses, *bases = seconds(server, f"{show} -p NextElapseUSecRealtime; {base}; {boot}")
        assert any(at <= elapses <= at + delay * 60 + 1 for at in bases), (
            unit,
            calendar,
            delay,
            elapses,
            bases,
        )
