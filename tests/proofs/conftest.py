"""A changed copy of the inputs, and what `managed check` says of it."""

import pytest

from managed_server.inputs import load_project
from managed_server.resolve import resolve_stack
from tests.conftest import ROOT
from tests.in_process import managed

FILE = "stacks/Pulumi.example.yaml"


def line(key):
    """The line of a key that the example's stack file has once."""
    lines = (ROOT / FILE).read_text().splitlines()
    [found] = [number for number, text in enumerate(lines, 1) if text.strip().startswith(f"{key}:")]
    return found


@pytest.fixture(scope="package")
def project():
    return load_project(ROOT)


@pytest.fixture(scope="package")
def example(project):
    return resolve_stack(project, "example")[0]


@pytest.fixture(scope="package")
def hub(project):
    return resolve_stack(project, "hub")[0]


@pytest.fixture
def change(inputs):
    """Replace text in a file of the inputs, and return what `managed check` says then."""

    def apply(path, old, new, *more):
        file = inputs / path
        text = file.read_text()
        assert text.count(old) == 1, (path, old, text.count(old))
        file.write_text(text.replace(old, new))
        return apply(*more) if more else managed(inputs, "check")

    return apply


def refused(done, *messages):
    """`managed check` refuses the inputs with these messages, and without a traceback."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for message in messages:
        assert f"error: {message}" in done.stderr, done.stderr
    return done
