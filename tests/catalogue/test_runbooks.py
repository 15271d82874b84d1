"""Every page that a check or an alarm names: the same four parts, and links that lead somewhere."""

import re

import pytest

from tests.conftest import ROOT

PAGES = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
PARTS = ["What to look at", "What to do", "When to phone", "Outside the SLA"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page(page):
    text = page.read_text()
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    assert parts[1::2] == PARTS
    assert all(len(part.strip()) > 30 for part in parts[0::2])
    assert re.search(r"\b[Pp]riority|\b(urgent|high|normal)\b", parts[0], re.IGNORECASE)
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (page.parent / link).is_file(), link
