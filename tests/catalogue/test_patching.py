"""Upgrades: which packages unattended-upgrade takes from which archives, and what happens in the window."""

# ruff: noqa: E501  lines of the shell

import re
from pathlib import Path

import pytest

from .support import customer, files_of, run_script

pytestmark = pytest.mark.machine

# name: (origin, label, codename), each an archive with version 2 of a package that is there in version 1
ARCHIVES = {
    "main": ("Debian", "Debian", "{codename}"),
    "security": ("Debian", "Debian-Security", "{codename}-security"),
    "updates": ("Debian", "Debian", "{codename}-updates"),
    "vendor": ("Percona Development Team", "percona", "{codename}"),
    "strangers": ("Somebody", "Somebody", "{codename}"),
    "backports": ("Debian Backports", "Debian Backports", "{codename}-backports"),
    "next": ("Debian", "Debian", "forky"),
}

MAKE = """
build() {  # name, version
    mkdir -p /tmp/$1-$2/DEBIAN
    printf 'Package: a-%s\\nVersion: %s\\nArchitecture: all\\nMaintainer: a <a@a.example>\\nDescription: a\\n' $1 $2 >/tmp/$1-$2/DEBIAN/control
    dpkg-deb --build /tmp/$1-$2 $3 >/dev/null
}
archive() {  # name, origin, label, codename
    where=/srv/$1/dists/$4/main/binary-amd64
    mkdir -p $where
    build $1 1 /tmp/$1-1.deb && dpkg --install /tmp/$1-1.deb >/dev/null
    build $1 2 /srv/$1/a-$1_2_all.deb
    (cat /tmp/$1-2/DEBIAN/control; printf 'Filename: a-%s_2_all.deb\\nSize: %s\\nSHA256: %s\\n\\n' $1 \
        $(stat -c %s /srv/$1/a-$1_2_all.deb) $(sha256sum </srv/$1/a-$1_2_all.deb | cut -d ' ' -f 1)) >$where/Packages
    printf 'Origin: %s\\nLabel: %s\\nSuite: stable\\nCodename: %s\\nArchitectures: amd64\\nComponents: main\\nDate: %s\\nSHA256:\\n %s %s main/binary-amd64/Packages\\n' \
        "$2" "$3" $4 "$(date -uR)" $(sha256sum <$where/Packages | cut -d ' ' -f 1) $(stat -c %s $where/Packages) >/srv/$1/dists/$4/Release
    echo "deb [trusted=yes] file:/srv/$1 $4 main" >>/etc/apt/sources.list
}
rm -f /etc/apt/sources.list.d/*; : >/etc/apt/sources.list
"""


@pytest.fixture
def server(root, tmp_path, machines):
    release, tree = machines

    def run(script, software="nginx, php, percona", reboot="if-needed", also=()):
        changes = {
            "software: [nginx, php]": f"software: [{software}]",
            "disk_gb: 80": f'disk_gb: 80\n        debian: {release}\n        maintenance: {{day: saturday, time: "07:30", reboot: {reboot}}}',
        }
        files = files_of(root, customer(tmp_path, changes), ["patching", *also])
        result = run_script(tree, f"{script}\necho done", files)
        lines = result.stdout.splitlines()
        assert lines[-1:] == ["done"], result
        return lines[:-1]

    run.codename = {12: "bookworm", 13: "trixie"}[release]
    return run


def upgraded(server, **options):
    script = MAKE + "\n".join(
        f"archive {name} '{origin}' '{label}' {codename.format(codename=server.codename)}"
        for name, (origin, label, codename) in ARCHIVES.items()
    )
    script += "\napt-get -qq update && unattended-upgrade --dry-run --verbose 2>&1"
    said = "\n".join(server(script, **options))
    found = re.search(r"Packages that will be upgraded: (.*)", said)
    assert found, said
    return set(found[1].split())


def test_upgrades_come_from_debian_and_the_vendors_of_what_the_server_runs(server):
    debian = {"a-main", "a-security", "a-updates"}
    assert upgraded(server) == {*debian, "a-vendor"}
    assert upgraded(server, software="nginx, php") == debian


