"""A machine is brought to its bundle, stays there, and is put right when it drifts."""

import datetime
import shutil

import pytest

from tests.box.stacks.fleet import CONVERGE_TIMEOUT, until
from tests.box.stacks.vendor import ADDRESS, STAND_INS

PACKAGE = next(iter(STAND_INS))
GOOD = "/var/lib/managed-server/bundles/good"


def test_the_second_run_changes_nothing(server):
    done = server.converge()
    assert done.returncode == 0, done.stderr
    assert server.changes() == []


def test_the_first_run_kept_the_order_in_which_things_need_each_other(server):
    """Also before a bundle was good, where no failure stops what comes after it."""
    said = server.journal()
    steps = [
        "Prepare/Exec[rkhunter-not-yet]",
        "Install/Exec[install packages]",
        "Place/File[/etc/rkhunter.conf.local]",
        "Run/Exec[enable units]",
        "Set_up/Exec[rkhunter-properties]",
    ]
    places = [said.find(f"Notice: /Stage[main]/{step}") for step in steps]
    assert -1 not in places, dict(zip(steps, places, strict=True))
    assert places == sorted(places)


def test_nothing_failed_and_nothing_is_left_to_start(server):
    assert server.box.run(["systemctl", "--failed", "--no-legend", "--plain"]).stdout == ""
    units = [unit for unit in server.spec.units if not server.spec.needs(unit.origin)]
    states = server.box.run(["systemctl", "is-active", *(unit.name for unit in units)]).stdout.split()
    wanted = {unit.name: "active" if unit.state == "running" else "inactive" for unit in units}
    assert dict(zip(wanted, states, strict=True)) == wanted


def test_drift_is_put_right(web1):
    web1.box.run(
        """
        echo '# by hand' >> /etc/nginx/nginx.conf
        chmod 0666 /etc/sudoers.d/managed-admins
        rm /etc/munin/plugins/nginx_status
        systemctl stop php8.4-fpm
        systemctl disable --quiet nginx
        rm /etc/systemd/system/multi-user.target.wants/munin-node.service
        useradd --create-home --groups managed-admins,managed-users mallory
        usermod --append --groups sudo bob
        nft insert rule inet managed incoming tcp dport 6379 accept
        """,
        check=True,
    )
    assert web1.box.run(["managed-converge", "--noop"]).returncode == 0
    assert web1.box.run(["id", "mallory"]).returncode == 0, "noop changes nothing"
    done = web1.converge()
    assert done.returncode == 0, done.stderr
    after = web1.box.run(
        """
        grep -c 'by hand' /etc/nginx/nginx.conf || true
        stat -c %a /etc/sudoers.d/managed-admins
        readlink /etc/munin/plugins/nginx_status
        systemctl is-active php8.4-fpm
        systemctl is-enabled nginx munin-node
        id mallory 2>/dev/null || echo gone
        id -nG bob
        nft list chain inet managed incoming | grep -c 6379 || true
        """,
        check=True,
    ).stdout.splitlines()
    plugin = "/usr/share/munin/plugins/nginx_status"
    assert after == ["0", "440", plugin, "active", "enabled", "enabled", "gone", "bob managed-users", "0"]
    assert web1.converge().returncode == 0
    assert web1.changes() == []


def test_what_the_bundle_no_longer_has_goes_and_data_stay(web1):
    web1.box.run("echo kept > /var/www/shop.widgets.example/public/index.html", check=True)

    def change(customer):
        del customer["users"]["bob"]
        customer["servers"]["web1"]["sites"] = ["www.widgets.example"]
        customer["servers"]["web1"]["unsupported_packages"] = []

    assert (
        web1.box.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", "imagemagick"]).stdout == "installed"
    )
    web1.deliver(change)
    done = web1.converge()
    assert done.returncode == 0, done.stderr
    assert web1.box.run(["id", "bob"]).returncode != 0
    assert web1.box.run(["ls", "-d", "/home/bob"]).returncode == 0
    gone = ["/etc/nginx/sites-enabled/shop.widgets.example.conf", "/etc/ssh/authorized_keys.d/bob"]
    for path in gone:
        assert web1.box.run(["test", "-e", path]).returncode != 0, path
    assert web1.box.read("/var/www/shop.widgets.example/public/index.html") == "kept\n"
    assert web1.box.run(["test", "-d", "/etc/nginx/customer.d/shop.widgets.example"]).returncode != 0, "empty"
    status = web1.box.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", "imagemagick"]).stdout
    assert status != "installed"
    assert web1.box.run(["systemctl", "is-active", "nginx"]).stdout.strip() == "active"
    web1.back()
    assert web1.box.run(["id", "bob"]).returncode == 0


