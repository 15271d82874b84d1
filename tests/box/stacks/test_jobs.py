"""The server's own jobs: updates, reboots, and all their timers."""

import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tests.box.stacks.fleet import HEARTBEATS
from tests.box.stacks.vendor import NAME, SERVER, STAND_INS, VERSION, Archive, Vendor

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
