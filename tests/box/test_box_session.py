"""Sessions come up again and again, stand beside each other, and go without leaving anything."""

import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from managed_server.local.box import plan, processes
from managed_server.local.box.machine import Box
from managed_server.local.box.session import SessionError

pytestmark = pytest.mark.machine

OFFICE = "203.0.113.1"


def up(session, *machines):
    session.up(machines, hub="", office=OFFICE, aliases={})


def ours(session) -> list[int]:
    """Processes of a session: in its control groups, or with its folder in their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            text = (entry / "cgroup").read_text() + (entry / "cmdline").read_text().replace("\0", " ")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z" and (session.prefix in text or str(session.folder) in text):
            found.append(int(entry.name))
    return found


def groups(session) -> str:
    script = 'umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; ls -d "/sys/fs/cgroup/$1"'
    argv = ["unshare", "--mount", "--propagation", "private", "bash", "-c", script, "groups", session.prefix]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def left_of(session) -> dict[str, object]:
    """What there is of a session anywhere on this host."""
    mounts = Path("/proc/self/mounts").read_text()
    found = {
        "processes": ours(session),
        "namespaces": [path.name for path in Path("/run/netns").iterdir() if session.prefix in path.name],
        "mounts": [
            line for line in mounts.splitlines() if session.prefix in line or str(session.folder) in line
        ],
        "control groups": groups(session),
        "files": [str(path) for path in session.folder.parent.iterdir() if path.name.startswith("box")],
        "nspawn's": [
            path for path in Path("/run/systemd/nspawn").rglob("*") if path.name in ("left", "twin")
        ],
    }
    return {name: what for name, what in found.items() if what}


def test_up_again_changes_nothing(session, one, two):
    before = {box.name: box.leader() for box in (one, two)}
    up(session, one.machine)
    assert {box.name: box.leader() for box in (one, two)} == before


def test_a_machine_that_comes_later_is_known_to_those_before(session, one, cloud):
    late = cloud.machine("third")
    up(session, late)
    assert one.run(["getent", "ahostsv4", "third"]).stdout.split()[0] == late.addresses[0]
    assert session.box("third").run(["ping", "-c", "1", "-W", "5", "one"]).returncode == 0
    session.box("third").power_off()
    assert not session.box("third").running()
    up(session, late)
    assert session.box("third").running()
    session.box("third").write("/srv/mark", "of the first one")
    session.remove("third")
    assert "third" not in session.boxes()
    assert not (session.folder / "machines" / "third").exists()
    assert session.network.namespace("third") not in [path.name for path in Path("/run/netns").iterdir()]
    up(session, late)
    assert session.box("third").run(["test", "-e", "/srv/mark"]).returncode == 1, "it began from nothing"


def test_a_vendor_that_comes_later_is_reached_by_way_of_the_host(session, one):
    name = "vendor.hosting.example"
    before = {mirror.host: mirror.address for mirror in session.plan().mirrors}
    session.up([one.machine], hub="", office="203.0.113.1", aliases={}, archives=[name])
    after = {mirror.host: mirror.address for mirror in session.plan().mirrors}
    assert {host: after[host] for host in before} == before, "the others keep their addresses"
    assert one.run(["getent", "ahostsv4", name]).stdout.split()[0] == after[name]
    # Accepted, and reset: the host itself finds no such vendor.
    assert one.run(["curl", "-s", "--max-time", "20", f"http://{name}/"]).returncode in (52, 56)
    ask = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://169.254.169.254/latest/meta-data"]
    assert one.run(ask).stdout == "401", "what was there before is there again"


def test_another_instance_of_the_name_is_refused(session, one):
    other = plan.Machine(**{**one.machine.as_json(), "instance_id": "i-0123456789abcdef0"})
    with pytest.raises(SessionError, match="is another instance now"):
        up(session, other)


def test_the_service_is_started_again_after_a_kill(session, one):
    pid = processes.recorded(session.folder / "service.pid")
    os.kill(pid, signal.SIGKILL)
    ask = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://169.254.169.254/latest/meta-data"]
    assert one.run(ask).stdout == "000"
    up(session, one.machine)
    assert one.run(ask).stdout == "401"


def kill_service(session):
    os.kill(processes.recorded(session.folder / "service.pid"), signal.SIGKILL)


def kill_nspawn(session):
    pid = processes.recorded(session.box("left").folder / "machine.pid")
    for child in processes.children(pid):
        os.kill(child, signal.SIGKILL)


def kill_script(session):
    os.kill(processes.recorded(session.box("left").folder / "machine.pid"), signal.SIGKILL)


def kill_all(session):
    for pid in ours(session):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def break_plan(session):
    (session.folder / plan.FILE).write_text('{"prefix": ')


def lose_folder(session):
    """As `git clean` or `rm -rf` would."""
    subprocess.run(["rm", "-rf", str(session.folder)], check=True)


def test_down_leaves_nothing_whatever_was_killed(cloud, new_session):
    machine = cloud.machine("left")
    for disturb in (
        lambda _: None,
        kill_service,
        kill_nspawn,
        kill_script,
        kill_all,
        break_plan,
        lose_folder,
    ):
        session = new_session()
        up(session, machine)
        assert len(left_of(session)) >= 4, "seen while it runs"
        disturb(session)
        session.down()
        assert left_of(session) == {}, disturb
    assert session.down() is False


def test_two_sessions_have_machines_of_the_same_name(cloud, new_session):
    first, second = new_session(), new_session()
    machine = cloud.machine("twin")
    up(first, machine)
    up(second, machine)
    first.box("twin").write("/srv/mine", "first")
    assert second.box("twin").run(["test", "-e", "/srv/mine"]).returncode == 1
    first.down()
    assert left_of(first) == {}
    assert second.box("twin").run(["true"]).returncode == 0
    assert second.box("twin").run(["ping", "-c", "1", "-W", "5", "twin"]).returncode == 0
    second.down()
    assert left_of(second) == {}


def test_copies_begin_as_the_first_one_is_and_differ_from_then_on(cloud, new_session, tmp_path_factory):
    """In memory or not, on one file system: all of them share what was written before."""
    first = new_session()
    machine = cloud.machine("twin2")
    volume = replace(machine, volume_id="vol-1", volume_gb=1, volume_device="/dev/sdf")
    up(first, volume)
    box = first.box("twin2")
    box.run(
        """
        echo before >/srv/kept
        rm /etc/motd; rm -r /etc/skel; mkdir /etc/skel; echo new >/etc/skel/new.sh
        chown nobody /srv/kept
        mkfs.ext4 -q /dev/sdf && mount /dev/sdf /mnt && echo data >/mnt/file && umount /mnt
        """,
        check=True,
    )
    box.stop()
    first.settle(tmp_path_factory.mktemp("layers") / "of-first")
    second = first.copy(tmp_path_factory.mktemp("session") / "box", cloud.folder)
    try:
        looks = "cat /srv/kept; stat -c %U /srv/kept; ls -A /etc/skel; ls /etc/motd; "
        looks += "mount /dev/sdf /mnt; cat /mnt/file; rm /mnt/file; rm /srv/kept; umount /mnt"
        for session in (first, second):  # what goes on the one is there on the other
            up(session, volume)
            assert session.box("twin2").run(f"set +e; {looks}").stdout.split() == [
                "before",
                "nobody",
                "new.sh",
                "data",
            ]
        assert first.box("twin2").run(["test", "-e", "/srv/kept"]).returncode == 1
        first.down()
        assert left_of(first) == {}
        assert second.box("twin2").run(["cat", "/etc/skel/new.sh"]).stdout == "new\n"
    finally:
        second.down()
    assert left_of(second) == {}


def test_programs_that_take_too_long_are_ended(one):
    with pytest.raises(subprocess.TimeoutExpired):
        one.run(["sleep", "417"], timeout=1)
    assert one.run(["pgrep", "-f", "^sleep 417$"]).returncode == 1


def test_packages_that_no_machine_installs_any_more_go(tmp_path):
    packages = tmp_path / "packages"
    packages.mkdir()
    for name, days in (("used.deb", 29), ("old.deb", 31), ("old.1234", 31)):  # the last of a killed copy
        (packages / name).touch()
        os.utime(packages / name, (time.time() - days * 86_400, 0))
    (archives := tmp_path / "one" / "archives").mkdir(parents=True)
    one = Box(tmp_path / "one", SimpleNamespace(name="one"), SimpleNamespace(prefix="box-0"), packages)
    one._take_packages()
    assert [path.name for path in archives.iterdir()] == ["used.deb"]
    (archives / "new.deb").touch()
    os.utime(archives / "new.deb", (0, 0))
    one.keep_packages()
    assert sorted(path.name for path in packages.iterdir()) == ["new.deb", "used.deb"]
    assert (packages / "new.deb").stat().st_atime > time.time() - 60
