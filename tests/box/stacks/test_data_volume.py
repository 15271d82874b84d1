"""A server with a data volume: what is on it, after a boot as well, and what is done without it."""

import dataclasses
import json
import subprocess

import pytest

from tests.box.stacks.backups import job
from tests.box.stacks.conftest import known
from tests.box.stacks.fleet import until

PLUGIN = "/usr/local/lib/managed-server/plugins/check-data-volume"
CHECK = f"setpriv --reuid=nagios --regid=nagios --init-groups {PLUGIN}"
OWN = "/srv/data/uploads/note"
PASSWORD = "sed -n 's/^requirepass //p' /etc/redis/managed-password.conf"
REDIS = f'redis-cli --no-auth-warning -a "$({PASSWORD})"'


@dataclasses.dataclass(frozen=True)
class Expected:
    """What is on the volume of one server, and by which units."""

    directories: set[str]
    files: set[str]
    needing: set[str]
    """Some of the units that aren't started without it."""
    running: set[str]
    """And some that are."""
    dumps: str
    """The job that the backup comes after."""


EXPECTED = {
    "example-web1": Expected(
        {"/var/lib/automysqlbackup", "/var/lib/mysql", "/var/lib/redis", "/var/www"},
        {"/var/lib/mysql/ibdata1"},
        {"redis-server", "mysql", "nginx"},
        {"postfix"},
        "managed-dumps",
    ),
    "gadgets-back1": Expected(
        {
            *("/srv/nodejs", "/srv/python", "/var/lib/ldap", "/var/lib/ldap-dumps", "/var/lib/redis"),
            "/var/www",
        },
        {"/var/lib/ldap/managed/data.mdb"},
        {"redis-server", "slapd", "nginx"},
        {"memcached"},
        "managed-ldap-dumps",
    ),
}


@pytest.fixture(
    scope="module",
    params=["example-web1", pytest.param("gadgets-back1", marks=pytest.mark.soak)],
)
def filled(fleet, request):
    """A server, with a value in Redis and a file of the customer's; whole again in the end."""
    server = known(fleet, request)
    server.box.run(f"{REDIS} set kept on-the-volume; {REDIS} save", check=True)
    server.box.run(f"mkdir -p $(dirname {OWN}); echo mine >{OWN}", check=True)
    yield server
    server.box.run(f"rm -r $(dirname {OWN}); {REDIS} del kept; {REDIS} save", check=True)


@pytest.fixture
def expected(filled) -> Expected:
    return EXPECTED[filled.spec.host_name]


def value(server):
    return server.box.run(f"{REDIS} get kept").stdout.strip()


def test_the_softwares_data_are_on_it(filled, expected):
    assert {mount.path for mount in filled.spec.data.mounts} == expected.directories
    device = filled.box.run("stat --format %Hr:%Lr /dev/sdf", check=True).stdout.strip()
    said = filled.box.run("findmnt --list --noheadings --output TARGET,FSTYPE,MAJ:MIN", check=True).stdout
    found = {target for target, kind, number in map(str.split, said.splitlines()) if number == device}
    assert found == {"/srv/data"} | expected.directories
    count = len(expected.directories)
    assert filled.box.run(CHECK, check=True).stdout.startswith(f"OK - /srv/data and {count} directories")
    for file in {"/var/lib/redis/dump.rdb"} | expected.files:
        assert filled.box.run(["test", "-s", f"/srv/data/software{file}"]).returncode == 0, file
    assert filled.box.run("stat --format %U:%a /var/lib/redis", check=True).stdout.strip() == "redis:750"


def test_it_is_made_once_and_converge_changes_nothing(filled):
    before = filled.box.run("blkid -p -s UUID -o value /dev/sdf", check=True).stdout
    assert filled.converge().returncode == 0
    assert filled.changes() == []
    assert filled.box.run("blkid -p -s UUID -o value /dev/sdf", check=True).stdout == before


def test_it_is_backed_up_once(filled, expected):
    filled.box.run(["systemctl", "start", expected.dumps], timeout=300, check=True)
    job(filled, "backup")
    said = filled.box.run(
        "/usr/local/lib/managed-server/backup restic ls --json latest", timeout=300, check=True
    ).stdout
    paths = {entry.get("path") for entry in map(json.loads, said.splitlines())}
    assert {OWN, "/var/lib/redis/dump.rdb"} <= paths
    assert not [path for path in paths if path and path.startswith("/srv/data/software")]


def test_it_comes_back_after_a_boot(filled):
    filled.box.reboot()
    until(lambda: value(filled) == "on-the-volume", 60, "Redis has not its data")
    assert filled.box.run(CHECK).returncode == 0
    assert filled.box.run(["cat", OWN], check=True).stdout == "mine\n"


def test_without_it_the_machine_boots_nothing_starts_beneath_and_the_check_says_so(filled, expected):
    box = filled.box
    whole = box.machine
    box.stop()
    try:
        box.machine = dataclasses.replace(whole, volume_id="")
        box.start()
        box.wait()
        said = box.run(CHECK)
        assert said.returncode == 2
        assert said.stdout.startswith("CRITICAL - not on the data volume: /dev/sdf")
        for unit in expected.needing:
            assert box.run(["systemctl", "is-active", unit]).returncode != 0, unit
        for unit in {"nagios-nrpe-server", "ssh"} | expected.running:
            assert box.run(["systemctl", "is-active", unit]).returncode == 0, unit
        assert box.run(["systemctl", "start", "managed-backup"], timeout=120).returncode != 0
        beneath = ["find", *sorted(expected.directories), "-mindepth", "1"]
        assert box.run(beneath, check=True).stdout == ""
    finally:
        box.stop()
        box.machine = whole
        box.start()
        box.wait()
    until(lambda: value(filled) == "on-the-volume", 60, "Redis has not its data")
    assert filled.converge().returncode == 0


@pytest.mark.soak
def test_a_file_that_it_would_hide_stops_converge(filled):
    box = filled.box
    box.run("systemctl stop redis-server var-lib-redis.mount; echo x >/var/lib/redis/strange", check=True)
    try:
        done = filled.converge()
        assert done.returncode != 0
        assert (
            "/var/lib/redis/strange would be hidden by the data volume"
            in done.stdout + done.stderr + filled.journal()
        )
        assert box.run(["systemctl", "is-active", "redis-server"]).returncode != 0
    finally:
        box.run("rm -f /var/lib/redis/strange", check=True)
    done = filled.converge()
    assert done.returncode == 0, done.stdout + done.stderr
    until(lambda: value(filled) == "on-the-volume", 60, "Redis has not its data")


def test_no_loop_device_stays_when_it_is_off(filled, stand):
    image = stand / "box" / "volumes" / f"{filled.box.machine.volume_id}.img"

    def attached():
        command = ["losetup", "--noheadings", "--output", "NAME", "--associated", str(image)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert attached()
    filled.box.power_off()
    try:
        until(lambda: not attached(), 20, "the loop device is still there")
    finally:
        filled.box.start()
        filled.box.wait()
    until(lambda: value(filled) == "on-the-volume", 60, "Redis has not its data")
