"""docs/terms.md: every sentence of the terms, current, and every file that it names is there."""

import re
from pathlib import Path

import pytest

from managed_server.inputs import load_project
from managed_server.reports.contract_clauses import supported_by
from managed_server.reports.contract_items import items
from managed_server.reports.contract_terms import FILE, terms_data, terms_text
from tests.conftest import ROOT
from tests.proofs.conftest import managed


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


# The sections of the terms and the clauses of their service level agreement; the table has each.
PLACES = {
    "Service description",
    "What is included?",
    "What does it cost?",
    "Supported software",
    *(f"Service Level Agreement, {clause}" for clause in range(1, 10)),
    "Tiers of support and response",
    *(f"Tiers of support and response, {priority}" for priority in ("Urgent", "High", "Normal", "Low")),
    "Additional product options",
}


def places(source):
    """The sections and clauses that a source names, such as `Service Level Agreement, 6 and 9`."""
    for part in source.split("; "):
        head, _, tail = part.partition(", ")
        clauses = re.findall(r"\d", tail) if head == "Service Level Agreement" else []
        yield from (f"{head}, {clause}" for clause in clauses)
        yield part


def test_every_section_and_clause_of_the_terms_has_rows(project):
    sources = {row["source"] for rows in terms_data(project).values() for row in rows}
    assert {place for source in sources for place in places(source)} >= PLACES


def test_every_row_names_a_test(project):
    for rows in terms_data(project).values():
        for row in rows:
            assert row["tests"], row["id"]


def test_a_test_of_a_software_speaks_of_it(project):
    names = supported_by(project)
    for item, tests in project.fulfilment.software.items():
        entries = {Path(file).stem for file in names[item]}
        text = "\n".join((ROOT / path).read_text() for path in tests)
        assert any(re.search(rf"\b{entry}\b", text, re.IGNORECASE) for entry in entries), item


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "  memcached: [",
            "  memcache: [",
            "'memcache' is not on the contract's list; did you mean memcached",
        ),
        ("  memcached: [", "  memcache: [", "no test is named for 'memcached': say which shows it"),
        (
            "  memcached: [tests/catalogue/test_memcached.py, tests/catalogue/test_services_together.py]",
            "  memcached: []",
            "no test is named for 'memcached'",
        ),
    ],
)
def test_check_refuses_a_software_without_a_test(inputs, old, new, said):
    path = inputs / "contract/fulfilment.yaml"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    done = managed(inputs, "check", "example")
    assert done.returncode == 2
    assert said in done.stderr


def test_figures_stand_in_the_contract_alone(project):
    """What the table says in figures follows from the contract: other figures, other words."""
    fees = project.contract.fees
    changed = project.contract.model_copy(
        update={"fees": fees.model_copy(update={"set_up": fees.set_up.model_copy(update={"amount": 987})})}
    )
    texts = {said.id: said.text for said in items(changed)}
    assert "987 GBP" in texts["set-up-fee"]
    assert "43:12" in texts["uptime"]
