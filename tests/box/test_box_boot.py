"""A machine boots as its instance, from what Debian's image holds."""

import fcntl
import re
from dataclasses import replace

import pytest

from managed_server.local.box import image
from managed_server.local.debian.host import DebianError

pytestmark = pytest.mark.machine

FIRST_BOOT = "/var/log/first-boot"


def started(box) -> str:
    return box.run(["systemctl", "show", "--property=UserspaceTimestampMonotonic"], check=True).stdout


def test_cloud_init_finds_ec2_and_runs_user_data(one):
    said = one.run(["cloud-init", "status", "--long", "--wait"]).stdout
    assert "status: done" in said
    assert "DataSourceEc2" in said
    assert "errors: []" in said
    assert len(one.read(FIRST_BOOT).splitlines()) == 1
    assert re.match(r"ip-\d+-\d+-\d+-\d+$", one.run(["hostname"]).stdout), "the name that EC2 gives"


def test_the_tree_below_it_stays_in_the_cache(one):
    """tree.py removes the oldest trees, if nobody holds their lock."""
    tree = (one.folder / "base").resolve()
    with tree.parent.with_name(f"{tree.parent.name}.lock").open("a") as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_everything_that_should_run_runs(one):
    assert one.run(["systemctl", "is-system-running"]).stdout.strip() == "running"
    assert one.run(["systemctl", "--failed", "--no-legend"]).stdout == ""
    assert one.run(["systemctl", "is-active", "ssh", "systemd-resolved"]).stdout.split() == ["active"] * 2


def test_accounts_that_are_not_root_see_what_they_should(one):
    one.run('runuser -u admin -- sh -c "cat /etc/hosts && ls / /etc /var/cache/apt/archives"', check=True)
    assert one.run(["runuser", "-u", "admin", "--", "cat", "/etc/shadow"]).returncode == 1


def test_the_image_is_debians_and_no_more(one):
    installed = one.run(["dpkg-query", "-W", "-f", "${Package}\n"], check=True).stdout.splitlines()
    assert set(image.packages()) <= set(installed)
    manual = one.run(["apt-mark", "showmanual"], check=True).stdout.split()
    assert not [name for name in installed if re.match(r"puppet|openvox|ruby|linux-image|grub", name)]
    assert "admin" in one.read("/etc/passwd")
    assert len(manual) < len(installed)
    password = one.run(["sshd", "-T"], check=True).stdout
    assert "passwordauthentication no" in password
    assert "permitrootlogin without-password" in password


def test_user_data_are_not_run_again(cloud, new_session):
    session = new_session()
    session.up([cloud.machine("again")], hub="", office="203.0.113.1", aliases={})
    box = session.box("again")
    drop = ["iptables", "-A", "INPUT", "-p", "tcp", "--dport", "9", "-j", "DROP"]
    for restart in (box.reboot, box.power_cut, lambda: (box.stop(), box.start(), box.wait())):
        box.write("/srv/kept", "kept\n")
        box.run(drop, check=True)
        before, leader = started(box), box.leader()
        restart()
        assert box.leader() != leader
        assert started(box) != before
        assert box.read("/srv/kept") == "kept\n"
        assert "DROP" not in box.run(["iptables", "-S"], check=True).stdout, (
            "a boot begins without a firewall"
        )
        assert len(box.read(FIRST_BOOT).splitlines()) == 1
    leader = box.leader()
    box.run(["systemctl", "reboot"])
    assert box.wait(other_than=leader) == "running"


def test_what_one_writes_the_other_has_not(one, two):
    one.write("/etc/only-here", "x", mode=0o600)
    assert one.run(["stat", "-c", "%a %U", "/etc/only-here"]).stdout == "600 root\n"
    assert two.run(["test", "-e", "/etc/only-here"]).returncode == 1


def test_a_release_that_cant_be_shown_is_refused(cloud, new_session):
    old = replace(cloud.machine("old"), release=12)
    with pytest.raises(DebianError, match="Debian 12 can't be shown here"):
        new_session().up([old], hub="", office="203.0.113.1", aliases={})
