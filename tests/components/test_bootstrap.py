"""The first boot: the script that fetches bundles is run, with an `aws` that answers from a folder."""

import hashlib
import io
import json
import os
import subprocess
import tarfile
import time

import pytest

from components.user_data import user_data
from managed_server.bootstrap import Key, script
from managed_server.local.debian.run import TreeFile, run_in_tree
from tests import factories, trees
from tests.conftest import ROOT

SCRIPT = ROOT / "templates" / "bootstrap" / "fetch-bundle.sh"
BUCKET = "ms-acme-delivery-123456789012-eu-west-2"
FAKE_AWS = """#!/bin/bash
# aws s3 cp --only-show-errors s3://bucket/key target
[[ "$1 $2 $3" = "s3 cp --only-show-errors" ]] || exit 9
(( AWS_METADATA_SERVICE_TIMEOUT > 1 && AWS_METADATA_SERVICE_NUM_ATTEMPTS > 1 )) || exit 9
echo "$4" >> "$FAKE_S3/asked"
cp "$FAKE_S3/${4#s3://}" "$5"
"""


CONVERGE = """
import os, pathlib, sys
here = pathlib.Path(__file__).resolve().parents[2]
log = pathlib.Path(os.environ["FAKE_S3"]) / "converged"
with log.open("a") as file:
    file.write((here / "name").read_text() + "\\n")
if not (here / "whole").exists():
    sys.exit(4)  # as the real one, where a file is missing
fails = pathlib.Path(os.environ["FAKE_S3"]) / ("fails-" + (here / "name").read_text())
if fails.exists() and fails.read_text():
    missing = pathlib.Path(os.environ["STATE_DIRECTORY"]) / "converge"
    missing.mkdir(exist_ok=True)
    (missing / "not-installed").write_text(fails.read_text())
sys.exit(fails.exists())
"""


class Machine:
    """A server's folders, and the bucket that it fetches from."""

    def __init__(self, folder):
        self.state, self.bucket, self.s3 = folder / "state", folder / "s3" / BUCKET, folder / "s3"
        (folder / "bin").mkdir()
        self.bucket.mkdir(parents=True)
        (folder / "bin" / "aws").write_text(FAKE_AWS)
        (folder / "bin" / "aws").chmod(0o755)
        self.environ = {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "STATE_DIRECTORY": str(self.state),
            "FAKE_S3": str(self.s3),
            "MANAGED_DELIVERY_BUCKET": BUCKET,
            "MANAGED_POINTER_KEY": "servers/web1/current.json",
            "MANAGED_BUNDLE_PREFIX": "bundles/web1/",
        }

    def put(self, key, content):
        path = self.bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def deliver(self, name, content=None):
        """Put a bundle and point at it; ``content`` is what lies there instead of the bundle."""
        bundle = archive(
            {"name": name.encode(), "whole": b"", "puppet/converge/__main__.py": CONVERGE.encode()}
        )
        sha256 = hashlib.sha256(bundle).hexdigest()
        self.put(f"bundles/web1/{sha256}.tar", bundle if content is None else content)
        self.point(json.dumps({"key": f"bundles/web1/{sha256}.tar", "sha256": sha256}))
        return sha256

    def point(self, text):
        self.put("servers/web1/current.json", text.encode())

    def fails(self, name, *, yes=True, missing=""):
        """Say whether the bundle of this name can't be applied, and which packages it couldn't install."""
        path = self.s3 / f"fails-{name}"
        path.write_text(missing) if yes else path.unlink()

    def fetch(self, *arguments):
        argv = ["bash", SCRIPT, *arguments]
        return subprocess.run(argv, env=self.environ, capture_output=True, text=True, check=False)

    def older(self, name, seconds=1801):
        """Make a file of the state as old as that."""
        now = time.time() - seconds
        os.utime(self.state / name, (now, now))

    @property
    def good(self):
        return str((self.state / "bundles" / "good").readlink())

    @property
    def standing(self):
        return sorted(path.name for path in (self.state / "bundles").iterdir())

    @property
    def heartbeat(self):
        return (self.state / "heartbeat" / "converge").read_text()

    @property
    def converged(self):
        """Names of bundles in the order in which they were applied."""
        log = self.s3 / "converged"
        return log.read_text().split() if log.exists() else []


