"""The nightly scans: what a virus or a rootkit leaves is found, and somebody is told."""

from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from tests.box.stacks.fleet import until
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
    """Leaves packages and their downloads out of the nightly scan: all of it (`make soak`) takes a minute."""
    conf, kept = "/etc/clamav/clamd.conf", "/srv/clamd.conf"  # clamdscan reads it anew each time
    out = "/usr /var/cache/apt /var/lib/apt /var/lib/dpkg"
    add = f'for path in {out}; do echo "ExcludePath ^$path(/|$)" >>{conf}; done'
    web1.box.run(f"cp -a {conf} {kept}; {add}", check=True)
    yield
    web1.box.run(f"mv {kept} {conf}", check=True)


def scanned(web1):
    """The nightly scan, run to its end by its own unit: what the checks are told."""
    web1.box.run(["systemctl", "start", "managed-clamav-scan"], timeout=900, check=True)
    return web1.heartbeat("clamav-scan"), web1.heartbeat("clamav-unscanned")


FOUND = f"critical infected files: 1 to {QUARANTINE}, 0 of the system left in place"
CLEAN = "ok nothing found"


def moved(web1):
    """Whether the virus is no longer served, and nothing else was touched."""
    left = web1.box.run(f"ls {SITE} {SITE}/upload; cat {QUARANTINE}/*", check=True).stdout
    return left == f"{SITE}:\nfilm.mp4\nupload\n\n{SITE}/upload:\n{EICAR}"


@pytest.mark.usefixtures("smaller")
def test_a_virus_in_a_web_root_is_found_moved_and_paged(web1, hub_server, mail):
    check = (HOST, "clamav-scan-result")
    since = datetime.now(tz=UTC).timestamp()
    with infected(web1):
        assert scanned(web1) == (FOUND, "warning 1 files are beyond the limits")
        assert moved(web1)

        def page():
            ask_now(hub_server, [check])  # as often as Nagios wants to be sure
            wanted = f"{HOST}: clamav-scan-result is CRITICAL"
            return next((it for it in mails(mail, since) if wanted in it.subject), None)

        text = until(page, 120, "nobody is paged", 3).text
        for said in ("high", "antivirus", FOUND.removeprefix("critical ")):
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
            assert scanned(web1) == (FOUND, "warning 1 files are beyond the limits")
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