NEW_KERNEL = """
build kernel 1 /tmp/kernel-1.deb && dpkg --install /tmp/kernel-1.deb >/dev/null
at=/srv/security/dists/*/main/binary-amd64
sed -i 's/^Description: a$/&\\nDepends: a-new/' /tmp/kernel-2/DEBIAN/control 2>/dev/null
entry() {  # name, version, more
    mkdir -p /tmp/$1-$2/DEBIAN
    printf "Package: a-$1\\nVersion: $2\\nArchitecture: all\\n$3Maintainer: a <a@a.example>\\nDescription: a\\n" >/tmp/$1-$2/DEBIAN/control
    dpkg-deb --build /tmp/$1-$2 /srv/security/a-$1_$2_all.deb >/dev/null
    file=/srv/security/a-$1_$2_all.deb
    (cat /tmp/$1-$2/DEBIAN/control; printf 'Filename: a-%s_%s_all.deb\\nSize: %s\\nSHA256: %s\\n\\n' $1 $2 \
        $(stat -c %s $file) $(sha256sum <$file | cut -d ' ' -f 1)) >>$(echo $at/Packages)
}
entry kernel 2 'Depends: a-new\\n'; entry new 1 ''
sum=$(sha256sum <$(echo $at/Packages) | cut -d ' ' -f 1) size=$(stat -c %s $at/Packages)
sed -i "s|^ .* main/binary-amd64/Packages| $sum $size main/binary-amd64/Packages|" /srv/security/dists/*/Release
"""
PLUGIN = """
mkdir -p /var/lib/apt/periodic; touch /var/lib/apt/periodic/update-stamp; touch -d '3 days ago' /var/lib/apt/periodic/upgrade-stamp
plugin() { setpriv --reuid nagios --regid nagios --init-groups /usr/local/lib/managed-server/plugins/check-security-updates 48; echo $?; }
"""


def test_a_security_update_that_brings_a_new_package_is_told_when_it_is_left(server):
    """A new kernel is one: `apt-get upgrade`, which check_apt looks at by itself, never takes it."""
    made = f"{MAKE}archive security Debian Debian-Security {server.codename}-security\n"
    current = "apt-get -qq update; apt-get -qq -y install a-security >/dev/null 2>&1"
    said = server(f"{made}{current}\n{PLUGIN}plugin\n{NEW_KERNEL}apt-get -qq update; plugin", also=["nrpe"])
    assert said[:2] == ["OK - no security update is pending", "0"]
    assert said[2:] == [
        "CRITICAL - 2 packages available for dist-upgrade (2 critical updates). ; the last upgrade run began 72 h ago",
        "2",
    ]


def test_without_a_security_archive_nothing_pending_says_nothing(server):
    said = server(
        f"{MAKE}archive main Debian Debian {server.codename}\napt-get -qq update\n{PLUGIN}plugin",
        also=["nrpe"],
    )
    assert said[-1] == "2"
    assert said[-2].startswith("CRITICAL - apt knows no security archive of Debian")


# --- the window ------------------------------------------------------------------------------------

FAKES = """
cat >/usr/local/bin/systemctl <<'END'
#!/bin/sh
case $1 in
    show) [ ! -e "/tmp/busy/$5" ] || { echo activating; exit; }; echo inactive ;;
    *) echo "systemctl $*" ;;
esac
END
cat >/usr/local/bin/needrestart <<'END'
#!/bin/sh
case $* in
    *-b*) for unit in $(cat /tmp/left 2>/dev/null); do echo "NEEDRESTART-SVC: $unit"; done ;;
    *) echo "needrestart $*" ;;
esac
END
printf '#!/bin/sh\\nrm -rf /tmp/busy/*-soon.service\\nexec /bin/sleep 0.2\\n' >/usr/local/bin/sleep
chmod 755 /usr/local/bin/*
mkdir -p /tmp/busy
export PATH=/usr/local/bin:$PATH
maintenance() { MAINTAIN; }
"""
MAINTAIN = "/usr/local/lib/managed-server/maintenance --now 2>/dev/null; cat /var/lib/managed-server/heartbeat/maintenance"
FAKES = FAKES.replace("MAINTAIN", MAINTAIN)
DUE = "echo linux-image-amd64 >/run/reboot-required.pkgs; touch /run/reboot-required\n"
SERVICES = "needrestart -q -l -r a"


def test_services_are_restarted_and_the_server_if_a_package_asks_for_it(server):
    said = server(f"{FAKES}maintenance\n{DUE}maintenance")
    assert said == [
        SERVICES,
        "ok services were restarted where needed",
        "systemctl reboot",
        "ok the server is restarted for linux-image-amd64 ",
    ]


def test_the_stack_file_may_forbid_it(server):
    said = server(f"{FAKES}{DUE}maintenance", reboot="never")
    assert said == [
        SERVICES,
        "ok services were restarted where needed; a reboot is due, and the stack file says never",
    ]


def test_what_still_runs_with_old_libraries_is_told(server):
    said = server(
        f"{FAKES}echo dbus.service systemd-logind.service >/tmp/left; maintenance\n"
        "echo dbus.service nginx.service >/tmp/left; maintenance"
    )
    did = "services were restarted where needed"
    assert said == [
        *(SERVICES, f"ok {did}; with old libraries until a reboot: dbus.service systemd-logind.service"),
        *(SERVICES, f"warning still with old libraries: nginx.service; {did}"),
    ]


