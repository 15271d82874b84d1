"""A changed copy of the inputs, and what `managed check` says of it."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest

from managed_server import cli
from managed_server.inputs import load_project
from managed_server.resolve import resolve_stack
from tests.conftest import ROOT

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


@dataclass
class Done:
    """How a run of the command ended."""

    returncode: int
    stdout: str
    stderr: str


def managed(root, *arguments):
    """Run the command as its entry point does, in this process: these tests run it often."""
    out, err = io.StringIO(), io.StringIO()
    words = ["managed", *map(str, arguments), "--root", str(root)]
    code = 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", words)
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
    return Done(code, out.getvalue(), err.getvalue())


def refused(done, *messages):
    """`managed check` refuses the inputs with these messages, and without a traceback."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for message in messages:
        assert f"error: {message}" in done.stderr, done.stderr
    return done
