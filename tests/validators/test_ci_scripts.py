"""What CI runs passes shellcheck as well."""

import pytest

from managed_server.local.debian.run import TreeFile, run_in_tree
from tests import trees
from tests.conftest import ROOT


@pytest.mark.machine
def test_shellcheck_finds_nothing():
    scripts = {
        f"/opt/{path.name}": TreeFile(path.read_bytes())
        for path in (ROOT / ".ci").iterdir()
        if path.read_bytes().startswith(b"#!")
    }
    assert {"/opt/run", "/opt/test", "/opt/venv"} <= set(scripts)
    done = run_in_tree(trees.tree(13), ["shellcheck", *scripts], scripts)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
