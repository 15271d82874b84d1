"""The dead man's switch: nothing is told unless pages can go out."""

import dataclasses
import json
import os

import pytest

from hub.alive import MAIL_AGE, STATUS_AGE, trouble
from hub.settings import Settings

NOW = 1_800_000_000
PAGE, TICKET = "page@hosting.example", "ticket@hosting.example"


def waiting(since, *addresses):
    """A line of `postqueue -j`."""
    recipients = [{"address": each, "delay_reason": "no route"} for each in addresses]
    return json.dumps({"queue_name": "deferred", "arrival_time": since, "recipients": recipients})


@pytest.fixture
def told(tmp_path):
    status, queue = tmp_path / "status.dat", tmp_path / "queue"
    made = dict.fromkeys((field.name for field in dataclasses.fields(Settings)), "")
    made |= {"status_file": str(status), "mail_queue": ("cat", str(queue)), "mail_to": (PAGE, TICKET)}
    status.touch()
    queue.touch()
    os.utime(status, (NOW, NOW))
    return Settings(**made)


def test_all_is_well(told):
    assert trouble(told, NOW + STATUS_AGE) == ""


def test_nagios_has_stopped(told):
    assert "91 s old" in trouble(told, NOW + STATUS_AGE + 1)


def test_nagios_has_never_run(told, tmp_path):
    (tmp_path / "status.dat").unlink()
    assert "No such file" in trouble(told, NOW)


@pytest.mark.parametrize("address", [PAGE, TICKET])
def test_mail_is_stuck(told, tmp_path, address):
    lines = [waiting(NOW - 9999, "support@widgets.example"), waiting(NOW, PAGE)]
    lines.append(waiting(NOW - MAIL_AGE, "support@widgets.example", address))
    (tmp_path / "queue").write_text("\n".join(lines) + "\n")
    assert trouble(told, NOW) == ""
    assert trouble(told, NOW + 1) == "a message has been waiting for 241 s"


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"arrival_time": 1, "recipients": [1]}', '{"recipients": 1}']
)
def test_a_list_that_says_something_else_is_no_good_sign(told, tmp_path, text):
    (tmp_path / "queue").write_text(text)
    assert trouble(told, NOW).startswith("the mail queue can't be listed: ")


@pytest.mark.parametrize("command", [("false",), ("/nowhere",)])
def test_nor_is_none(told, command):
    broken = dataclasses.replace(told, mail_queue=command)
    assert trouble(broken, NOW).startswith("the mail queue can't be listed: ")