def test_no_software_of_the_server_is_spared(server):
    """The package's own settings leave OpenVPN as it is, whatever it was asked to do."""
    spared = r"""
cat >/tmp/spared.pl <<'END'
our %nrconf; eval do { local(@ARGV, $/) = '/etc/needrestart/needrestart.conf'; <> }; die $@ if $@;
for my $unit (@ARGV) { print "$unit\n" if grep { $unit =~ /$_/ && !$nrconf{override_rc}{$_} } keys %{$nrconf{override_rc}} }
END
perl /tmp/spared.pl openvpn-server@server.service nginx.service dbus.service"""
    assert server(spared, software="nginx, php, openvpn") == ["dbus.service"]
    assert server(spared, software="nginx, php") == ["openvpn-server@server.service", "dbus.service"]


def test_a_converge_or_a_restore_is_not_broken_off(server):
    short = "sed -i 's/wait_s=[0-9]*/wait_s=1/' /usr/local/lib/managed-server/maintenance\n"
    lock = "/run/managed-server/converge.lock"
    said = server(
        f"{FAKES}{short}{DUE}mkdir -p {Path(lock).parent}; flock {lock} -c 'PATH=$PATH; {MAINTAIN}'\n"
    )
    assert said == ["warning put off for a week: a converge or a restore was still running"]
    held = f"printf '#!/bin/sh\\nflock --nonblock {lock} true || echo held\\n' >/usr/local/bin/needrestart\n"
    assert server(f"{FAKES}{held}maintenance")[0] == "held", "none begins while services are restarted"


def test_a_job_is_not_broken_off(server):
    short = "sed -i 's/wait_s=[0-9]*/wait_s=1/' /usr/local/lib/managed-server/maintenance\n"
    said = server(f"{FAKES}{short}{DUE}touch /tmp/busy/managed-backup.service\nmaintenance; ls /tmp/busy")
    assert said == [
        "warning put off for a week: managed-backup.service was still running",
        "managed-backup.service",
    ]
    late = "sed -i 's/managed-backup.service/managed-backup-soon.service/' /usr/local/lib/managed-server/maintenance\n"
    said = server(f"{FAKES}{late}{DUE}touch /tmp/busy/managed-backup-soon.service\nmaintenance")
    assert said[0] == "systemctl reboot"


@pytest.mark.parametrize(
    ("now", "inside"),
    [
        ("2026-11-28 07:30:00", True),  # a Saturday
        ("2026-11-28 08:29:59", True),
        ("2026-11-28 07:29:59", False),
        ("2026-11-28 08:30:00", False),
        ("2026-11-27 07:45:00", False),
        ("2026-12-05 07:45:00", True),
    ],
)
def test_nothing_is_restarted_outside_the_window(server, now, inside):
    clock = f"""
printf '#!/bin/sh\\n[ "$*" != +%%s ] || set -- --utc --date "{now}" +%%s\\nexec /bin/date "$@"\\n' >/usr/local/bin/date
chmod 755 /usr/local/bin/date
"""
    said = server(f"{FAKES}{clock}{DUE}/usr/local/lib/managed-server/maintenance 2>&1")
    told = "maintenance: ok: the server is restarted for linux-image-amd64 "
    later = "maintenance: a reboot is due; it is made in the window: Saturday, 07:30 UTC"
    assert said == ([told, "systemctl reboot"] if inside else [later])


def test_times_do_not_meet(root, tmp_path, machine):
    """Nightly jobs, lists and upgrades one after the other; the window is the stack file's."""
    spec = customer(tmp_path, {"software: [nginx, php]": "software: [nginx, php, percona]"})
    files = files_of(root, spec, ["patching"])
    timers = {timer.name: timer.calendar for timer in spec.servers[0].timers}
    daily = re.compile(r"\*-\*-\* (\d\d:\d\d):00")
    times = [daily.fullmatch(timers[name])[1] for name in ("dumps", "clamav-scan", "backup")]
    for name in ("apt-daily", "apt-daily-upgrade"):
        text = files[f"/etc/systemd/system/{name}.timer.d/managed.conf"].content.decode()
        assert "OnCalendar=\n" in text, "the package's own times are taken back"
        times.append(daily.search(text)[1])
    assert times == sorted(times)
    timer = files["/etc/systemd/system/managed-maintenance.timer"].content.decode()
    result = run_script(
        machine[1], f"systemd-analyze calendar '{re.search('OnCalendar=(.*)', timer)[1]}'; echo done", {}
    )
    assert "Normalized form: Sun *-*-* 07:00:00 UTC" in result.stdout, result
    assert "Persistent" not in timer, "a window that was missed is not made up for by day"
