"""A data volume that comes from another machine: its files are given to the accounts of their names."""

import dataclasses
import json

import pytest

from managed_server.inputs import load_project
from managed_server.local.debian.run import Command, Layout, TreeFile, run_all
from managed_server.rendering import render_server
from managed_server.resolve import resolve_stack
from tests.stackfile import STACK, write_stack

pytestmark = pytest.mark.machine

PROGRAM = "/usr/local/lib/managed-server/data-volume-accounts"
RECORD = "/srv/data/software/accounts.json"

PROGRAMS = {"root": 0, "alpha": 901, "beta": 902, "gamma": 903, "delta": 905}
PEOPLE = {"ann": 1801, "bert": 1802}
WAS = {
    "machine": "0" * 32,
    "people": PEOPLE,
    "programs": {
        name: {"number": number, "group": name, "home": "/nonexistent", "shell": "/usr/sbin/nologin"}
        for name, number in PROGRAMS.items()
    },
    "groups": {**PROGRAMS, **PEOPLE, "shared": 904},
}
HERE = f"""
set -u
install -d /srv/data && mount -t tmpfs -o nosuid,nodev tmpfs /srv/data && cd /srv/data && mkdir software other
mount -t ramfs ramfs other && touch other/theirs && chown 901:901 other/theirs
useradd() {{ command useradd --system --no-create-home --user-group "$@"; }}
useradd --uid 902 alpha; useradd --uid 901 beta; useradd --uid 905 other
cp /opt/record {RECORD}
i=0
for owner in 901:901 902:902 903:904 905:905 906:906 1801:1801 1802:904 1801:902; do
    i=$((i + 1)); mkdir "d$i"; touch "d$i/f"; ln -s nowhere "d$i/l"; chown -h $owner "d$i" "d$i/f" "d$i/l"
done
ln d1/f d1/again
told() {{ stat -c '%n %U:%G' "$@"; }}
run() {{ {PROGRAM} "$@" 2>&1 || echo "$@ failed"; }}
"""
INTERRUPTED = f"""
import os, runpy, sys
left, real = 2, os.lchown
def lchown(*arguments):
    global left
    if not left:
        os._exit(9)  # the power goes
    left -= 1
    real(*arguments)
os.lchown = lchown
sys.exit(runpy.run_path({PROGRAM!r}, run_name="program")["main"](sys.argv[1:]))
"""


@pytest.fixture
def machine(machines, tmp_path, root):
    """Runs a script where such a volume is mounted."""
    release, tree = machines
    (tmp_path / "stacks").mkdir()
    text = STACK.replace("disk_gb: 80", "disk_gb: 80\n        data_gb: 50")
    write_stack(tmp_path, text.replace("debian: 13", f"debian: {release}"))
    customer = resolve_stack(dataclasses.replace(load_project(root), drafts=tmp_path), "acme")[0]
    rendered = render_server(root / "templates", customer, customer.servers[0])
    [program] = [file for file in rendered if file.path == PROGRAM]
    files = {
        PROGRAM: TreeFile(program.content, mode=0o755),
        "/etc/machine-id": TreeFile(b"1" * 32 + b"\n"),
        "/opt/record": TreeFile(json.dumps(WAS).encode()),
        "/opt/interrupted": TreeFile(INTERRUPTED.encode()),
    }

    def run(script):
        layout = Layout({**files, "/opt/script": TreeFile(f"{HERE}\n{script}".encode())})
        result = run_all(tree, [Command(["bash", "/opt/script"], 120)], layout)[0]
        assert result.code == 0, result
        return result.stdout.splitlines()

    return run


OF_PROGRAMS = [
    *("d1 alpha:alpha", "d1/again alpha:alpha", "d1/f alpha:alpha", "d1/l alpha:alpha"),
    *("d2 beta:beta", "d2/f beta:beta", "d2/l beta:beta"),
    *("d3 gamma:shared", "d3/f gamma:shared", "d3/l gamma:shared"),
    *("d4 delta:delta", "d4/f delta:delta", "d4/l delta:delta"),
    *("d5 root:root", "d5/f root:root", "d5/l root:root"),
]


def test_programs_and_people_find_their_files(machine):
    """Two have each other's numbers, one isn't here yet, one's number is taken; the last has no name."""
    said = machine(
        """
        run taken; run note
        run take ann=1802 carol=1801; run taken
        told d[1-5] d[1-5]/* | sort; stat -c '%n %u:%g' d6 d7/f d8/l other/theirs
        id -u gamma; id -g gamma; getent group shared
        getent passwd gamma | cut -d: -f6,7
        run noted ann=1802 carol=1801 && echo "a machine that is lost at once was written down"
        useradd epsilon; run noted ann=1802; run note ann=1802; run noted ann=1802
        cp software/accounts.json /opt/first; run take ann=1801; run noted ann=1802
        cmp software/accounts.json /opt/first && echo same
        """
    )
    assert said == [
        "taken failed",
        f"data-volume-accounts: the volume comes from another machine, and isn't taken over yet: {RECORD}",
        "note failed",
        *OF_PROGRAMS,
        *("d6 1802:1802", "d7/f 0:904", "d8/l 1802:901", "other/theirs 901:901"),
        *("903", "903", "shared:x:904:"),
        "/nonexistent:/usr/sbin/nologin",
        "a machine that is lost at once was written down",
        "noted ann=1802 failed",
        "same",
    ]


def test_the_machine_after_the_next_one_as_well(machine):
    """It takes them over from one that never came so far as to write down what it was in the end."""
    said = machine(
        """
        run take ann=1802
        echo 22222222222222222222222222222222 >/etc/machine-id
        userdel alpha; userdel beta; command useradd --system --uid 902 another
        run take ann=1803
        told d[1-5] d[1-5]/* | sort; stat -c '%n %u' d6
        """
    )
    assert said == [*OF_PROGRAMS, "d6 1803"]


def test_what_is_interrupted_is_finished_by_the_next_run(machine):
    """Again and again after two files, also while two accounts change numbers."""
    said = machine(
        """
        for i in {1..60}; do python3 /opt/interrupted take ann=1801 && break; done
        run taken; [ $i -gt 10 ] && echo "interrupted often"
        told d[1-5] d[1-5]/* | sort
        """
    )
    assert said == ["interrupted often", *OF_PROGRAMS]


def test_without_the_volume_nothing_is_written(machine):
    said = machine("cd /; umount -R /srv/data; run note; ls -A /srv/data")
    assert said == ["data-volume-accounts: nothing is mounted on /srv/data", "note failed"]
