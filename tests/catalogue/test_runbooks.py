"""Pages that checks and alarms name: their parts, the contract's words in them, and none repeats another."""

import re
from collections import defaultdict
from itertools import combinations

import pytest

from managed_server.inputs import load_project
from managed_server.model.catalogue_items import Absent
from managed_server.model.contract import Priority
from managed_server.reports.contract_items import objective_text
from tests.conftest import ROOT
from tests.runbooks import DO, PARTS, pages, start

PAGES = pages()
# Of the hub itself, in its own configuration: checks of no entry of the catalogue.
OF_THE_HUB = {"host-down": {Priority.URGENT}, "hub-fleet": {Priority.HIGH}}


@pytest.fixture(scope="module")
def project():
    return load_project(ROOT)


@pytest.fixture(scope="module")
def watched(project):
    """What names a page: the names of checks and alarms, with their priorities, by page."""
    found = defaultdict(set)
    for entry in project.entries.values():
        checks = entry.general.checks
        for check in () if isinstance(checks, Absent) else checks:
            found[check.runbook].add((check.name, check.objective))
    for name, alarm in (project.alarms.alarms | project.account_alarms.alarms).items():
        found[alarm.runbook].add((name, alarm.priority))
    paging = {("page", terms.id) for terms in project.contract.priorities if terms.escalation.route == "page"}
    found[project.cloudwatch.paging.runbook] |= paging
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_parts_and_links(page):
    assert tuple(page.parts) == ("", *PARTS)
    assert all(len(part.strip()) > 30 for part in page.parts.values())
    for link in re.findall(r"\]\(([^)#]+)\)", page.text):
        assert (page.path.parent / link).is_file(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_it_says_what_the_checks_and_the_contract_say(page, project, watched):
    """Each check and alarm by name, their priorities, and the contract's own figures for the telephone."""
    meaning, phone = page.parts[""], " ".join(page.parts["When to phone"].split())
    for name, priority in watched[page.name]:
        assert f"*{name}*" in meaning, name
        assert re.search(rf"\b{priority.value}\b", meaning, re.IGNORECASE), (name, priority)
    used = {priority for _, priority in watched[page.name]} | OF_THE_HUB.get(page.name, set())
    assert used, "nothing names this page"
    for terms in project.contract.priorities:
        said = re.search(
            rf"\b{terms.id.value}\b[^.]*\b{objective_text(terms.objective)}\b", phone, re.IGNORECASE
        )
        assert bool(said) == (terms.id in used), (terms.id, objective_text(terms.objective))
        assert re.search(rf"\b{terms.id.value}\b", meaning, re.IGNORECASE) or terms.id not in used
    assert len(re.findall(r"\d+ (?:minutes|UK working)", phone)) == len(used), "a figure that no priority has"


def test_every_page_is_named_and_every_name_has_a_page(watched):
    assert {page.name for page in PAGES} == {*watched, *OF_THE_HUB}


def steps(page):
    """What a page says to do, step by step, in plain words."""
    whole = re.split(r"^\d+\. ", page.parts[DO], flags=re.MULTILINE)
    return [re.sub(r"[^a-z0-9/._-]+", " ", step.lower()).strip(" .-") for step in whole if step.strip()]


def shingles(page):
    words = " ".join(steps(page)).split()
    return {tuple(words[index : index + 4]) for index in range(len(words) - 3)}


SUBSTANCE = 5  # words: fewer ("revert the commit") are said wherever they hold
COMMON = 0.1  # of the shorter page


def test_no_two_pages_share_what_to_do():
    for one, other in combinations(PAGES, 2):
        shared = {step for step in steps(one) if len(step.split()) > SUBSTANCE} & set(steps(other))
        assert not shared, (one.name, other.name)
        mine, theirs = shingles(one), shingles(other)
        share = len(mine & theirs) / min(len(mine), len(theirs))
        assert share < COMMON, (one.name, other.name, sorted(mine & theirs))


def test_the_first_page_leads_to_all_others():
    text = start().text
    for words in ("At three in the morning", "managed-acknowledge", "When to phone"):
        assert words in text
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (start().path.parent / link).exists(), link
