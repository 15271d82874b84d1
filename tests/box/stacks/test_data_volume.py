"""A server with a data volume: what is on it, after a boot as well, and what is done without it."""

import dataclasses
import json
import subprocess

import pytest

from tests.box.stacks.backups import back_up
from tests.box.stacks.fleet import until

PLUGIN = "/usr/local/lib/managed-server/plugins/check-data-volume"
CHECK = f"setpriv --reuid=nagios --regid=nagios --init-groups {PLUGIN}"
OWN = "/srv/data/uploads/note"
PASSWORD = "sed -n 's/^requirepass //p' /etc/redis/managed-password.conf"
REDIS = f'redis-cli --no-auth-warning -a "$({PASSWORD})"'
ON_IT = {"/srv/data", "/var/lib/automysqlbackup", "/var/lib/mysql", "/var/lib/redis", "/var/www"}


@pytest.fixture(scope="module")
def filled(web1):
    """The server, with a value in Redis and a file of the customer's; whole again in the end."""
    web1.box.run(f"{REDIS} set kept on-the-volume; {REDIS} save", check=True)
    web1.box.run(f"mkdir -p $(dirname {OWN}); echo mine >{OWN}", check=True)
    yield web1
    web1.box.run(f"rm -r $(dirname {OWN}); {REDIS} del kept; {REDIS} save", check=True)


def value(server):
    return server.box.run(f"{REDIS} get kept").stdout.strip()


def test_the_softwares_data_are_on_it(filled):
    here = {mount.path for mount in filled.spec.data.mounts} | {filled.spec.data.path}
    assert here == ON_IT
    device = filled.box.run("stat --format %Hr:%Lr /dev/sdf", check=True).stdout.strip()
    said = filled.box.run("findmnt --list --noheadings --output TARGET,FSTYPE,MAJ:MIN", check=True).stdout
    found = {target for target, kind, number in map(str.split, said.splitlines()) if number == device}
    assert found == ON_IT
    assert filled.box.run(CHECK, check=True).stdout.startswith("OK - /srv/data and 4 directories")
    names = filled.box.run(
        "find /srv/data/software/var/lib/redis /srv/data/software/var/lib/mysql -type f", check=True
    ).stdout
    assert "/var/lib/redis/dump.rdb" in names
    assert "/var/lib/mysql/ibdata1" in names
    assert filled.box.run("stat --format %U:%a /var/lib/redis", check=True).stdout.strip() == "redis:750"


def test_it_is_made_once_and_converge_changes_nothing(filled):
    before = filled.box.run("blkid -p -s UUID -o value /dev/sdf", check=True).stdout
    assert filled.converge().returncode == 0
    assert filled.changes() == []
    assert filled.box.run("blkid -p -s UUID -o value /dev/sdf", check=True).stdout == before


def test_it_is_backed_up_once(filled):
    back_up(filled)
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


def test_without_it_the_machine_boots_nothing_starts_beneath_and_the_check_says_so(filled):
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
        for unit in ("redis-server", "mysql", "nginx"):
            assert box.run(["systemctl", "is-active", unit]).returncode != 0, unit
        for unit in ("nagios-nrpe-server", "ssh", "postfix"):
            assert box.run(["systemctl", "is-active", unit]).returncode == 0, unit
        assert box.run(["systemctl", "start", "managed-backup"], timeout=120).returncode != 0
        assert box.run("find /var/lib/redis /var/lib/mysql /var/www -mindepth 1", check=True).stdout == ""
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
