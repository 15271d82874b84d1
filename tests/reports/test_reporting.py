"""The page for customers: how to report, when to telephone, what is outside; all of it the contract's."""

import dataclasses
import re

import pytest
import yaml

from managed_server.inputs import load_project
from managed_server.reports.reporting import FILE, reporting_text
from managed_server.resolve import resolve_stack
from tests.conftest import ROOT
from tests.proofs.conftest import managed


@pytest.fixture(scope="module")
def project():
    return load_project(ROOT)


@pytest.fixture(scope="module")
def page(project):
    return reporting_text(project, None)


def sections(text):
    found = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(["", *found[1::2]], found[0::2], strict=True))


def test_the_committed_page_is_current(page):
    assert (ROOT / FILE).read_text() == page, "make it anew: managed contract --reporting --out " + FILE


def test_each_priority_has_its_own_section_with_all_that_the_contract_says(project, page):
    found = sections(page)
    for terms in project.contract.priorities:
        text = found[terms.id.value.capitalize()]
        said = [*terms.examples, *terms.before_reporting]
        said += [item for step in terms.before_reporting for item in step.items]
        for item in said:
            assert f"- {item.text}\n" in text, item.id
        assert text.strip().startswith(terms.definition)
        assert ("telephone" in text) == terms.phone.may_call


def test_figures_are_those_of_the_contract(project, page):
    found = sections(page)
    assert "within the objective: 15 minutes, day and night." in found["Urgent"]
    assert "within the objective: 60 minutes, day and night." in found["High"]
    assert "within the objective: 1 UK working day, in working hours." in found["Normal"]
    assert "You may telephone after 60 minutes without a response, to verify action is in" in found["High"]
    assert "GBP 100 for each hour, taxes excluded" in page
    contract = project.contract
    urgent, *others = contract.priorities
    sooner = urgent.model_copy(update={"objective": urgent.objective.model_copy(update={"minutes": 7})})
    dearer = contract.fees.hourly.model_copy(update={"amount": 123})
    changed = contract.model_copy(
        update={
            "priorities": (sooner, *others),
            "fees": contract.fees.model_copy(update={"hourly": dearer}),
        }
    )
    text = reporting_text(dataclasses.replace(project, contract=changed), None)
    assert "7 minutes, day and night" in sections(text)["Urgent"]
    assert "15 minutes" not in text
    assert "GBP 123 for each hour" in text


def test_the_way_and_the_boundary_are_the_contracts(project, page):
    contract, support = project.contract, project.provider.support
    for text in (support.portal, support.email, support.phone, project.provider.name):
        assert str(text) in page
    rules = {rule.id: rule.text for rule in (*contract.channels, *contract.boundary.rules)}
    del rules["telephone-follow-up"]  # said by each priority: the terms differ between two places
    for name, text in rules.items():
        assert text.rstrip(".") in page, name
    for item in (*contract.boundary.in_scope, *contract.supported_software):
        assert item.text in page
    for exclusion in contract.sla.exclusions:
        assert exclusion.text[1:] in page
    assert page.index(rules["ticket-first"]) < page.index("By telephone"), "a ticket comes first"


def test_a_customer_has_what_was_agreed_and_what_is_outside(inputs):
    path = inputs / "stacks/Pulumi.example.yaml"
    data = yaml.safe_load(path.read_text())
    data["config"]["managed-server:customer"]["contract"]["objectives"] = {
        "urgent": {"minutes": 20},
        "normal": {"working_days": 2},
    }
    path.write_text(yaml.safe_dump(data))
    project = load_project(inputs)
    text = reporting_text(project, resolve_stack(project, "example")[0])
    assert text.startswith("# How to report a problem: Example Widgets Ltd\n")
    found = sections(text)
    assert "20 minutes, day and night" in found["Urgent"]
    assert "60 minutes, day and night" in found["High"]
    assert "2 UK working days, in working hours" in found["Normal"]
    assert "15 minutes" not in text
    assert "- web1: imagemagick\n" in found["What is outside"]


def test_the_command(inputs, tmp_path):
    out = tmp_path / "page.md"
    done = managed(inputs, "contract", "example", "--reporting", "--out", out)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "Example Widgets" in out.read_text()
    for wrong in (
        ["--terms", "--reporting"],
        ["--reporting", "--format", "html"],
        ["example", "--terms"],
        [],
    ):
        assert managed(inputs, "contract", *wrong).returncode == 2, wrong
