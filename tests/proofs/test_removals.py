"""What is taken out of the catalogue is missed: each section of each entry, each entry that is promised."""

import dataclasses
import re
import shutil

import pytest

from managed_server import inputs as loader
from managed_server.loading import Document, read_yaml
from managed_server.model.catalogue import SECTIONS, Software, Tool
from managed_server.proofs.contract_file import contradictions
from tests.conftest import ROOT
from tests.in_process import managed

MODELS = {"software": Software, "tools": Tool}
FILES = sorted(
    path.relative_to(ROOT) for kind in MODELS for path in (ROOT / "catalogue" / kind).glob("*.yaml")
)
TOOLS = [path.stem for path in FILES if path.parent.name == "tools"]


def keys(path):
    return list(read_yaml(ROOT / path, ROOT).data)


def cut(text, key):
    """Take a key of an entry out of its text, with all that is below it."""
    left, count = re.subn(rf"(?m)^{key}:.*\n(?:(?:[ #].*)?\n)*", "", text)
    assert count == 1, key
    return left


def told_by_its_model(path):
    """What the entry's own model says once a key is gone, by the key."""
    model, document = MODELS[path.parent.name], read_yaml(ROOT / path, ROOT)
    for key in document.data:
        fewer = {name: value for name, value in document.data.items() if name != key}
        left = Document(document.file, fewer, document.lines)
        loader._checked(left, model)
        yield key, [str(problem) for problem in left.problems]


def check_without(inputs, path, key):
    file = inputs / path
    text = file.read_text()
    file.write_text(cut(text, key))
    done = managed(inputs, "check")
    file.write_text(text)
    assert done.returncode == 2, (path, key)
    assert "Traceback" not in done.stderr
    named = [
        line for line in done.stderr.splitlines() if str(path) in line and re.search(rf"\b{key}\b", line)
    ]
    assert named, (path, key, done.stderr)


def test_every_entry_has_all_sections():
    """A section is there, or says `none:` with a reason: so each is a key that can be taken out."""
    for path in FILES:
        assert set(SECTIONS) <= set(keys(path)), path


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_section_goes_unnoticed(path, request):
    """What the model itself doesn't miss, the whole check does."""
    late = []
    for key, said in told_by_its_model(path):
        if not said:
            late.append(key)
            continue
        assert any(str(path) in line and f"the key {key!r} is missing; add it" in line for line in said), said
    for key in late:
        check_without(request.getfixturevalue("inputs"), path, key)
    assert set(late) <= {"hub_only", "when"}  # a condition: left out, it means everywhere


@pytest.mark.soak
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_whole_check_misses_every_section(inputs, path):
    for key in keys(path):
        check_without(inputs, path, key)


def lines_that_count_on(project, tool):
    return [
        name for name, line in project.fulfilment.lines.items() if any(p.entry == tool for p in line.parts)
    ]


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_is_missed_by_its_lines(project, tool):
    fewer = {name: entry for name, entry in project.tools.items() if name != tool}
    said = [str(problem) for problem in contradictions(dataclasses.replace(project, tools=fewer))]
    lines = lines_that_count_on(project, tool)
    assert lines == [line for line in project.fulfilment.lines if line in project.tools[tool].general.fulfils]
    for line in lines:
        where = re.compile(
            rf"contract/fulfilment\.yaml:\d+: lines\.{line}\.parts\[\d+\]\.entry: {tool!r} is not in"
        )
        assert any(where.match(text) for text in said), said


def test_every_supported_product_is_missed(project):
    """Each has entries of the catalogue, or a table for every server, and none of them can go unnoticed."""
    for product in project.contract.supported_software:
        fewer = {n: e for n, e in project.software.items() if e.general.supported != product.id}
        without = dataclasses.replace(project, software=fewer, root=ROOT / "tests")  # no tables there
        said = [str(problem) for problem in contradictions(without)]
        message = (
            f"nothing of the catalogue is for {product.id!r}: put back the software whose `supported` it is"
        )
        assert [text for text in said if text.endswith(message)], (product, said)


@pytest.mark.soak
@pytest.mark.parametrize("tool", TOOLS)
def test_the_whole_check_misses_every_tool(inputs, project, tool):
    (inputs / f"catalogue/tools/{tool}.yaml").unlink()
    shutil.rmtree(inputs / "templates" / tool, ignore_errors=True)
    done = managed(inputs, "check")
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr
    for line in lines_that_count_on(project, tool):
        assert re.search(
            rf"lines\.{line}\.parts\[\d+\]\.entry: {tool!r} is not in the catalogue", done.stderr
        )
