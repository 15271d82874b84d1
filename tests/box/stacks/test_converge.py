"""A machine is brought to its bundle, stays there, and is put right when it drifts."""

import datetime


def test_the_second_run_changes_nothing(web1):
    done = web1.converge()
    assert done.returncode == 0, done.stderr
    assert web1.changes() == []


def test_nothing_failed_and_nothing_is_left_to_start(web1):
    assert web1.box.run(["systemctl", "--failed", "--no-legend", "--plain"]).stdout == ""
    for unit in web1.spec.units:
        if web1.spec.needs(unit.origin):
            continue
        state = web1.box.run(["systemctl", "is-active", unit.name]).stdout.strip()
        assert state == ("active" if unit.state == "running" else "inactive"), unit.name


def test_drift_is_put_right(web1):
    web1.box.run(
        """
        echo '# by hand' >> /etc/nginx/nginx.conf
        chmod 0666 /etc/sudoers.d/managed-admins
        rm /etc/munin/plugins/nginx_status
        systemctl stop php8.4-fpm
        systemctl disable --quiet nginx
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
        systemctl is-enabled nginx
        id mallory 2>/dev/null || echo gone
        id -nG bob
        nft list chain inet managed incoming | grep -c 6379 || true
        """,
        check=True,
    ).stdout.splitlines()
    plugin = "/usr/share/munin/plugins/nginx_status"
    assert after == ["0", "440", plugin, "active", "enabled", "gone", "bob managed-users", "0"]
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
