"""What breaks: services keep serving, the next run heals, someone is told."""

import hashlib
import json

import pytest

from tests.box.stacks.fleet import HEARTBEATS, until

NFT = "files/etc/nftables.conf"


def serves(web1, foreign):
    """The web site answers from the outside."""
    return foreign.reaches(web1.box.machine.addresses[0], [80]) == {80}


def admin_user(customer):
    customer["users"]["bob"]["admin"] = True


@pytest.fixture
def healed(web1):
    """Whatever a test does, the machine is brought back afterwards."""
    yield web1
    web1.back()
    assert web1.heartbeat() == f"ok bundle {web1.bundle.sha256[:12]}"


def test_the_bucket_is_gone(fleet, healed, foreign):
    fleet.session.cut("aws", healed.box.name)
    try:
        done = healed.converge()
        assert done.returncode != 0
        assert "onnect" in done.stderr, "the client's own words say why"
        assert healed.heartbeat().startswith("warning can't fetch the pointer; bundle ")
        healed.box.run("touch -d '15 minutes ago' /var/lib/managed-server/unreachable", check=True)
        healed.converge()
        assert healed.heartbeat().startswith("critical can't fetch the pointer; bundle ")
        assert serves(healed, foreign)
        healed.box.run("systemctl stop nginx", check=True)
        assert healed.converge().returncode != 0
        assert serves(healed, foreign), "drift is put right by the last good bundle"
    finally:
        fleet.session.mend("aws", healed.box.name)


@pytest.mark.parametrize(
    "pointer",
    [
        json.dumps({"sha256": "b" * 64}),
        # What is no pointer at all is told the same way; components/test_bootstrap.py tries more of it.
        *(pytest.param(text, marks=pytest.mark.soak) for text in ("", "{", '{"sha256": "../../etc"}')),
    ],
)
def test_the_pointer_is_wrong(healed, foreign, pointer):
    healed.point(pointer)
    assert healed.converge().returncode != 0
    assert healed.heartbeat().startswith("critical ")
    assert serves(healed, foreign)


def test_a_bundle_for_another_server_is_refused(healed, foreign):
    content = healed.bundle.content.replace(b'"server": "web1"', b'"server": "web9"')
    assert content != healed.bundle.content
    healed.put(content, hashlib.sha256(content).hexdigest())
    done = healed.converge()
    assert done.returncode != 0
    assert "it is for example-web9" in done.stderr + done.stdout + healed.journal()
    assert "back on" in healed.heartbeat()
    assert serves(healed, foreign)


def test_the_mirror_is_gone_and_nothing_of_the_new_bundle_is_applied(fleet, healed, foreign):
    def change(customer):
        customer["servers"]["web1"]["unsupported_packages"] = ["imagemagick", "sl"]
        admin_user(customer)

    bundle = healed.deliver(change)
    healed.box.run("rm -f /var/cache/apt/archives/sl_*", check=True)
    fleet.session.cut("mirror", healed.box.name)
    try:
        assert healed.converge().returncode != 0
        assert healed.heartbeat() == (
            f"critical bundle {bundle.sha256[:12]} can't be applied, not installed: sl; "
            f"back on {healed.bundle.sha256[:12]}"
        )
        assert "managed-admins" not in healed.box.run(["id", "-nG", "bob"]).stdout
        assert serves(healed, foreign)
    finally:
        fleet.session.mend("mirror", healed.box.name)
    assert healed.converge().returncode == 0, "healed by the next run"
    assert healed.box.run(["test", "-x", "/usr/games/sl"]).returncode == 0


def test_the_power_goes_during_a_converge(healed, foreign):
    def change(customer):
        customer["servers"]["web1"]["unsupported_packages"] = ["imagemagick", "fortunes", "cowsay"]
        admin_user(customer)

    bundle = healed.deliver(change)
    healed.box.run("systemctl start --no-block managed-fetch", check=True)
    until(
        lambda: healed.box.run(["pgrep", "-f", "install-packages"]).returncode == 0,
        60,
        "no installation",
        0.05,
    )
    healed.box.power_cut()
    until(lambda: serves(healed, foreign), 60, "the site is not back")
    until(lambda: healed.heartbeat() == f"ok bundle {bundle.sha256[:12]}", 300, "it doesn't heal by itself")
    assert healed.box.run(["test", "-x", "/usr/games/cowsay"]).returncode == 0
    assert "managed-admins" in healed.box.run(["id", "-nG", "bob"]).stdout


def test_the_disk_is_full(healed, foreign):
    healed.box.run(
        """
        mkdir -p /mnt/small && mount -t tmpfs -o size=8m tmpfs /mnt/small
        cp -a /var/lib/managed-server/bundles /mnt/small/
        dd if=/dev/zero of=/mnt/small/full bs=1M 2>/dev/null || true
        mount --bind /mnt/small/bundles /var/lib/managed-server/bundles
        """,
        check=True,
    )
    try:
        healed.deliver(admin_user)
        assert healed.converge().returncode != 0
        assert serves(healed, foreign)
        assert healed.heartbeat().startswith("critical ")
    finally:
        healed.box.run("umount /var/lib/managed-server/bundles; umount /mnt/small", check=True)


