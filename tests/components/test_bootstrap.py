"""The first boot: the script that fetches bundles is run, with an `aws` that answers from a folder."""

import hashlib
import io
import json
import os
import subprocess
import tarfile

import pytest

from components.user_data import user_data
from managed_server.local.debian.run import TreeFile, run_in_tree
from managed_server.local.debian.tree import ensure_tree
from tests import factories
from tests.conftest import ROOT
from tests.validators.conftest import _MORE
from tests.validators.table import load

SCRIPT = ROOT / "templates" / "bootstrap" / "fetch-bundle.sh"
BUCKET = "ms-acme-delivery-123456789012-eu-west-2"
FAKE_AWS = """#!/bin/bash
# aws s3 cp --quiet s3://bucket/key target
[[ "$1 $2 $3" = "s3 cp --quiet" ]] || exit 9
echo "$4" >> "$FAKE_S3/asked"
cp "$FAKE_S3/${4#s3://}" "$5"
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
        bundle = archive({"manifest.json": name.encode(), "files/etc/motd": b"hello"})
        sha256 = hashlib.sha256(bundle).hexdigest()
        self.put(f"bundles/web1/{sha256}.tar", bundle if content is None else content)
        self.point(json.dumps({"key": f"bundles/web1/{sha256}.tar", "sha256": sha256}))
        return sha256

    def point(self, text):
        self.put("servers/web1/current.json", text.encode())

    def fetch(self):
        return subprocess.run(["bash", SCRIPT], env=self.environ, capture_output=True, text=True, check=False)

    @property
    def current(self):
        return str((self.state / "bundles" / "current").readlink())

    @property
    def standing(self):
        return sorted(path.name for path in (self.state / "bundles").iterdir())


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


def test_a_bundle_is_unpacked_and_becomes_the_current_one(machine):
    sha256 = machine.deliver("one")
    done = machine.fetch()
    assert done.returncode == 0, done.stderr
    assert machine.current == sha256
    assert (machine.state / "bundles" / sha256 / "manifest.json").read_bytes() == b"one"
    assert (machine.state / "bundles" / sha256 / "files" / "etc" / "motd").read_bytes() == b"hello"
    assert machine.standing == sorted([sha256, "current"]), "nothing temporary is left"
    assert f"bundle {sha256} is current" in done.stdout


def test_the_same_bundle_is_not_fetched_twice(machine):
    machine.deliver("one")
    machine.fetch()
    done = machine.fetch()
    assert (done.returncode, done.stdout) == (0, "")
    asked = (machine.s3 / "asked").read_text().splitlines()
    assert [line.rpartition("/")[2] == "current.json" for line in asked] == [True, False, True]


def test_another_bundle_takes_its_place_and_the_old_one_stays(machine):
    first = machine.deliver("one")
    machine.fetch()
    second = machine.deliver("two")
    assert machine.fetch().returncode == 0
    assert machine.current == second
    assert machine.standing == sorted([first, second, "current"])
    machine.deliver("one")
    machine.fetch()
    assert machine.current == first, "going back"


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda m: m.deliver("two", b"not what was promised"), "has another sha256"),
        (lambda m: m.deliver("two", b""), "has another sha256"),
        (lambda m: m.point("{"), "the pointer can't be read"),
        (lambda m: m.point('{"sha256": "../../etc"}'), "the pointer names no sha256"),
        (lambda m: m.point('{"sha256": "%s"}' % ("A" * 64)), "the pointer names no sha256"),
        (lambda m: m.point('{"sha256": "%s"}' % ("b" * 64)), "can't fetch bundles/web1/bbbb"),
        (lambda m: (m.bucket / "servers/web1/current.json").unlink(), "can't fetch servers/web1"),
        (
            lambda m: m.put(f"bundles/web1/{JUNK}.tar", b"junk") or m.point(json.dumps({"sha256": JUNK})),
            "can't be unpacked",
        ),
    ],
)
def test_whatever_is_wrong_the_current_bundle_stays(machine, break_it, said):
    good = machine.deliver("one")
    machine.fetch()
    before = machine.standing
    break_it(machine)
    done = machine.fetch()
    assert done.returncode != 0
    assert said in done.stderr
    assert "the current bundle stays" in done.stderr
    assert machine.current == good
    assert machine.standing == before


JUNK = hashlib.sha256(b"junk").hexdigest()


def test_the_script_is_in_the_user_data_as_it_stands():
    text = user_data(ROOT / "templates", factories.customer(), factories.server())
    assert f"<<'FETCH'\n{SCRIPT.read_text()}FETCH\n" in text


@pytest.mark.machine
def test_shellcheck_finds_nothing():
    tree = ensure_tree(13, [*load().packages(), *_MORE], lambda _: None)
    text = user_data(ROOT / "templates", factories.customer(), factories.server())
    files = {"/tmp/a": TreeFile(text.encode()), "/tmp/b": TreeFile(SCRIPT.read_bytes())}  # noqa: S108
    done = run_in_tree(tree, ["shellcheck", *files], files)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.machine
def test_systemd_takes_the_units():
    tree = ensure_tree(13, [*load().packages(), *_MORE], lambda _: None)
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