def test_going_back_is_a_pointer(web1):
    other = web1.deliver(lambda customer: customer["users"]["bob"].update(admin=True))
    assert web1.converge().returncode == 0
    assert "managed-admins" in web1.box.run(["id", "-nG", "bob"]).stdout
    assert web1.heartbeat() == f"ok bundle {other.sha256[:12]}"
    web1.back()
    assert web1.box.run(["id", "-nG", "bob"]).stdout.split() == ["bob", "managed-users"]


def test_each_run_leaves_a_report(web1):
    listed = web1.box.run("ls /var/lib/managed-server/reports/server", check=True).stdout.split()
    assert listed
    newest = datetime.datetime.strptime(max(listed), "%Y%m%d%H%M.yaml").replace(tzinfo=datetime.UTC)
    assert datetime.datetime.now(tz=datetime.UTC) - newest < datetime.timedelta(hours=1)


@pytest.fixture
def no_vendor(fleet):
    """A vendor's archive can't be reached, until this is called."""
    mended = []

    def mend():
        if not mended:
            fleet.session.network.join("vendor", [ADDRESS])
            mended.append(True)

    fleet.session.network.part([ADDRESS])
    yield mend
    mend()


def missing(web1):
    """What the heartbeat says of a machine that lacks the vendor's package, and no bundle to go back to."""
    return f"critical bundle {web1.bundle.sha256[:12]} can't be applied, not installed: {PACKAGE}"


def assert_all_else_stands(web1, foreign):
    """Firewall, SSH, users, monitoring and the other software are as the bundle says; and it isn't good."""
    assert web1.box.run(["test", "-e", GOOD]).returncode != 0
    assert foreign.reaches(web1.box.machine.addresses[0], [22, 80, 443, 4949, 5666]) == {80, 443}
    stands = """
        nft list chain inet managed incoming | grep -c 'policy drop'
        sshd -T | grep -c '^permitrootlogin no$'
        id -nG bob
        systemctl is-active nginx php8.4-fpm redis-server nagios-nrpe-server munin-node rsyslog
        systemctl is-enabled managed-backup.timer apt-daily-upgrade.timer
    """
    said = web1.box.run(stands, check=True).stdout.splitlines()
    assert said == ["1", "1", "bob managed-users", *["active"] * 6, "enabled", "enabled"]


@pytest.mark.soak  # in each run the program that installs, by tests/test_install_packages.py
def test_a_package_that_can_not_be_had_keeps_nothing_else_away_before_a_bundle_was_good(
    web1, no_vendor, foreign
):
    """As at a first boot; that takes minutes, and is among the long tests."""
    web1.box.run(
        f"""
        rm {GOOD}
        dpkg --remove {PACKAGE}
        rm -f /var/cache/apt/archives/{PACKAGE}_* /etc/apt/*/managed-percona*
        systemctl stop nftables nginx nagios-nrpe-server
        systemctl disable --now --quiet apt-daily-upgrade.timer
        rm /etc/nginx/nginx.conf /etc/ssh/sshd_config.d/10-managed.conf
        userdel bob
        """,
        check=True,
    )
    assert web1.converge().returncode != 0
    assert web1.heartbeat() == missing(web1)
    assert_all_else_stands(web1, foreign)
    no_vendor()
    assert web1.converge().returncode == 0, "the next run finishes it"
    assert web1.heartbeat() == f"ok bundle {web1.bundle.sha256[:12]}"
    assert web1.box.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", PACKAGE]).stdout == "installed"


@pytest.mark.soak
def test_a_first_boot_without_the_vendor_ends_by_itself(fleet, web1, no_vendor, foreign):
    """The machine is made anew, and has nothing of the old one."""
    web1.box.stop()
    shutil.rmtree(web1.box.folder)
    fleet.session.up([web1.box.machine], hub="", office="", aliases={})
    until(web1.heartbeat, CONVERGE_TIMEOUT, "no first converge", 2)
    assert web1.heartbeat() == missing(web1)
    assert_all_else_stands(web1, foreign)
    no_vendor()
    wanted = f"ok bundle {web1.bundle.sha256[:12]}"
    until(lambda: web1.heartbeat() == wanted, CONVERGE_TIMEOUT, "it doesn't heal by itself", 5)
