"""The command `managed` as its entry point runs it, in this process: one of its own takes a second."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest

from managed_server import cli


@dataclass
class Done:
    """How a run of the command ended."""

    returncode: int
    stdout: str
    stderr: str


def managed(root, *arguments):
    """Run the command; whatever it exits with is returned."""
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
