"""Building a tree: the key, the host's own sources, what a failed or killed build leaves behind."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from managed_server.local.debian import host
from managed_server.local.debian import tree as trees
from managed_server.local.debian.host import DebianError

TARGETS = """\
http://mirror.example/debian/|bookworm|main
http://mirror.example/debian/|bookworm-updates|main
http://mirror.example/security/|bookworm-security|main
http://mirror.example/debian/|bookworm-backports|main
https://vendor.example/apt|stable|main
"""


def processes_with(text: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if text in line and int(path.parent.name) != os.getpid():
            found.append(line)
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def test_sources_keep_the_hosts_mirrors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "KEYRING", Path("/no/such"))
    assert host.sources("trixie", "bookworm", TARGETS) == [
        "deb http://mirror.example/debian/ trixie main",
        "deb http://mirror.example/debian/ trixie-updates main",
        "deb http://mirror.example/security/ trixie-security main",
    ]


def test_sources_name_the_keyring_where_there_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(host, "KEYRING", tmp_path)
    assert host.sources("trixie", "bookworm", TARGETS)[0].startswith(f"deb [signed-by={tmp_path}] http://")


@pytest.mark.parametrize(
    ("codename", "targets"),
    [("", TARGETS), ("jammy", TARGETS), ("bookworm", TARGETS.split("\n")[1]), ("bookworm", "")],
)
def test_without_sources_of_its_own_the_builder_decides(codename: str, targets: str) -> None:
    assert host.sources("trixie", codename, targets) == []


def test_only_settings_about_the_mirror_are_taken() -> None:
    kept = [
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'Acquire::https::CaInfo "/etc/ca.pem";',
        'Acquire::Check-Valid-Until "false";',
        'Acquire::Retries "3";',
    ]
    dropped = [
        'APT::Architecture "amd64";',
        'Acquire::Languages "none";',
        'Dir "/";',
        'DPkg::Post-Invoke:: "rm";',
    ]
    assert host.reaching_options("\n".join(dropped + kept)).splitlines() == kept


def test_the_key_is_made_of_release_and_packages() -> None:
    key = trees.tree_key(13, ["b", "a", "a"])
    assert key == trees.tree_key(13, ["a", "b"])
    assert key.startswith("13-")
    assert len({key, trees.tree_key(12, ["a", "b"]), trees.tree_key(13, ["a"])}) == 3


def test_the_key_changes_with_the_builder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = trees.tree_key(13, [])
    for name in ("tree.py", "host.py", "releases.txt"):
        (tmp_path / name).write_bytes((host.HERE / name).read_bytes())
    monkeypatch.setattr(host, "HERE", tmp_path)
    assert trees.tree_key(13, []) == before
    (tmp_path / "tree.py").write_text("another")
    assert trees.tree_key(13, []) != before


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MANAGED_SERVER_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert trees.cache_directory() == tmp_path / "home/.cache/managed-server/debian"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert trees.cache_directory() == tmp_path / "xdg/managed-server/debian"
    monkeypatch.setenv("MANAGED_SERVER_CACHE", str(tmp_path / "own"))
    assert trees.cache_directory() == tmp_path / "own/debian"


def test_what_the_host_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(DebianError, match="needs root"):
        host.check_host()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "/no/such")
    with pytest.raises(DebianError, match=r"mmdebstrap.*apt-get install .*mmdebstrap"):
        host.check_host()


def test_an_unknown_release_is_refused() -> None:
    with pytest.raises(DebianError, match="Debian 11 is unknown here; known: 12, 13"):
        trees.ensure_tree(11, [], print)


def test_the_least_recently_used_trees_go(tmp_path: Path) -> None:
    homes = [tmp_path / f"13-{number:016x}" for number in range(trees.KEPT_TREES + 3)]
    for age, home in enumerate(homes):
        (home / "root").mkdir(parents=True)
        os.utime(home, (1000 - age, 1000 - age))
    other = tmp_path / "12-0" / "root"
    other.mkdir(parents=True)
    with trees.in_use(homes[-1] / "root"):
        trees._forget_old(13, homes[0])
    assert [home.is_dir() for home in homes] == [True] * trees.KEPT_TREES + [False, False, True]
    assert other.is_dir()


def test_what_killed_builds_have_left_goes_unless_one_is_on(tmp_path: Path) -> None:
    left, building = tmp_path / "12-0.unfinished", tmp_path / "13-1.unfinished"
    for unfinished in (left, building):
        (unfinished / "root").mkdir(parents=True)
    with trees._locked(tmp_path / "13-1", fcntl.LOCK_EX):
        trees._forget_old(13, tmp_path / "13-2")
    assert (left.exists(), building.exists()) == (False, True)


def test_a_second_builder_waits(tmp_path: Path) -> None:
    said: list[str] = []
    home = tmp_path / "13-0"
    with home.with_name("13-0.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        child = os.fork()
        if child == 0:
            time.sleep(0.3)
            os._exit(0)
    # The child still holds the lock that it inherited.
    with trees._locked(home, fcntl.LOCK_EX, said.append):
        os.waitpid(child, 0)
    assert said == ["another process builds the same Debian tree: waiting for it"]


@pytest.mark.machine
def test_a_built_tree_is_found_at_once_and_carries_no_identity(tree: Path) -> None:
    assert (tree / "etc/machine-id").read_bytes() == b""
    assert not list((tree / "etc/ssh").glob("ssh_host_*"))
    assert not (tree / "etc/resolv.conf").exists()
    assert not (tree / "usr/sbin/policy-rc.d").exists()
    assert (tree / "etc/debian_version").read_text().startswith("13")


@pytest.mark.machine
def test_a_failed_build_says_why_and_leaves_no_tree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MANAGED_SERVER_CACHE", str(tmp_path))
    with pytest.raises(DebianError, match=r"no-such-package") as caught:
        trees.ensure_tree(13, ["no-such-package"], lambda _: None)
    left = sorted(path.suffix for path in (tmp_path / "debian").iterdir())
    assert left == [".lock", ".log"]
    assert str(tmp_path / "debian") in str(caught.value)


@pytest.mark.machine
def test_a_killed_build_leaves_nothing_running_or_mounted(tmp_path: Path) -> None:
    program = (
        "from managed_server.local.debian.tree import ensure_tree;"
        "ensure_tree(13, [], lambda line: print(line, flush=True))"
    )
    env = {**os.environ, "MANAGED_SERVER_CACHE": str(tmp_path), "PYTHONPATH": str(host.HERE.parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", program], env=env, stdout=subprocess.PIPE, text=True
    ) as builder:
        assert builder.stdout
        assert any("extracting" in line for line in builder.stdout)
        assert processes_with(str(tmp_path))
        builder.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not processes_with(str(tmp_path)))
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()
    assert [path.parent.suffix for path in (tmp_path / "debian").glob("13-*/root")] == [".unfinished"]
