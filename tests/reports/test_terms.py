"""docs/terms.md: every sentence of the terms, current, and every file that it names is there."""

import pytest

from managed_server.inputs import load_project
from managed_server.reports.contract_items import items
from managed_server.reports.contract_terms import FILE, terms_data, terms_text
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def project():
    return load_project(ROOT)


def test_the_committed_table_is_current(project):
    wanted = "managed contract --terms --out docs/terms.md"
    assert (ROOT / FILE).read_text() == terms_text(project), f"make it anew: {wanted}"


def test_every_id_of_the_contract_has_its_row(project):
    ids = [row["id"] for rows in terms_data(project).values() for row in rows]
    assert sorted(ids) == sorted(project.contract.ids)
    assert [said.id for said in items(project.contract)] == ids


def test_every_row_says_who_or_what_fulfils_it(project):
    for rows in terms_data(project).values():
        for row in rows:
            assert row["files"] or row["people"] or row["not_built"] or row["aws"], row["id"]
            if not row["people"] and not row["not_built"]:
                assert row["tests"], f"{row['id']}: no person does it, and no test shows it"


def test_every_file_is_there_and_tests_are_tests(project):
    works = [*project.fulfilment.lines.values(), *project.fulfilment.clauses]
    for work in works:
        for path in (*work.where, *work.tests):
            assert (ROOT / path).is_file(), path
        for path in work.tests:
            assert path.startswith("tests/"), path
            assert "def test_" in (ROOT / path).read_text(), path
    for rows in terms_data(project).values():
        for row in rows:
            for path in (*row["files"], *row["tests"]):
                assert (ROOT / path).exists(), path


def test_figures_stand_in_the_contract_alone(project):
    """What the table says in figures follows from the contract: other figures, other words."""
    fees = project.contract.fees
    changed = project.contract.model_copy(
        update={"fees": fees.model_copy(update={"set_up": fees.set_up.model_copy(update={"amount": 987})})}
    )
    texts = {said.id: said.text for said in items(changed)}
    assert "987 GBP" in texts["set-up-fee"]
    assert "43:12" in texts["uptime"]
