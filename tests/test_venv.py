"""The virtual environment that everything runs in: installed once, and linked into each clone."""

import os
import re
import shutil
import subprocess

import pytest

from tests.conftest import ROOT


@pytest.fixture
def clone(tmp_path):
    """Makes a clone that needs but one package, beside others of the same cache."""

    def made(name):
        folder = tmp_path / name
        (folder / ".ci").mkdir(parents=True)
        for file in ("venv", "pip.txt"):
            shutil.copy(ROOT / ".ci" / file, folder / ".ci")
        [needed] = re.findall(
            r"^idna==.*(?:\n    --hash.*)+", (ROOT / "requirements.txt").read_text(), re.MULTILINE
        )
        (folder / "requirements.txt").write_text(f"{needed}\n")
        return folder

    return made


def venv(folder):
    environ = {**os.environ, "MANAGED_SERVER_CACHE": str(folder.parent / "a cache")}
    return subprocess.run(
        [folder / ".ci/venv", ".venv"], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


def module(folder):
    [found] = folder.glob(".venv/lib/python*/site-packages/idna/core.py")
    return found


def test_it_is_installed_once_for_all_clones_whatever_their_folders_names(clone):
    one, other = clone("one clone"), clone("another")
    first = venv(one)
    assert first.returncode == 0, first.stderr
    assert "installing" in first.stdout
    second = venv(other)
    assert (second.returncode, second.stdout) == (0, ""), second.stderr
    for folder in (one, other):
        done = subprocess.run(
            [folder / ".venv/bin/idna", "--help"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        asked = [
            folder / ".venv/bin/python",
            "-c",
            "import idna, sys; print(idna.__file__, *sys.path, sep='\\n')",
        ]
        said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()
        assert said[0] == str(module(folder).with_name("__init__.py"))
        assert str(folder) in said, "the clone's own code"
        assert (folder / ".venv/installed").exists()
        assert list(module(folder).parent.glob("__pycache__/core.*.pyc")), "compiled"
    assert module(one).samefile(module(other))
    removed = [one / ".venv/bin/python", "-m", "pip", "--quiet", "uninstall", "--yes", "idna"]
    subprocess.run(removed, check=True, capture_output=True)
    assert module(other).exists(), "what one clone does is its own affair"


@pytest.mark.soak  # it installs three times
def test_an_installation_that_was_cut_off_or_failed_is_made_anew(clone):
    folder = clone("clone")
    good = (folder / "requirements.txt").read_text()
    (folder / "requirements.txt").write_text(re.sub(r"sha256:\w{8}", "sha256:00000000", good))
    failed = venv(folder)
    assert failed.returncode != 0
    assert "DO NOT MATCH THE HASHES" in failed.stderr
    assert not (folder / ".venv").exists()
    kept = folder.parent / "a cache/python"
    assert [path.suffix for path in kept.iterdir() if path.is_dir()] == [".new"]
    (folder / "requirements.txt").write_text(good)
    for left in kept.glob("*.new"):  # as if it had been of this one
        left.rename(left.with_name("left"))
    done = venv(folder)
    assert done.returncode == 0, done.stderr
    [store] = [path for path in kept.iterdir() if path.is_dir() and path.suffix == "" and path.name != "left"]
    store.rename(store.with_name(f"{store.name}.new"))  # as a kill leaves it: not in its place
    again = venv(folder)
    assert again.returncode == 0, again.stderr
    assert "installing" in again.stdout
    assert module(folder).exists()
