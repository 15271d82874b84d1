"""Where tests write: in memory, where there is enough of it, and what ended runs left there goes."""

import os
import subprocess
import sys
import tempfile

import pytest

from tests import in_memory


@pytest.fixture
def memory(monkeypatch, tmp_path):
    """As on a machine with so many bytes free, on which no run has begun."""
    monkeypatch.setenv("TMPDIR", "")  # so that it is put back as it was, whatever is set meanwhile
    monkeypatch.delenv("TMPDIR")
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(in_memory, "MEMORY", tmp_path)
    monkeypatch.setattr(in_memory, "ENOUGH", 0)
    yield tmp_path
    tempfile.tempdir = None  # it is asked for again, where TMPDIR is as before


def test_what_is_started_writes_there_as_well(memory):
    folder = in_memory.use()
    assert folder.parent == memory
    assert tempfile.gettempdir() == str(folder)
    program = "import tempfile; print(tempfile.gettempdir())"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.strip() == str(folder)


def test_what_a_run_left_that_has_ended_goes_and_nobody_elses(memory):
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    left, other = memory / f"ms-{ended.pid}-abc", memory / f"ms-{os.getpid()}-def"
    for each in (left, other):
        each.mkdir()
        (each / "file").touch()
    in_memory.use()
    assert not left.exists()
    assert (other / "file").exists()


def test_who_says_where_has_it_there(memory, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(memory / "mine"))
    assert in_memory.use() is None
    assert os.environ["TMPDIR"] == str(memory / "mine")


def test_with_too_little_or_without_any_it_is_on_the_disk(memory, monkeypatch):
    monkeypatch.setattr(in_memory, "ENOUGH", 2**60)
    assert in_memory.use() is None
    monkeypatch.setattr(in_memory, "ENOUGH", 0)
    monkeypatch.setattr(in_memory, "MEMORY", memory / "absent")
    assert in_memory.use() is None
    assert "TMPDIR" not in os.environ
    assert list(memory.iterdir()) == []


def test_a_folder_for_another_process_leaves_this_ones_where_they_were(memory):
    with subprocess.Popen(["sleep", "60"]) as other:
        folder = in_memory.make(other.pid)
        assert folder.parent == memory
        assert "TMPDIR" not in os.environ
        assert in_memory.use() != folder
        assert folder.exists()
        other.kill()
    os.environ.pop("TMPDIR")
    in_memory.make(os.getpid())
    assert not folder.exists()
