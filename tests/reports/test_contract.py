"""``managed contract``: each line on each server, in four forms, and red where an object has gone."""

import json

import pytest

from managed_server.inputs import load_project
from managed_server.proofs.lines import Answer
from managed_server.reports.contract import contract_data, contract_text
from managed_server.resolve import resolve_stack
from tests.conftest import ROOT
from tests.in_process import managed


@pytest.fixture(scope="module")
def data():
    project = load_project(ROOT)
    return contract_data(project, resolve_stack(project, "example")[0])


def cells(data):
    return {(line["id"], cell["server"]): cell for line in data["lines"] for cell in line["cells"]}


def test_every_line_has_an_answer_on_every_server(data):
    project = load_project(ROOT)
    wanted = {
        (line.id, server["name"] if line.scope == "server" else None)
        for line in project.contract.lines
        for server in data["servers"]
    }
    assert set(cells(data)) == wanted
    for cell in cells(data).values():
        assert cell["answer"] in set(Answer)
        assert cell["objects"] or cell["people"] or cell["reasons"] or cell["not_built"]


def test_every_other_id_of_the_contract_has_an_answer(data):
    project = load_project(ROOT)
    lines = {line.id for line in project.contract.lines}
    assert {clause["id"] for clause in data["clauses"]} == set(project.contract.ids) - lines


def test_answers(data):
    found = cells(data)
    assert found["nightly-offsite-backups", "web1"]["answer"] == "fulfilled"
    objects = {(o["kind"], o["name"]) for o in found["nightly-offsite-backups", "web1"]["objects"]}
    assert {("timers", "backup"), ("checks", "age"), ("s3.Bucket", "example-backup-store-bucket")} <= objects
    assert found["ticketing", None]["answer"] == "done by people"
    assert found["self-service-users", None]["not_built"]
    agent = found["intrusion-protection", "web1"]
    assert agent["answer"] == "not built yet"
    assert any("ossec-hids-agent" in part for part in agent["not_built"]), "what nothing installs is said"
    assert found["infrastructure-as-code", "web1"]["answer"] == "fulfilled"
    assert "Pulumi" in next(
        line["deviation"] for line in data["lines"] if line["id"] == "infrastructure-as-code"
    )


def test_where_mail_must_be_confirmed_a_person_has_that_duty_and_onboarding_says_so(data):
    """SNS sends nothing to an address that has not been confirmed, and tells nobody of it."""

    def confirms(people):
        return any(
            each["text"].startswith("Confirms the two subscriptions (page, ticket)") for each in people
        )

    subscribed = [
        cell
        for cell in cells(data).values()
        if any(thing["kind"] == "sns.TopicSubscription" for thing in cell["objects"])
    ]
    assert subscribed
    for cell in subscribed:
        assert confirms(cell["people"]), cell["line"]
        mails = [thing for thing in cell["objects"] if thing["kind"] == "sns.TopicSubscription"]
        assert [thing["name"] for thing in mails] == [
            "example-alarms-page-email",
            "example-alarms-ticket-email",
        ]
    escalation = next(clause for clause in data["clauses"] if clause["id"] == "urgent-escalation")
    assert confirms(escalation["people"])
    steps = (ROOT / "docs/onboard-customer.md").read_text()
    assert "**Confirm the two subscriptions** (page, ticket)" in steps.partition("pulumi up")[2]


def test_what_does_not_apply_says_why():
    project = load_project(ROOT)
    hub = cells(contract_data(project, resolve_stack(project, "hub")[0]))
    assert hub["nightly-local-dumps", "mon1"]["answer"] == "not applicable"
    assert hub["nightly-local-dumps", "mon1"]["reasons"] == [
        "no software of the server has a database of the supported kind"
    ]
    assert hub["intrusion-protection", "mon1"]["in_short"].startswith("ossec-manager ")


def test_priorities_are_within_their_budget(data):
    urgent = next(row for row in data["priorities"] if row["priority"] == "urgent")
    assert urgent["objective"] == "15 min"
    assert urgent["budget_s"] == 15 * 60 // 3
    assert urgent["noticed_s"] <= urgent["budget_s"]
    assert urgent["checks"] > 5


def test_forms(data):
    texts = {form: contract_text(ROOT, data, form) for form in ("text", "markdown", "html", "json")}
    assert json.loads(texts["json"]) == data
    for form, text in texts.items():
        for line in data["lines"]:
            assert (line["id"] if form in ("text", "json") else line["text"].split("'")[0]) in text
    assert texts == {form: contract_text(ROOT, data, form) for form in texts}, "the same for the same input"
    rows = [line for line in texts["markdown"].splitlines() if line.startswith("| ")]
    assert len({row.replace("\\|", "").count("|") for row in rows}) <= 3, "no cell breaks a table"


def test_names_do_not_become_markup(data):
    bad = {**data, "name": "<b>A | B</b>"}
    assert "<b>A" not in contract_text(ROOT, bad, "html")
    assert "# &lt;b>A \\| B" in contract_text(ROOT, bad, "markdown")


def test_a_deleted_object_turns_its_line_red(inputs):
    path = inputs / "catalogue/tools/rkhunter.yaml"
    text = path.read_text()
    path.write_text(text.replace("  - name: age\n", "  - name: years\n"))
    done = managed(inputs, "contract", "example", "--format", "json")
    assert done.returncode == 2
    cell = cells(json.loads(done.stdout))["antivirus-rootkit", "web1"]
    assert cell["answer"] == "missing"
    assert cell["missing"] == ["check age of rkhunter"]
    page = managed(inputs, "contract", "example", "--format", "html").stdout
    assert '<td class="answer missing">missing</td>\n<td><p class="missing">Missing: check age of' in page
    shown = managed(inputs, "contract", "example", "--format", "markdown").stdout
    assert "| **MISSING** | **Missing:** check age of rkhunter." in shown


def test_on_a_terminal_it_is_red_and_in_a_file_it_is_plain(inputs, tmp_path, monkeypatch):
    path = inputs / "catalogue/tools/rkhunter.yaml"
    path.write_text(path.read_text().replace("  - name: age\n", "  - name: years\n"))
    monkeypatch.setenv("FORCE_COLOR", "1")
    [line] = [
        line
        for line in managed(inputs, "contract", "example").stdout.splitlines()
        if line.startswith("antivirus-rootkit")
    ]
    assert "\x1b[1;31mmissing" in line
    managed(inputs, "contract", "example", "--out", tmp_path / "contract.txt")
    text = (tmp_path / "contract.txt").read_text()
    assert "MISSING: check age of rkhunter" in text
    assert "\x1b" not in text


def test_the_command(inputs, tmp_path):
    out = tmp_path / "contract.html"
    done = managed(inputs, "contract", "example", "--format", "html", "--out", out)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert out.read_text().startswith("<!DOCTYPE html>")
    assert managed(inputs, "contract").returncode == 2
    assert "can't be written" in managed(inputs, "contract", "example", "--out", tmp_path / "no" / "x").stderr
    assert "there is no such stack file" in managed(inputs, "contract", "nobody").stderr
