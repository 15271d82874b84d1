"""Secrets on their way to a machine: fetched all at once, laid out for root alone, and never lost."""

import importlib.util
import json
import os
from pathlib import Path

import pytest

from tests.conftest import ROOT

AWS = """#!/usr/bin/env python3
import json, os, sys
asked = sys.argv[sys.argv.index("--names") + 1 :]
assert len(asked) <= 10
assert sys.argv[1:3] == ["--region", "eu-west-2"] and "--with-decryption" in sys.argv
known = json.loads(os.environ["KNOWN"])
if not known: sys.exit("AccessDeniedException")
print(json.dumps({"Parameters": [{"Name": n, "Value": known[n]} for n in asked if n in known]}))
"""


@pytest.fixture
def store(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("secrets_store", ROOT / "puppet/converge/secrets_store.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.STAGE = tmp_path / "stage"
    (tmp_path / "aws").write_text(AWS)
    (tmp_path / "aws").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def stage(known, *names):
        monkeypatch.setenv("KNOWN", json.dumps(known))
        wanted = [
            {"parameter": name, "path": str(tmp_path / name), "text": "pass {secret}\n"} for name in names
        ]
        return module.stage(wanted, "eu-west-2")

    stage.module, stage.folder = module, tmp_path
    return stage


def test_each_is_laid_out_for_root_alone(store):
    names = [f"s{number}" for number in range(23)]
    had, missing = store({name: f"value of {name}" for name in names}, *names)
    assert missing == []
    assert [secret["parameter"] for secret in had] == names
    for secret in had:
        source = Path(secret["source"])
        assert source.read_text() == f"pass value of {secret['parameter']}\n"
        assert source.stat().st_mode & 0o777 == 0o600
    assert store.module.STAGE.stat().st_mode & 0o777 == 0o700
    store.module.clear()
    assert not store.module.STAGE.exists()


def test_what_the_machine_has_stays_when_nothing_is_told(store, capfd):
    (store.folder / "a").write_text("pass earlier\n")
    had, missing = store({}, "a", "b")
    assert (had, missing) == ([], ["b"])
    assert "can't fetch a" in capfd.readouterr().err
    assert (store.folder / "a").read_text() == "pass earlier\n"


def test_nothing_is_asked_where_nothing_is_wanted(store, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert store({}) == ([], [])
