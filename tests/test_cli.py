"""The command: exit codes, JSON, and output for machines and pipes."""

import json
import os
import subprocess
import sys

import pytest

from managed_server.commands.problems import report_problems
from managed_server.problems import Problem
from tests.stackfile import STACK, write_stack


def managed(*arguments, cwd=None, **environ):
    return subprocess.run(
        [sys.executable, "-m", "managed_server.cli", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_check_json(inputs):
    write_stack(inputs)
    done = managed("check", "acme", "--root", inputs, "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert found["problems"] == []
    assert len(found["customers"]["acme"]["servers"]["web1"]["bundle"]) == 64


def test_no_colour_and_whole_lines_when_piped(inputs):
    write_stack(inputs, STACK.replace("[nginx, php]", "[ngnix]"))
    done = managed("check", "--root", inputs)
    assert "\x1b" not in done.stdout + done.stderr
    assert any(line.startswith("error: stacks/Pulumi.acme.yaml:20: ") for line in done.stderr.splitlines())


def test_a_line_number_is_no_picture(capsys):
    """Rich reads `:100:` as the sign for a hundred points."""
    report_problems([Problem("stacks/Pulumi.acme.yaml", 100, "servers", "is wrong")])
    assert "stacks/Pulumi.acme.yaml:100: servers: is wrong" in capsys.readouterr().err


def test_the_same_bundle_from_check_and_render(inputs):
    write_stack(inputs)
    checked = json.loads(managed("check", "acme", "--root", inputs, "--json").stdout)
    rendered = json.loads(managed("render", "acme", "--root", inputs, "--json").stdout)
    assert checked["customers"]["acme"]["servers"]["web1"]["bundle"] == rendered["acme"]["web1"]["bundle"]


def test_render_writes_what_the_manifest_says(inputs, tmp_path):
    write_stack(inputs)
    out = tmp_path / "out"
    for _ in range(2):  # the second time replaces the first
        done = managed("render", "acme", "--root", inputs, "--out", out)
        assert done.returncode == 0, done.stderr
    folder = out / "acme" / "web1"
    manifest = json.loads((folder / "manifest.json").read_text())
    for file in manifest["files"]:
        assert (folder / "files" / file["path"].lstrip("/")).is_file()
    assert json.loads((folder / "fragment.json").read_text())["host"] == "acme-web1"


def test_render_never_replaces_what_it_did_not_write(inputs, tmp_path):
    write_stack(inputs)
    precious = tmp_path / "acme" / "web1" / "precious"
    precious.parent.mkdir(parents=True)
    precious.write_text("kept")
    done = managed("render", "acme", "--root", inputs, "--out", tmp_path)
    assert done.returncode == 2
    assert "exists and was not written by render" in done.stderr
    assert precious.read_text() == "kept"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("render", "nobody"), "there is no such stack file"),
        (("render", "acme", "--server", "wbe1"), "servers: has no server 'wbe1'; it has: web1"),
        (("check", "--root", "/nonexistent"), "is not the repository"),
        (("no-such-command",), "No such command"),
    ],
)
def test_wrong_use_is_exit_code_2(inputs, arguments, said):
    write_stack(inputs)
    done = managed(*arguments, cwd=inputs)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_no_traceback(inputs):
    write_stack(inputs)
    command = f"{sys.executable} -m managed_server.cli render acme --json | head -c 10"
    done = subprocess.run(
        ["bash", "-c", command], cwd=inputs, capture_output=True, text=True, check=False, timeout=60
    )
    assert "Traceback" not in done.stderr


def test_two_servers_of_one_name_at_the_hub_are_refused(inputs):
    write_stack(inputs, STACK.replace("      web1:", "      b-c:"), name="aa")
    other = STACK.replace("      web1:", "      c:").replace("123456789012", "222222222222")
    write_stack(inputs, other, name="aa-b")
    done = managed("check", "aa", "aa-b", "--root", inputs)
    assert done.returncode == 2
    assert "the hub would know it as aa-b-c" in done.stderr


def test_status_says_when_nothing_runs(inputs):
    done = managed("local", "status", "--root", inputs, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"running": False, "endpoint": None, "lost": False, "stacks": {}}


@pytest.mark.parametrize("command", ["render", "check"])
def test_a_broken_template_is_an_input_problem(inputs, command):
    write_stack(inputs)
    template = next((inputs / "templates" / "nginx").rglob("nginx.conf.j2"))
    template.write_text("{{ server.nothing }}\n")
    done = managed(command, "acme", "--root", inputs)
    assert done.returncode == 2
    assert "nginx/server/etc/nginx/nginx.conf.j2:1: " in done.stderr
    assert "Traceback" not in done.stderr