def archive(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_a_bundle_is_unpacked_applied_and_becomes_the_good_one(machine):
    sha256 = machine.deliver("one")
    done = machine.fetch()
    assert done.returncode == 0, done.stderr
    assert machine.good == sha256
    assert machine.converged == ["one"]
    assert machine.standing == sorted([sha256, "good"]), "nothing temporary is left"
    assert machine.heartbeat == f"ok bundle {sha256[:12]}\n"


def test_the_same_bundle_is_neither_fetched_nor_applied_twice_within_half_an_hour(machine):
    machine.deliver("one")
    machine.fetch()
    assert machine.fetch().returncode == 0
    asked = (machine.s3 / "asked").read_text().splitlines()
    assert [line.rpartition("/")[2] == "current.json" for line in asked] == [True, False, True]
    assert machine.converged == ["one"]
    machine.older("converged")
    machine.fetch()
    assert machine.converged == ["one", "one"], "what drifted is put right"
    machine.fetch("--now")
    assert len(machine.converged) == 3


def test_the_heartbeat_is_as_old_as_the_last_converge(machine):
    machine.deliver("one")
    machine.fetch()
    machine.older("converged", 600)
    machine.fetch()
    assert time.time() - (machine.state / "heartbeat" / "converge").stat().st_mtime > 590


def test_another_bundle_takes_its_place_and_the_old_one_stays(machine):
    first = machine.deliver("one")
    machine.fetch()
    second = machine.deliver("two")
    assert machine.fetch().returncode == 0
    assert machine.good == second
    assert machine.standing == sorted([first, second, "good"])
    machine.deliver("one")
    machine.fetch()
    assert machine.good == first, "going back"


def test_only_a_few_old_bundles_stay(machine):
    for number in range(8):
        machine.deliver(f"bundle{number}")
        assert machine.fetch().returncode == 0
    assert len(machine.standing) == 5, "the good one, three older, and the link"


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda m: m.deliver("two", b"not what was promised"), "is not what its name says"),
        (lambda m: m.deliver("two", b""), "is not what its name says"),
        (lambda m: m.point("{"), "the pointer names no sha256"),
        (lambda m: m.point('{"sha256": "../../etc"}'), "the pointer names no sha256"),
        (lambda m: m.point('{"sha256": "%s"}' % ("A" * 64)), "the pointer names no sha256"),
        (lambda m: m.point('{"sha256": "%s"}' % ("b" * 64)), "can't fetch bundle bbbb"),
        (
            lambda m: m.put(f"bundles/web1/{JUNK}.tar", b"junk") or m.point(json.dumps({"sha256": JUNK})),
            "can't be unpacked",
        ),
    ],
)
def test_whatever_is_wrong_the_good_bundle_stays_and_someone_is_told(machine, break_it, said):
    good = machine.deliver("one")
    machine.fetch()
    before = machine.standing
    break_it(machine)
    done = machine.fetch()
    assert done.returncode != 0
    assert said in done.stderr
    assert machine.heartbeat.startswith("critical ")
    assert said in machine.heartbeat
    assert good[:12] in machine.heartbeat
    assert machine.good == good
    assert machine.standing == before
    machine.older("converged")
    machine.fetch()
    assert machine.converged == ["one", "one"], "what drifted is put right all the same"
    machine.deliver("two")
    assert machine.fetch().returncode == 0
    assert machine.heartbeat.startswith("ok "), "it heals by itself"


def test_a_bucket_that_is_out_of_reach_for_a_moment_wakes_nobody(machine):
    good = machine.deliver("one")
    machine.fetch()
    pointer = machine.bucket / "servers/web1/current.json"
    away = pointer.rename(pointer.with_suffix(".away"))
    said = f"can't fetch the pointer; bundle {good[:12]} stays\n"
    for _ in range(2):
        assert machine.fetch().returncode != 0
        assert machine.heartbeat == f"warning {said}"
    machine.older("unreachable", 841)
    machine.older("converged")
    assert machine.fetch().returncode != 0
    assert machine.heartbeat == f"critical {said}"
    assert machine.converged == ["one", "one"], "what drifted is put right all the same"
    away.rename(pointer)
    assert machine.fetch().returncode == 0
    assert machine.heartbeat.startswith("ok ")
    pointer.unlink()
    machine.fetch()
    assert machine.heartbeat == f"warning {said}", "it begins anew"


def test_a_new_machine_that_reaches_nothing_is_told_of_at_once(machine):
    assert machine.fetch().returncode != 0
    assert machine.heartbeat == "critical can't fetch the pointer; this machine has never had a bundle\n"


def test_a_bundle_that_can_not_be_applied_is_undone_by_the_last_good_one(machine):
    good = machine.deliver("one")
    machine.fetch()
    machine.fails("two")
    bad = machine.deliver("two")
    assert machine.fetch().returncode != 0
    assert machine.converged == ["one", "two", "one"]
    assert machine.good == good
    assert machine.heartbeat == f"critical bundle {bad[:12]} can't be applied; back on {good[:12]}\n"
    machine.fetch()
    assert machine.converged == ["one", "two", "one"], "not again within half an hour"
    assert machine.heartbeat.startswith("critical ")
    machine.older("failed")
    machine.fails("two", yes=False)
    assert machine.fetch().returncode == 0
    assert (machine.converged[3:], machine.good) == (["two"], bad)


def test_when_going_back_fails_as_well_it_is_tried_again(machine):
    machine.deliver("one")
    machine.fetch()
    machine.fails("one")
    machine.fails("two")
    machine.deliver("two")
    machine.fetch()
    assert "nor" in machine.heartbeat
    machine.fails("one", yes=False)
    machine.fetch()
    assert machine.converged == ["one", "two", "one", "one"]


