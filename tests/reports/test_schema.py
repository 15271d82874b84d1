"""The schemas for editors: current, named by every input file, and no stricter than the check."""

import copy
import datetime
import json

import jsonschema
import pytest

from managed_server.loading import read_yaml
from managed_server.reports.schema import FOLDER, MODELS, modeline, schema_for, schema_json
from tests.conftest import ROOT
from tests.test_cli import managed

FILES = [(name, path) for name, (pattern, _) in MODELS.items() for path in sorted(ROOT.glob(pattern))]


def as_json(value):
    """Turn what our reader makes of YAML into what an editor makes of it: keys and dates are text."""
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


def errors(name, data):
    return [
        f"{error.json_path}: {error.message}"
        for error in jsonschema.Draft7Validator(
            schema_for(name), format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER
        ).iter_errors(as_json(data))
    ]


def data_of(name):
    """Return a file of this kind."""
    path = next(path for kind, path in FILES if kind == name)
    return copy.deepcopy(read_yaml(path, ROOT).data)


@pytest.mark.parametrize("name", MODELS)
def test_the_committed_schema_is_current(name):
    jsonschema.Draft7Validator.check_schema(schema_for(name))
    committed = (ROOT / FOLDER / f"{name}.json").read_text()
    assert committed == schema_json(name), "run: managed schema --out docs/schemas"


def test_no_schema_is_left_over():
    assert {path.stem for path in (ROOT / FOLDER).iterdir()} == set(MODELS)


@pytest.mark.parametrize(("name", "path"), FILES, ids=[str(path.relative_to(ROOT)) for _, path in FILES])
def test_each_file_names_its_schema_and_fits_it(name, path):
    first = path.read_text().splitlines()[0]
    assert first == modeline(name, str(path.relative_to(ROOT)))
    assert (path.parent / first.rpartition("=")[2]).resolve() == ROOT / FOLDER / f"{name}.json"
    assert errors(name, read_yaml(path, ROOT).data) == []


def test_what_an_editor_marks_in_a_stack_file():
    stack = data_of("stack")
    customer = stack["config"]["managed-server:customer"]
    server = next(iter(customer["servers"].values()))
    server["disk"] = server.pop("disk_gb")
    server["maintenance"]["day"] = "sundays"
    customer["aws"]["account_id"] = 111122223333
    customer["aws"]["region"] = "London"
    customer["users"]["Bob"] = next(iter(customer["users"].values()))
    del customer["contacts"]
    found = "\n".join(errors("stack", stack))
    for said in (
        "'disk' was unexpected",
        "'disk_gb' is a required property",
        "'sundays' is not one of",
        "account_id: 111122223333 is not of type 'string'",
        "region: 'London' is not one of",
        "'Bob' does not match",
        "'contacts' is a required property",
    ):
        assert said in found


@pytest.mark.parametrize("name", ["software", "tool"])
def test_an_entry_may_hold_placeholders_where_a_value_is_replaced(name):
    entry = data_of(name)
    entry["listens"] = [
        {"port": "${port}", "protocol": "tcp", "bind": "${bind}", "reach": "hub", "purpose": "for ${whom}"}
    ]
    entry["packages"] = ["php${php}-fpm"]
    assert errors(name, entry) == []
    for port in ("80", "x${port}", "${Port}", "$port", 70000):
        entry["listens"][0]["port"] = port
        assert len(errors(name, entry)) == 1, port


def test_a_section_without_facts_needs_its_reason():
    entry = data_of("software")
    entry["setup"] = {"none": "nothing"}
    entry["dumps"] = []
    del entry["secrets"]
    assert len(errors("software", entry)) == 3


def test_a_stack_file_holds_no_placeholders():
    stack = data_of("stack")
    next(iter(stack["config"]["managed-server:customer"]["servers"].values()))["disk_gb"] = "${disk}"
    assert len(errors("stack", stack)) == 1


def test_the_command(tmp_path):
    done = managed("schema", "software")
    assert done.returncode == 0
    assert json.loads(done.stdout) == schema_for("software")
    done = managed("schema", "--out", tmp_path / "new" / "folder")
    assert done.returncode == 0, done.stderr
    assert {path.stem for path in (tmp_path / "new" / "folder").iterdir()} == set(MODELS)
    assert (tmp_path / "new" / "folder" / "tool.json").read_text() == schema_json("tool")


def test_wrong_use_of_the_command(tmp_path):
    done = managed("schema", "softwear")
    assert done.returncode == 2
    assert "there is no schema 'softwear'; did you mean software?" in done.stderr
    (tmp_path / "file").touch()
    done = managed("schema", "tool", "--out", tmp_path / "file")
    assert done.returncode == 2
    assert "can't be written to" in done.stderr
    assert "Traceback" not in done.stderr
