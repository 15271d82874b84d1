"""A server with a data volume: what is on it, after a boot as well, and what is done without it."""

import dataclasses
import json
import subprocess

import pytest

from tests.box.stacks.backups import job
from tests.box.stacks.fleet import until

PLUGIN = "/usr/local/lib/managed-server/plugins/check-data-volume"
CHECK = f"setpriv --reuid=nagios --regid=nagios --init-groups {PLUGIN}"
OWN = "/srv/data/uploads/note"
PASSWORD = "sed -n 's/^requirepass //p' /etc/redis/managed-password.conf"
REDIS = f'redis-cli --no-auth-warning -a "$({PASSWORD})"'
ON_IT = {
    "/srv/data",
    "/srv/nodejs",
    "/srv/python",
    "/var/lib/ldap",
    "/var/lib/ldap-dumps",
    "/var/lib/redis",
    "/var/www",
}


@pytest.fixture(scope="module")
def back1(whole):
    """The server, with a value in Redis and a file of the customer's; whole again in the end."""
    server = whole.servers["gadgets-back1"]
    server.box.run(f"{REDIS} set kept on-the-volume; {REDIS} save", check=True)
    server.box.run(f"mkdir -p $(dirname {OWN}); echo mine >{OWN}", check=True)
    yield server
    server.box.run(f"rm -r $(dirname {OWN}); {REDIS} del kept; {REDIS} save", check=True)


def value(server):
    return server.box.run(f"{REDIS} get kept").stdout.strip()


def test_the_softwares_data_are_on_it(back1):
    here = {mount.path for mount in back1.spec.data.mounts} | {back1.spec.data.path}
    assert here == ON_IT
    device = back1.box.run("stat --format %Hr:%Lr /dev/sdf", check=True).stdout.strip()
    said = back1.box.run("findmnt --list --noheadings --output TARGET,FSTYPE,MAJ:MIN", check=True).stdout
    found = {target for target, kind, number in map(str.split, said.splitlines()) if number == device}
    assert found == ON_IT
    assert back1.box.run(CHECK, check=True).stdout.startswith("OK - /srv/data and 6 directories")
    names = back1.box.run(
        "find /srv/data/software/var/lib/redis /srv/data/software/var/lib/ldap -type f", check=True
    ).stdout
    assert "/var/lib/redis/dump.rdb" in names
    assert "/var/lib/ldap/managed/data.mdb" in names
    assert back1.box.run("stat --format %U:%a /var/lib/redis", check=True).stdout.strip() == "redis:750"


def test_it_is_made_once_and_converge_changes_nothing(back1):
    before = back1.box.run("blkid -p -s UUID -o value /dev/sdf", check=True).stdout
    assert back1.converge().returncode == 0
    assert back1.changes() == []
    assert back1.box.run("blkid -p -s UUID -o value /dev/sdf", check=True).stdout == before


def test_it_is_backed_up_once(back1):
    back1.box.run(["systemctl", "start", "managed-ldap-dumps"], timeout=120, check=True)
    job(back1, "backup")
    said = back1.box.run(
        "/usr/local/lib/managed-server/backup restic ls --json latest", timeout=300, check=True
    ).stdout
    paths = {entry.get("path") for entry in map(json.loads, said.splitlines())}
    assert {OWN, "/var/lib/redis/dump.rdb"} <= paths
    assert not [path for path in paths if path and path.startswith("/srv/data/software")]


def test_it_comes_back_after_a_boot(back1):
    back1.box.reboot()
    until(lambda: value(back1) == "on-the-volume", 60, "Redis has not its data")
    assert back1.box.run(CHECK).returncode == 0
    assert back1.box.run(["cat", OWN], check=True).stdout == "mine\n"


def test_without_it_the_machine_boots_nothing_starts_beneath_and_the_check_says_so(back1):
    box = back1.box
    whole = box.machine
    box.stop()
    try:
        box.machine = dataclasses.replace(whole, volume_id="")
        box.start()
        box.wait()
        said = box.run(CHECK)
        assert said.returncode == 2
        assert said.stdout.startswith("CRITICAL - not on the data volume: /dev/sdf")
        for unit in ("redis-server", "slapd", "nginx"):
            assert box.run(["systemctl", "is-active", unit]).returncode != 0, unit
        for unit in ("nagios-nrpe-server", "ssh", "memcached"):
            assert box.run(["systemctl", "is-active", unit]).returncode == 0, unit
        assert box.run(["systemctl", "start", "managed-backup"], timeout=120).returncode != 0
        assert box.run("find /var/lib/redis /var/lib/ldap /var/www -mindepth 1", check=True).stdout == ""
    finally:
        box.stop()
        box.machine = whole
        box.start()
        box.wait()
    until(lambda: value(back1) == "on-the-volume", 60, "Redis has not its data")
    assert back1.converge().returncode == 0


@pytest.mark.soak
def test_a_file_that_it_would_hide_stops_converge(back1):
    box = back1.box
    box.run("systemctl stop redis-server var-lib-redis.mount; echo x >/var/lib/redis/strange", check=True)
    try:
        done = back1.converge()
        assert done.returncode != 0
        assert (
            "/var/lib/redis/strange would be hidden by the data volume"
            in done.stdout + done.stderr + back1.journal()
        )
        assert box.run(["systemctl", "is-active", "redis-server"]).returncode != 0
    finally:
        box.run("rm -f /var/lib/redis/strange", check=True)
    done = back1.converge()
    assert done.returncode == 0, done.stdout + done.stderr
    until(lambda: value(back1) == "on-the-volume", 60, "Redis has not its data")


def test_no_loop_device_stays_when_it_is_off(back1, stand):
    [image] = (stand / "box" / "volumes").glob("*.img")

    def attached():
        command = ["losetup", "--noheadings", "--output", "NAME", "--associated", str(image)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert attached()
    back1.box.power_off()
    try:
        until(lambda: not attached(), 20, "the loop device is still there")
    finally:
        back1.box.start()
        back1.box.wait()
    until(lambda: value(back1) == "on-the-volume", 60, "Redis has not its data")