def cutting_off(rules):
    """Rules under which the machine reaches nothing that it needs, of the same length."""
    bad = "\n".join(
        "#" * len(line)
        if "dport 80 accept" in line and "daddr" not in line and "# firewall" in line
        else line
        for line in rules.split("\n")
    )
    assert bad != rules
    return bad


def test_rules_that_cut_the_machine_off_are_taken_back(healed, foreign):
    """Rules that let nothing out, in a bundle that is right in every other way."""
    bundle = healed.deliver(admin_user)
    rules = next(file for file in bundle.files if file.path == "/etc/nftables.conf").content
    bad = cutting_off(rules.decode()).encode()
    assert len(bad) == len(rules)
    content = bundle.content.replace(rules, bad)
    old, new = (hashlib.sha256(each).hexdigest().encode() for each in (rules, bad))
    content = content.replace(old, new)
    healed.put(content, hashlib.sha256(content).hexdigest())
    done = healed.converge()
    assert done.returncode != 0
    assert (
        "the machine no longer reaches"
        in healed.box.run(["journalctl", "-u", "nftables", "-o", "cat"]).stdout
    )
    assert "back on" in healed.heartbeat()
    assert healed.box.read("/etc/nftables.conf").encode() == rules
    assert healed.box.run(["/usr/local/lib/managed-server/firewall-verify", "--check"]).returncode == 0
    assert serves(healed, foreign)


def test_the_timer_does_not_load_rules_that_cut_the_machine_off(healed, foreign):
    """A converge has written the file and not yet loaded it, or taken its rules back, and the timer comes."""
    rules = healed.box.read("/etc/nftables.conf")
    # Its run is started by hand here: one that were still on at the end would cut the converge off.
    timer = "managed-firewall-verify.timer"
    healed.box.run(["systemctl", "stop", timer, "managed-firewall-verify.service"], check=True)
    healed.box.write("/etc/nftables.conf", cutting_off(rules), 0o755)
    # Both at once as well: neither takes the rules that the other tries for those from before.
    done = healed.box.run(
        """
        exec 9>>/run/managed-server/converge.lock; flock 9  # no converge puts the file right meanwhile
        cd /usr/local/lib/managed-server
        ./firewall-verify 2>&1 && echo loaded
        ./firewall-verify 2>&1 & verify=$!
        ./firewall-reload 2>&1 && echo loaded
        wait $verify && echo loaded
        systemctl reload nftables && echo loaded
        true
        """,
        timeout=120,
    ).stdout
    assert "loaded\n" not in done, done
    assert done.count("the machine no longer reaches") == 3, done
    assert healed.converge().returncode == 0, "it still reaches its bundle"
    assert healed.box.read("/etc/nftables.conf") == rules
    assert healed.box.run(["/usr/local/lib/managed-server/firewall-verify", "--check"]).returncode == 0
    assert healed.box.run(["systemctl", "is-active", timer]).returncode == 0
    assert serves(healed, foreign)


def test_blocks_of_the_intrusion_protection_survive_a_reload(web1, foreign):
    address = foreign.addresses[0]
    web1.box.run(f"nft add element inet blocks ipv4 '{{ {address} timeout 1h }}'", check=True)
    try:
        web1.box.run("systemctl reload nftables", check=True)
        assert foreign.reaches(web1.box.machine.addresses[0], [80], timeout=1) == set()
    finally:
        web1.box.run(f"nft delete element inet blocks ipv4 '{{ {address} }}'", check=True)
    assert serves(web1, foreign)


def test_everything_comes_back_after_a_reboot(web1, foreign):
    """Freshclam as well: a box has no way to the signatures; it says so, and tries again an hour later."""
    before = web1.box.run("cat /proc/sys/kernel/random/boot_id", check=True).stdout
    web1.box.reboot()
    assert web1.box.run("cat /proc/sys/kernel/random/boot_id", check=True).stdout != before
    until(lambda: serves(web1, foreign), 60, "the site is not back")
    for unit in web1.spec.units:
        if unit.state == "running" and not web1.spec.needs(unit.origin):
            until(
                lambda unit=unit: (
                    web1.box.run(["systemctl", "is-active", unit.name]).stdout.strip() == "active"
                ),
                60,
                f"{unit.name} is not back",
            )
    assert web1.box.run(["/usr/local/lib/managed-server/firewall-verify", "--check"]).returncode == 0
    assert web1.box.run(["stat", "-c", "%Y", f"{HEARTBEATS}/converge"]).returncode == 0
