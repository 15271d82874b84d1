"""Start, stop, restart; stale records; and no process but its own."""

import concurrent.futures
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from managed_server.local.aws import cures, process, state
from managed_server.local.aws.client import client

QUIET = lambda _: None  # noqa: E731


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    process.stop(tmp_path / "state")


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        yield other
        other.kill()


def test_start_restart_stop(folder):
    said: list[str] = []
    assert process.status(folder) is None
    first = process.start(folder, said.append)
    assert process.start(folder, said.append) == process.status(folder) == first
    assert len(said) == 2, "the second start said nothing"
    assert os.getsid(first.pid) == first.pid, "a session of its own"
    client(first, "ssm", "123412341234", "eu-west-2").put_parameter(Name="/a", Value="1", Type="String")

    assert process.stop(folder)
    assert state.start_ticks(first.pid) is None
    assert process.status(folder) is None
    assert not process.stop(folder)

    second = process.start(folder, QUIET)
    assert second.boot_id != first.boot_id
    assert second.endpoint == first.endpoint, "the port is remembered"
    assert client(second, "ssm", "123412341234", "eu-west-2").describe_parameters()["Parameters"] == []


def test_a_killed_one_is_noticed_and_replaced(folder):
    first = process.start(folder, QUIET)
    os.kill(first.pid, signal.SIGKILL)
    os.waitpid(first.pid, 0)
    assert process.status(folder) is None
    second = process.start(folder, QUIET)
    assert (second.boot_id != first.boot_id, second.endpoint) == (True, first.endpoint)


def test_one_that_does_not_answer_is_ended_and_replaced(folder, monkeypatch):
    monkeypatch.setattr(process, "ANSWER_TIMEOUT", 0.5)
    monkeypatch.setattr(process, "STOP_TIMEOUT", 1.0)
    first = process.start(folder, QUIET)
    os.kill(first.pid, signal.SIGSTOP)
    assert process.status(folder) is None
    monkeypatch.setattr(process, "ANSWER_TIMEOUT", 5.0)
    said: list[str] = []
    second = process.start(folder, said.append)
    assert said[0] == "the local AWS didn't answer; ended it"
    assert state.start_ticks(first.pid) is None
    assert second.pid != first.pid


def test_a_reused_pid_is_never_ended(folder, bystander):
    folder.mkdir()
    ticks = state.start_ticks(bystander.pid)
    assert ticks
    # Even with the right start time: its command line isn't that of the local AWS.
    state.save(folder, state.Running("127.0.0.1", 9, bystander.pid, ticks, "b"))
    assert process.status(folder) is None
    assert not process.stop(folder)
    assert bystander.poll() is None


@pytest.mark.parametrize("change", ["start time", "folder"])
def test_another_local_aws_is_never_ended(tmp_path, cured, change):
    other = tmp_path / "other"
    other.mkdir()
    ticks = state.start_ticks(cured.pid)
    assert ticks
    wrong = ticks + 1 if change == "start time" else ticks
    state.save(other, state.Running("127.0.0.1", 9, cured.pid, wrong, "b"))
    assert not process.stop(other)
    assert state.start_ticks(cured.pid) == ticks


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"port": "x"}', '{"port": 99999999}'])
def test_an_unreadable_record_is_no_record(tmp_path, text):
    (tmp_path / state.STATE_FILE).write_text(text)
    assert process.status(tmp_path) is None
    assert not process.stop(tmp_path)
    assert state.last_port(tmp_path) is None


def test_an_unreadable_record_is_no_hindrance(folder):
    folder.mkdir()
    (folder / state.STATE_FILE).write_text("{")
    assert process.start(folder, QUIET) == process.status(folder)


def test_starts_at_once_make_one(folder):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        started = list(pool.map(lambda _: process.start(folder, QUIET), range(4)))
    assert len(set(started)) == 1


def test_a_port_that_was_taken_meanwhile(folder):
    first = process.start(folder, QUIET)
    process.stop(folder)
    port = int(first.endpoint.rpartition(":")[2])
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((process.HOST, port))
        taken.listen()
        assert process.start(folder, QUIET).endpoint != first.endpoint


