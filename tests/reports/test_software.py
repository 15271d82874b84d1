"""``managed software``: the catalogue as people choose from it."""

import datetime
import json
from dataclasses import replace

import pytest

from managed_server.inputs import load_project
from managed_server.reports.output import markdown
from managed_server.reports.software import print_software, software_data
from tests.test_cli import managed

TODAY = datetime.date(2027, 1, 15)


@pytest.fixture(scope="module")
def project(root):
    return load_project(root)


def test_every_software_and_the_whole_supported_list_are_there(project):
    found = software_data(project, TODAY)
    assert [item["id"] for item in found["software"]] == sorted(project.software)
    on_list = [item["contract"] for item in found["software"] if item["in_sla"]]
    told = {*on_list, *(item["id"] for item in [*found["systems"], *found["missing"]])}
    assert told == {item.id for item in project.contract.supported_software}
    assert [item["id"] for item in found["systems"]] == ["debian"]


def test_what_has_no_entry_is_missing(project):
    fewer = {name: entry for name, entry in project.software.items() if name != "redis"}
    missing = software_data(replace(project, software=fewer), TODAY)["missing"]
    assert {"id": "redis", "title": "Redis"} in missing
    assert {"id": "redis", "title": "Redis"} not in software_data(project, TODAY)["missing"]


def test_what_every_server_runs_is_no_gap(project, capsys):
    print_software(project, TODAY, "text")
    said = capsys.readouterr().out
    assert "on every server without being chosen:\n  debian (Debian Linux): catalogue/debian.yaml" in said
    fewer = {name: entry for name, entry in project.software.items() if name != "redis"}
    print_software(replace(project, software=fewer), TODAY, "text")
    said = capsys.readouterr().out
    assert "  redis (Redis)" in said.partition("without an entry yet:\n")[2].splitlines()


def test_facts_by_release(project):
    found = {item["id"]: item for item in software_data(project, TODAY)["software"]}
    nginx, percona = found["nginx"], found["percona"]
    assert [of["debian"] for of in nginx["releases"]] == [12, 13]
    assert [of["end_of_life"] for of in nginx["releases"]] == ["2028-06-30", "2030-06-30"]
    assert {(of["port"], of["reach"]) for of in nginx["releases"][1]["listens"]} >= {
        (80, "world"),
        (443, "world"),
    }
    assert {of["source"] for of in nginx["releases"]} == {"Debian"}
    assert {of["source"] for of in percona["releases"]} == {"vendor"}
    assert percona["releases"][0]["archives"] == ["repo.percona.com"]
    assert found["ossec-manager"]["not_installable"]
    assert not found["ossec-manager"]["in_sla"]


def test_an_end_of_life_that_is_past_is_marked(project, capsys):
    print_software(project, datetime.date(2029, 1, 1), "text")
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("nginx "))
    assert "12: 2028-06-30 (past); 13: 2030-06-30 " in line


def test_the_command(inputs):
    done = managed("software", "--root", inputs)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert any(line.startswith("ossec-manager is outside the SLA: ") for line in done.stdout.splitlines())
    assert [
        item["id"] for item in json.loads(managed("software", "--root", inputs, "--json").stdout)["software"]
    ]
    shown = managed("software", "--root", inputs, "--markdown").stdout.splitlines()
    assert shown[0].startswith("| id | title |")
    assert {line.count("|") for line in shown if line.startswith("|")} == {8}
    done = managed("software", "--root", inputs, "--markdown", "--json")
    assert done.returncode == 2
    assert "choose one of" in done.stderr


def test_a_cell_does_not_end_at_its_own_bar():
    assert markdown(("a", "b"), [("x|y", "z")]).splitlines()[2] == "| x\\|y | z |"