def test_a_new_machine_tries_again_each_time(machine):
    machine.fails("one")
    machine.deliver("one")
    machine.fetch()
    machine.fetch()
    assert machine.converged == ["one", "one"]
    machine.fails("one", yes=False)
    assert machine.fetch().returncode == 0


def test_packages_that_can_not_be_installed_are_named(machine):
    machine.fails("one", missing="this that\n")
    first = machine.deliver("one")
    machine.fetch()
    assert machine.heartbeat == f"critical bundle {first[:12]} can't be applied, not installed: this that\n"
    machine.fails("one")
    machine.fetch()
    assert machine.heartbeat == f"critical bundle {first[:12]} can't be applied\n", (
        "of this run, not the last"
    )


def test_a_power_cut_during_a_converge_is_followed_by_another(machine):
    machine.deliver("one")
    machine.fetch()
    (machine.state / "applied").unlink()  # removed before a run that fails; as after one that was cut off
    machine.fetch()
    assert machine.converged == ["one", "one"]


JUNK = hashlib.sha256(b"junk").hexdigest()


def test_the_script_is_in_the_user_data_as_it_stands():
    text = user_data(ROOT / "templates", factories.customer(), factories.server())
    assert f"<<'FETCH'\n{SCRIPT.read_text()}FETCH\n" in text


@pytest.mark.parametrize("gone", ["whole", "puppet/converge/__main__.py"])
def test_a_bundle_that_was_damaged_here_is_fetched_again(machine, gone):
    """A file of it is missing: somebody removed it, or the power went while it was being tidied away."""
    first = machine.deliver("one")
    machine.fetch()
    second = machine.deliver("two")
    machine.fetch()
    (machine.state / "bundles" / first / gone).unlink()
    machine.deliver("one")
    assert machine.fetch().returncode != 0
    assert machine.heartbeat == f"critical bundle {first[:12]} can't be applied; back on {second[:12]}\n"
    assert machine.fetch().returncode == 0, "at the next run, not half an hour later"
    assert (machine.good, machine.heartbeat) == (first, f"ok bundle {first[:12]}\n")
    (machine.state / "bundles" / first / gone).unlink()  # the good one itself
    machine.older("converged")
    assert machine.fetch().returncode != 0
    assert machine.fetch().returncode == 0
    assert machine.heartbeat.startswith("ok ")
    assert machine.standing == sorted([first, second, "good"])


def test_a_person_waits_for_the_run_that_is_on(machine):
    """Who has just added a user wants to see it there; a run that is on may have read an older pointer."""
    machine.deliver("one")
    machine.fetch()
    lock = machine.state / "fetch.lock"
    script = 'exec 9> "$1"; flock 9; echo held; read -r; touch "$1.ended"'
    held = ["bash", "-c", script, "bash", str(lock)]
    with subprocess.Popen(held, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        assert machine.fetch().returncode == 0, "the timer's run leaves it to the other"
        assert machine.converged == ["one"]
        argv = ["bash", SCRIPT, "--now"]
        with subprocess.Popen(argv, env=machine.environ, stderr=subprocess.PIPE, text=True) as waiting:
            assert waiting.poll() is None
            other.communicate("\n")
            waiting.communicate()
        assert waiting.returncode == 0
    assert lock.with_name("fetch.lock.ended").exists()
    assert machine.converged == ["one", "one"]


@pytest.mark.machine
def test_shellcheck_finds_nothing():
    tree = trees.tree(13)
    text = user_data(ROOT / "templates", factories.customer(), factories.server())
    far = factories.server("far", hosting="elsewhere", address="198.51.100.20", alarms=())
    customer, puppet = factories.customer(far), ROOT / "puppet"
    files = {
        "/opt/user-data": TreeFile(text.encode()),
        "/opt/elsewhere": TreeFile(script(ROOT / "templates", customer, far, Key("AKIA", "x")).encode()),
        "/opt/look": TreeFile(script(ROOT / "templates", customer, far, None).encode()),
        "/opt/fetch-bundle": TreeFile(SCRIPT.read_bytes()),
        "/opt/apt-key": TreeFile((puppet / "apt-key").read_bytes()),
        "/opt/install-packages": TreeFile((puppet / "install-packages").read_bytes()),
    }
    done = run_in_tree(tree, ["shellcheck", *files], files)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.machine
def test_systemd_takes_the_units():
    tree = trees.tree(13)
    text = user_data(ROOT / "templates", factories.customer(), factories.server())
    units = {
        path: TreeFile(
            text.partition(f"cat > {path} <<")[2].partition("\n")[2].partition(f"\n{end}\n")[0].encode()
        )
        for path, end in (
            ("/etc/systemd/system/managed-fetch.service", "SERVICE"),
            ("/etc/systemd/system/managed-fetch.timer", "TIMER"),
        )
    }
    assert all(file.content for file in units.values())
    script = {"/usr/local/lib/managed-server/fetch-bundle": TreeFile(b"#!/bin/bash\n", mode=0o755)}
    done = run_in_tree(tree, ["systemd-analyze", "verify", *units], {**units, **script})
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