def test_a_port_taken_between_choice_and_use(folder, monkeypatch):
    with socket.socket() as taken:
        taken.bind((process.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        choices = iter([port, 0])
        choose = process._free_port
        monkeypatch.setattr(process, "_free_port", lambda _: next(choices) or choose(None))
        assert process.start(folder, QUIET).endpoint != f"http://{process.HOST}:{port}"


def test_a_start_that_fails_says_where_to_look(folder, monkeypatch):
    monkeypatch.setenv(cures.OFF_VARIABLE, "nonsense")
    with pytest.raises(process.LocalAwsError, match=r"ended with code 1; see .*aws\.log"):
        process.start(folder, QUIET)
    assert "names no cure: nonsense" in (folder / state.LOG_FILE).read_text()


def test_a_held_lock_is_waited_for_no_longer_than_agreed(folder, monkeypatch):
    monkeypatch.setattr(process, "LOCK_TIMEOUT", 0.1)
    folder.mkdir()
    with process._locked(folder), pytest.raises(process.LocalAwsError, match="another process holds"):
        process.start(folder, QUIET)


def test_the_caller_s_aws_and_moto_settings_are_kept_out(folder, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "999999999999")
    local = process.start(folder, QUIET)
    monkeypatch.delenv("AWS_PROFILE")
    assert (
        client(local, "sts", "123412341234", "eu-west-2").get_caller_identity()["Account"] == "123412341234"
    )


def test_it_listens_on_the_loopback_interface_alone(cured):
    port = int(cured.endpoint.rpartition(":")[2])
    listening = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            local, status = line.split()[1], line.split()[3]
            if status == "0A" and int(local.rpartition(":")[2], 16) == port:
                listening.append(local.rpartition(":")[0])
    assert listening == ["0100007F"]  # 127.0.0.1


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])  # noqa: S104
def test_the_server_refuses_any_other_address(host, tmp_path):
    command = [
        sys.executable,
        "-m",
        state.SERVER_MODULE,
        "--host",
        host,
        "--port",
        "0",
        "--state",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "not a loopback address" in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_record_holds_the_run(cured, tmp_path):
    running = state.Running("127.0.0.1", 4000, cured.pid, 7, "b")
    state.save(tmp_path, running)
    assert state.load(tmp_path) == running
    assert json.loads((tmp_path / state.STATE_FILE).read_text())["port"] == 4000
    state.forget(tmp_path)
    assert (state.load(tmp_path), state.last_port(tmp_path)) == (None, 4000)


def test_a_long_log_is_put_aside(folder, monkeypatch):
    monkeypatch.setattr(process, "LOG_LIMIT", 10)
    folder.mkdir()
    (folder / state.LOG_FILE).write_text("x" * 11)
    process.start(folder, QUIET)
    assert (folder / "aws.log.1").read_text() == "x" * 11
    assert "local AWS on" in (folder / state.LOG_FILE).read_text()


BIG = b"b" * 6_000_000
"""moto would keep it in a file."""


def test_a_copy_has_all_that_was_there_and_lives_its_own_life(folder, tmp_path):
    where = ("123412341234", "eu-west-2")
    first, other = process.start(folder, QUIET), tmp_path / "other"
    s3 = client(first, "s3", *where)
    s3.create_bucket(Bucket="box", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    s3.put_object(Bucket="box", Key="big", Body=BIG)
    ssm = client(first, "ssm", *where)
    ssm.put_parameter(Name="/a", Value="before", Type="String")
    copy = process.copy(folder, other)
    try:
        assert process.status(other) == copy
        assert process.status(folder) == first
        assert (copy.boot_id, copy.endpoint != first.endpoint) == (first.boot_id, True)
        ssm.put_parameter(Name="/a", Value="after", Type="String", Overwrite=True)
        found = client(copy, "ssm", *where).get_parameter(Name="/a")["Parameter"]["Value"]
        assert found == "before"
        bodies = [
            client(each, "s3", *where).get_object(Bucket="box", Key="big")["Body"] for each in (first, copy)
        ]
        assert [body.read(1000) + body.read() for body in bodies] == [BIG, BIG]
        for each in (first, copy):  # a file would be one of both, and so would be where it is read
            opened = [str(link.readlink()) for link in Path(f"/proc/{each.pid}/fd").iterdir()]
            assert not [name for name in opened if name.endswith("(deleted)")], opened
        with pytest.raises(process.LocalAwsError, match="none of"):
            process.copy(folder, other)
        again = process.copy(other, tmp_path / "third")
        assert again.pid not in (first.pid, copy.pid)
        assert process.stop(tmp_path / "third")
    finally:
        assert process.stop(other)
    assert state.start_ticks(copy.pid) is None
    assert process.status(folder) == first
    assert "local AWS on" in (other / state.LOG_FILE).read_text()


def test_the_folder_of_a_copy_that_was_copied_is_nobodys(folder, tmp_path):
    """As a clone is, with what runs for it: the second doesn't end what serves the first."""
    process.start(folder, QUIET)
    process.copy(folder, tmp_path / "other")
    try:
        shutil.copytree(tmp_path / "other", tmp_path / "taken")
        assert process.status(tmp_path / "taken") is None
        assert not process.stop(tmp_path / "taken")
        assert process.status(tmp_path / "other") is not None
    finally:
        process.stop(tmp_path / "other")


def test_only_what_runs_is_copied(folder, tmp_path):
    with pytest.raises(process.LocalAwsError, match="must run"):
        process.copy(folder, tmp_path / "other")
    assert process.status(tmp_path / "other") is None
