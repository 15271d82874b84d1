"""Generated stack files: right ones give the same bytes twice; wrong ones are told where, and never crash."""

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from managed_server.inputs import load_project
from managed_server.problems import InputError, dotted
from managed_server.proven import proven
from tests.conftest import ROOT
from tests.generated.broken import BREAKAGES, NOT_YAML, broken
from tests.generated.emit import write
from tests.generated.other import Other, hashes
from tests.generated.valid import IDS, Drawer, staying

BASE = ("config", "managed-server:customer")
DRAWER = Drawer(load_project(ROOT))
STACKS = IDS.filter(lambda name: name not in DRAWER.project.provider.hubs)
AT_LENGTH = {
    "deadline": None,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
}


@pytest.fixture(scope="module")
def drafts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drafts")
    (folder / "stacks").mkdir()
    return folder


class Stand:
    """The project, with stack files of its own."""

    def __init__(self, drafts):
        self.project = replace(DRAWER.project, drafts=drafts)

    def __repr__(self):  # for Hypothesis, which would print the whole project
        return "STAND"

    def write(self, stack, content):
        path = self.project.drafts / "stacks" / f"Pulumi.{stack}.yaml"
        path.write_bytes(content if isinstance(content, bytes) else str(content).encode())
        return path

    def problems(self, stack, content):
        """What is said of a stack file; nothing but an InputError may come. Each names the file."""
        path = self.write(stack, content)
        found = ()
        try:
            proven(self.project, stack)
        except InputError as error:
            found = error.problems
        path.unlink()
        for problem in found:
            assert problem.file == f"stacks/Pulumi.{stack}.yaml", str(problem)
            assert problem.line >= 1, str(problem)
            assert problem.message
            assert "\n" not in str(problem)
        return found


@pytest.fixture(scope="module")
def stand(drafts):
    return Stand(drafts)


@pytest.fixture(scope="module")
def other(drafts):
    process = Other(drafts)
    yield process
    process.end()


def right(stand, other, stack, data, wide):
    path = stand.write(stack, write(data, wide=wide))
    other.ask(stack)
    found = hashes(stand.project, stack)
    said = other.answer()
    path.unlink()
    assert all(isinstance(server, list) for server in found), found
    assert found == said
    customer = data["config"]["managed-server:customer"]
    assert [name for name, *_ in found] == ([] if customer.get("retire") else staying(customer["servers"]))


def wrong(stand, stack, data, wide, first, draw):
    changed, expected = broken(draw, DRAWER, data["config"]["managed-server:customer"], first)
    text = write({"config": {"managed-server:customer": changed}}, wide=wide)
    found = stand.problems(stack, text)
    for wanted in expected:
        about = [p for p in found if p.path.startswith(dotted(wanted.path)) and wanted.words in p.message]
        line = text.line((*BASE, *wanted.path))
        assert line in [problem.line for problem in about], (wanted, line, list(map(str, found)), str(text))
    for problem in found:
        zones = [dotted(zone) for wanted in expected for zone in wanted.zones]
        told = [dotted(wanted.path) for wanted in expected]
        assert problem.path.startswith(tuple(zones)) or problem.path in told, (str(problem), expected)


def twice(stand, stack, text, draw):
    """A key of a line of its own stands there again."""
    lines = [(n, re.fullmatch(r' *([a-z_]+|"[^"]+"): \S.*', line)) for n, line in enumerate(text.lines, 1)]
    number, found = draw(st.sampled_from([(n, found) for n, found in lines if found]))
    path = min((p for p, n in text.where.items() if n == number), key=len)
    text.insert(number + 1, found[0][: found.end(1)] + ": again")
    said = {(p.line, p.path, p.message) for p in stand.problems(stack, text)}
    words = f"duplicate key, first on line {number}; keep one of the two"
    assert (number + 1, dotted(path[len(BASE) :]), words) in said, (said, str(text))


def hardly_yaml(stand, stack, data, wide, draw):
    """Lines that aren't YAML are told; of what chance has changed there may be nothing to say."""
    text = write(data, wide=wide)
    kind = draw(st.sampled_from(["line", "twice", "bytes", "cut", "swap"]))
    if kind == "twice":
        twice(stand, stack, text, draw)
        return
    if kind == "line":
        text.insert(draw(st.integers(1, len(text.lines))), draw(st.sampled_from(NOT_YAML)))
    content = bytearray(str(text).encode())
    if kind == "bytes":
        at = draw(st.integers(0, len(content) - 1))
        content[at : at + draw(st.integers(0, 3))] = draw(st.binary(min_size=1, max_size=4))
    if kind == "cut":
        del content[draw(st.integers(0, len(content) - 1)) :]
    if kind == "swap":
        lines = bytes(content).splitlines(keepends=True)
        one, other = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        lines[one], lines[other] = lines[other], lines[one]
        content = bytearray(b"".join(lines))
    found = stand.problems(stack, bytes(content))
    assert found or kind != "line", str(text)


@st.composite
def files(draw):
    """A stack's name and its file."""
    stack = draw(STACKS)
    return stack, {"config": {"managed-server:customer": draw(DRAWER.customer(stack))}}


def always(count):
    """The same files in every run; one that fails isn't made small, which takes minutes."""
    return settings(max_examples=count, derandomize=True, phases=[Phase.generate], **AT_LENGTH)


@always(40)
@given(file=files(), wide=st.booleans())
def test_right_ones(stand, other, file, wide):
    right(stand, other, *file, wide)


@pytest.mark.parametrize("first", BREAKAGES, ids=lambda first: first.__name__)
@always(2)
@given(file=files(), wide=st.booleans(), more=st.data())
def test_wrong_ones(stand, file, wide, first, more):
    wrong(stand, *file, wide, first, more.draw)


@always(40)
@given(file=files(), wide=st.booleans(), more=st.data())
def test_what_is_hardly_yaml(stand, file, wide, more):
    hardly_yaml(stand, *file, wide, more.draw)


@pytest.mark.soak
@settings(max_examples=3400, **AT_LENGTH)
@given(file=files(), wide=st.booleans())
def test_many_right_ones(stand, other, file, wide):
    right(stand, other, *file, wide)


@pytest.mark.soak
@pytest.mark.parametrize("first", BREAKAGES, ids=lambda first: first.__name__)
@settings(max_examples=100, **AT_LENGTH)
@given(file=files(), wide=st.booleans(), more=st.data())
def test_many_wrong_ones(stand, file, wide, first, more):
    wrong(stand, *file, wide, first, more.draw)


@pytest.mark.soak
@settings(max_examples=3200, **AT_LENGTH)
@given(file=files(), wide=st.booleans(), more=st.data())
def test_much_that_is_hardly_yaml(stand, file, wide, more):
    hardly_yaml(stand, *file, wide, more.draw)
