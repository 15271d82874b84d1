"""The dead man's switch: nothing is told unless pages can go out."""

import dataclasses
import os

import pytest

from hub.alive import MAIL_AGE, STATUS_AGE, oldest, trouble
from hub.settings import Settings

NOW = 1_800_000_000


@pytest.fixture
def told(tmp_path):
    status, queue = tmp_path / "status.dat", tmp_path / "deferred"
    (queue / "A").mkdir(parents=True)
    made = dict.fromkeys((field.name for field in dataclasses.fields(Settings)), "")
    made |= {"status_file": str(status), "mail_queues": (str(queue), str(tmp_path / "none"))}
    touch(status, NOW)
    return Settings(**made)


def touch(path, when):
    path.touch()
    os.utime(path, (when, when))


def test_all_is_well(told):
    assert trouble(told, NOW + STATUS_AGE) == ""


def test_nagios_has_stopped(told):
    assert "91 s old" in trouble(told, NOW + STATUS_AGE + 1)


def test_nagios_has_never_run(told, tmp_path):
    (tmp_path / "status.dat").unlink()
    assert "No such file" in trouble(told, NOW)


def test_mail_is_stuck(told, tmp_path):
    touch(tmp_path / "deferred/A/A1", NOW - MAIL_AGE)
    touch(tmp_path / "deferred/A/A2", NOW)
    assert trouble(told, NOW) == ""
    assert oldest(told.mail_queues) == NOW - MAIL_AGE
    assert "a message has been waiting for 241 s" in trouble(told, NOW + 1)
