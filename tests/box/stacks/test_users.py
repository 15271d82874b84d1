"""Who gets in, by SSH for real: users of the stack file, with their keys, and nobody else."""

import datetime
import itertools

import pytest

_ADDRESSES = itertools.count(20)


@pytest.fixture
def stranger(fleet):
    """Somebody at another address of the administrators' network: sshd holds back one that failed before."""
    number = next(_ADDRESSES)
    return fleet.at(f"stranger{number}", f"203.0.113.{number - 12}")


def target(server):
    return server.box.machine.addresses[0]


def test_a_user_logs_in_and_an_administrator_becomes_root(web1, admin):
    assert admin.ssh("alice", target(web1), "id -un").stdout.strip() == "alice"
    assert admin.ssh("alice", target(web1), "sudo -n id -un").stdout.strip() == "root"
    assert admin.ssh("bob", target(web1), "id -un").stdout.strip() == "bob"
    refused = admin.ssh("bob", target(web1), "sudo -n id -un")
    assert refused.returncode != 0
    assert "root" not in refused.stdout


@pytest.mark.parametrize(
    ("user", "key"),
    [("root", "alice"), ("admin", "alice"), ("alice", "bob"), ("bob", "alice"), ("alice", "other")],
)
def test_nobody_else_does(web1, stranger, user, key):
    refused = stranger.ssh(user, target(web1), "true", key=key)
    assert refused.returncode == 255
    assert "Permission denied (publickey)" in refused.stderr


def test_passwords_are_refused(web1, stranger):
    web1.box.run("echo 'bob:known' | chpasswd", check=True)
    options = ["PreferredAuthentications=password,keyboard-interactive", "PubkeyAuthentication=no"]
    options += ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=no"]
    command = ["ssh", "-F", "none", *(part for option in options for part in ("-o", option))]
    refused = stranger.run([*command, f"bob@{target(web1)}", "true"])
    assert refused.returncode == 255
    assert "Permission denied (publickey)" in refused.stderr


def test_users_come_change_and_go(fleet, web1, admin, keys):
    def refused(user):
        number = next(_ADDRESSES)
        place = fleet.at(f"stranger{number}", f"203.0.113.{number - 12}")
        return place.ssh(user, target(web1), "true").returncode == 255

    def public(name):
        return (keys / f"{name}.pub").read_text().strip()

    yesterday = (datetime.datetime.now(tz=datetime.UTC).date() - datetime.timedelta(days=1)).isoformat()

    def change(customer):
        users = customer["users"]
        users["carol"] = {"keys": [public("carol")], "admin": True}  # added
        users["alice"]["keys"] = [public("other")]  # another key
        users["bob"]["expires"] = yesterday  # expired

    web1.deliver(change)
    done = web1.converge()
    assert done.returncode == 0, done.stderr
    assert admin.ssh("carol", target(web1), "sudo -n id -un").stdout.strip() == "root"
    assert refused("alice")
    assert admin.ssh("alice", target(web1), "true", key="other").returncode == 0
    assert refused("bob")
    number = web1.box.run(["id", "-u", "carol"]).stdout.strip()

    def another(customer):
        customer["users"]["dave"] = {"keys": [public("carol")]}

    web1.deliver(another)
    done = web1.converge()
    assert done.returncode == 0, done.stderr
    assert refused("carol")
    assert web1.box.run(["id", "carol"]).returncode != 0
    assert admin.ssh("alice", target(web1), "true").returncode == 0
    assert admin.ssh("bob", target(web1), "true").returncode == 0
    assert web1.box.run(["stat", "-c", "%u %U", "/home/carol"]).stdout.split() == [number, "UNKNOWN"], (
        "who is new inherits nothing of somebody who left"
    )
    assert admin.ssh("dave", target(web1), "test -O . && ! ls /home/carol", key="carol").returncode == 0
    web1.deliver(change)
    done = web1.converge()
    assert done.returncode == 0, done.stderr
    assert admin.ssh("carol", target(web1), "test -O .").returncode == 0, "who comes back has their own again"
    web1.back()
    assert admin.ssh("alice", target(web1), "true").returncode == 0
    assert admin.ssh("bob", target(web1), "true").returncode == 0
