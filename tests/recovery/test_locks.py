"""Locks of Pulumi's file backend: of the dead, of the living, of another machine."""

import json
import shutil
import socket
import subprocess
import sys
import threading
import time

import pytest

from managed_server import recovery
from managed_server.recovery import RecoveryError


class Locks:
    """The locks of a file backend."""

    def __init__(self, root):
        self.root = root
        self.url = f"file://{root}"
        self.said: list[str] = []

    def put(self, pid, stack="acme", **more):
        held = {"pid": pid, "username": "someone", "hostname": socket.gethostname(), **more}
        return self.write(json.dumps(held), stack)

    def write(self, text, stack="acme"):
        path = self.root / ".pulumi" / "locks" / "organization" / "managed-server" / stack / "1f2e.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def settle(self, url=None):
        environ = {"PULUMI_BACKEND_URL": url or self.url}
        recovery._settle_locks(self.root, "acme", environ, self.said.append)


@pytest.fixture
def locks(tmp_path):
    return Locks(tmp_path)


@pytest.fixture
def started():
    """Starts programs, and ends them with the test."""
    running = []

    def start(*command):
        running.append(subprocess.Popen(command))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture
def pulumi(tmp_path, started):
    """Starts a living process of that name."""
    program = tmp_path / "bin" / "pulumi"
    program.parent.mkdir()
    shutil.copy("/bin/sleep", program)

    def start(seconds):
        process = started(str(program), str(seconds))
        deadline = time.monotonic() + 60
        while not recovery._lives(process.pid):  # between fork and exec it has our name
            assert time.monotonic() < deadline
            time.sleep(0.005)
        return process

    return start


def test_the_lock_of_a_dead_process_is_removed(locks):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    lock = locks.put(dead.pid)
    locks.settle()
    assert not lock.exists()
    assert locks.said == ["acme: removed the lock of a process that is gone"]


def test_another_program_under_the_number_is_not_the_holder(locks, started):
    lock = locks.put(started("sleep", "60").pid)
    locks.settle()
    assert not lock.exists()


def test_one_that_nobody_has_waited_for_is_dead(locks, pulumi):
    process = pulumi(60)
    lock = locks.put(process.pid)
    process.kill()
    deadline = time.monotonic() + 60
    while recovery._lives(process.pid):  # a zombie keeps its number and its name
        assert time.monotonic() < deadline
    locks.settle()
    assert not lock.exists()


def test_a_living_one_is_waited_for_until_it_lets_go(locks, pulumi):
    lock = locks.put(pulumi(60).pid)
    timer = threading.Timer(0.4, lock.unlink)
    began = time.monotonic()
    timer.start()
    locks.settle()
    timer.join()
    assert time.monotonic() - began >= 0.4
    assert len(locks.said) == 1
    assert "waiting for process" in locks.said[0]


def test_a_living_one_that_is_killed_meanwhile_is_not_waited_for_any_longer(locks, pulumi):
    lock = locks.put(pulumi(0.3).pid)
    locks.settle()
    assert not lock.exists()
    assert ["waiting" in locks.said[0], "removed" in locks.said[1]] == [True, True]


def test_a_living_one_is_not_waited_for_for_ever(locks, pulumi, monkeypatch):
    process = pulumi(60)
    lock = locks.put(process.pid)
    monkeypatch.setattr(recovery, "_WAIT_S", 0.2)
    with pytest.raises(RecoveryError, match=f"locked by process {process.pid}; wait for it, or end it"):
        locks.settle()
    assert lock.exists()


def test_another_machine_s_lock_is_its_own(locks):
    lock = locks.put(1, hostname="build7.example", username="kim")
    with pytest.raises(RecoveryError, match=r"acme is locked by kim on build7\.example"):
        locks.settle()
    assert lock.exists()


@pytest.mark.parametrize("text", ["", '{"pid": 12', "[]", "[1]", "null", "{}", '{"pid": "x"}'])
def test_one_that_stays_half_written_is_removed(locks, monkeypatch, text):
    monkeypatch.setattr(recovery, "_WRITE_S", 0.1)
    lock = locks.write(text)
    locks.settle()
    assert not lock.exists()


def test_one_that_is_being_written_is_read_when_it_is_whole(locks, pulumi):
    lock = locks.write('{"pid": ')
    process = pulumi(60)
    write = threading.Timer(0.2, locks.put, [process.pid])
    let_go = threading.Timer(0.6, lock.unlink)
    write.start()
    let_go.start()
    locks.settle()
    write.join()
    let_go.join()
    assert locks.said == [f"acme: waiting for process {process.pid}, which is still at work"]


def test_another_stack_s_lock_stays(locks):
    dead = locks.put(2**22 + 1, stack="acme-2")
    locks.settle()
    assert dead.exists()


@pytest.mark.parametrize("url", ["s3://states", "https://api.pulumi.example", ""])
def test_nothing_is_touched_on_another_backend(locks, url, monkeypatch):
    monkeypatch.chdir(locks.root)
    lock = locks.put(2**22 + 1)
    recovery._settle_locks(locks.root, "acme", {"PULUMI_BACKEND_URL": url}, locks.said.append)
    assert lock.exists()
    assert locks.said == []


@pytest.mark.parametrize("url", ["file://~", "file://.", "file://{root}?no_tmp_dir=true"])
def test_every_way_to_write_a_file_backend_is_understood(locks, url, monkeypatch):
    monkeypatch.setenv("HOME", str(locks.root))
    lock = locks.put(2**22 + 1)
    locks.settle(url.format(root=locks.root))
    assert not lock.exists()


def test_where_there_is_no_proc_the_number_alone_decides(locks, started, monkeypatch):
    """On macOS: better to wait for a stranger than to take a living one's lock."""
    monkeypatch.setattr(recovery, "_PROC", locks.root / "none")
    process = started("sleep", "60")
    assert recovery._lives(process.pid)
    process.kill()
    process.wait()
    assert not recovery._lives(process.pid)
