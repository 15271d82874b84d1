"""Units are enabled at once, and those left alone that systemd knows nothing of."""

import os
import subprocess

import pytest

from tests.conftest import ROOT

SCRIPT = ROOT / "puppet" / "enable-units"

# As systemctl lists unit files and changes them: one file for each unit, which holds its state.
FAKE_SYSTEMCTL = """#!/bin/bash
echo "$*" >>"$FAKE/asked"
state='' names=()
for word; do
    case $word in
        --state=*) state=${word#*=} ;;
        -*) ;;
        *) names+=("$word") ;;
    esac
done
for name in "${names[@]:1}"; do
    file=$FAKE/units/$name
    case ${names[0]} in
        list-unit-files)
            [[ ! -e $file || $(<"$file") != "$state" ]] || printf '%s %s enabled\\n' "$name" "$state" ;;
        unmask) echo disabled >"$file" ;;
        enable) [[ -e $file ]] && echo enabled >"$file" || exit 1 ;;
    esac
done
"""


@pytest.fixture
def run(tmp_path):
    """Runs the script on units of these states; says how it ended, their states then, and what was asked."""
    program = tmp_path / "systemctl"
    program.write_text(FAKE_SYSTEMCTL)
    program.chmod(0o755)

    def go(*options, **units):
        folder = tmp_path / "units"
        folder.mkdir()
        for name, state in units.items():
            (folder / f"{name}.service").write_text(f"{state}\n")
        environ = {**os.environ, "FAKE": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        names = [*(f"{name}.service" for name in units), "made@of-a-template.service"]
        done = subprocess.run(["sh", str(SCRIPT), *options, *names], env=environ, check=False)
        states = {path.stem: path.read_text().strip() for path in folder.iterdir()}
        return done.returncode, states, (tmp_path / "asked").read_text().splitlines()

    return go


def test_all_at_once(run):
    code, states, asked = run(one="disabled", two="masked", three="static", four="disabled", five="alias")
    assert code == 0
    assert states == {
        "one": "enabled", "two": "enabled", "three": "static", "four": "enabled", "five": "alias",
    }  # fmt: skip
    changing = [line for line in asked if not line.startswith("list-unit-files")]
    assert changing == [
        "unmask --no-reload two.service",
        "enable --quiet --no-reload one.service two.service four.service",
        "daemon-reload",
    ]


@pytest.mark.parametrize(("state", "code"), [("disabled", 0), ("masked", 0), ("enabled", 1), ("static", 1)])
def test_whether_it_is_needed(run, state, code):
    ended, states, asked = run("--needed", one=state)
    assert (ended, states) == (code, {"one": state})
    assert all(line.startswith("list-unit-files") for line in asked), "it only looks"
