"""A drill counts only where everything was shown."""

import json

import pytest

from managed_server import restore
from managed_server.drills import failed, judge
from tests.conftest import ROOT

GOOD = {
    "snapshot": "56adc86c", "age_hours": 3.5, "limit_hours": 26, "files": 30, "changed": 1, "absent": 2,
    "tables": 4, "rows": 5000, "empty": [], "tampered": 0, "problems": [], "minutes": 0.2,
}  # fmt: skip


def judged(answer, code=0, *, dumps=("db",), err=""):
    out = answer if isinstance(answer, str) else "restored\n" + json.dumps(answer) + "\n"
    return judge("acme", "web1", "2026-11-25T05:00:00Z", 1.5, code=code, out=out, err=err, dumps=dumps)


def test_a_good_drill():
    found = judged(GOOD)
    assert found.problems == ()
    assert found.as_json() == {
        "customer": "acme", "server": "web1", "time": "2026-11-25T05:00:00Z", "snapshot": "56adc86c",
        "age_hours": 3.5, "minutes": 1.5, "files": 30, "changed": 1, "absent": 2, "tables": 4, "rows": 5000,
        "empty": (), "tampered": 0, "ok": True, "problems": (),
    }  # fmt: skip


def test_a_server_without_databases_has_no_rows():
    assert judged({**GOOD, "tables": 0, "rows": 0}, dumps=()).ok


def test_a_database_that_held_no_row_when_it_was_dumped_is_told():
    found = judged({**GOOD, "tables": 0, "rows": 0, "empty": ["db"]})
    assert (found.ok, found.empty) == (True, ("db",))


def test_what_was_tampered_with_and_read_as_it_was_is_told_and_no_failure():
    found = judged({**GOOD, "tampered": 12})
    assert (found.ok, found.tampered) == (True, 12)


def without(name):
    return {key: value for key, value in GOOD.items() if key != name}


BAD = {
    "exit code": (GOOD, 1),
    "exit code without an answer": ("", 1),
    "no answer": ("", 0),
    "an empty answer": ({}, 0),
    "an answer that is no object": ("[1]\n", 0),
    "no JSON": ("restored everything\n", 0),
    "a problem": ({**GOOD, "problems": ["/etc/x is missing"]}, 0),
    "a problem and exit code 1": ({**GOOD, "problems": ["/etc/x is missing"]}, 1),
    "nothing said of problems": (without("problems"), 0),
    "problems that are no list": ({**GOOD, "problems": 0}, 0),
    "no files": ({**GOOD, "files": 0}, 0),
    "nothing said of files": (without("files"), 0),
    "files that are no number": ({**GOOD, "files": "30"}, 0),
    "files that are true": ({**GOOD, "files": True}, 0),
    "fewer than no files": ({**GOOD, "files": -1}, 0),
    "no tables": ({**GOOD, "tables": 0}, 0),
    "nothing said of tables": (without("tables"), 0),
    "no rows": ({**GOOD, "rows": 0}, 0),
    "nothing said of rows": (without("rows"), 0),
    "no rows, and another dump is empty": ({**GOOD, "rows": 0, "empty": ["other"]}, 0),
    "no rows, and empty is no list": ({**GOOD, "rows": 0, "empty": "db"}, 0),
    "no snapshot": ({**GOOD, "snapshot": ""}, 0),
    "nothing said of a snapshot": (without("snapshot"), 0),
    "too old": ({**GOOD, "age_hours": 26.01}, 0),
    "of a time to come": ({**GOOD, "age_hours": -1}, 0),
    "no age": (without("age_hours"), 0),
    "an age that is no number": ({**GOOD, "age_hours": None}, 0),
    "no limit": (without("limit_hours"), 0),
    "not a number": ('{"age_hours": NaN, ' + json.dumps({**without("age_hours")})[1:], 0),
}


@pytest.mark.parametrize("name", BAD)
def test_everything_else_is_a_failure(name):
    answer, code = BAD[name]
    found = judged(answer, code, err="restore: it broke\n")
    assert not found.ok
    assert all(found.problems)


def test_why_it_failed_is_told():
    assert judged("", 1, err="x\nrestore: no bucket\n").problems == (
        "the restore gave no answer: restore: no bucket",
    )
    assert failed("acme", "web1", "now", 0.1, "no machine").problems == ("no machine",)


def test_the_price_is_that_of_the_terms():
    said = restore.price(ROOT)
    assert "GBP 100 an hour, at least 1 h" in said
    assert "Service Level Agreement, 9" in said
