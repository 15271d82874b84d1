"""docs/add-software.md and docs/add-tool.md, followed literally in a copy, without a change of Python."""

import re
import subprocess
import sys

import pytest

from managed_server.bundle import build
from managed_server.resolve import load_customer
from tests.conftest import ROOT
from tests.stackfile import STACK, write_stack

FILE = re.compile(
    r"^`(?P<path>[\w./-]+)`:\n\n(?P<fence>`{3,})\w+\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL
)
DIFF = re.compile(r"^```diff\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def follow(page, inputs):
    """Do what a page says: write its files, apply its changes; return the files."""
    text = (ROOT / "docs" / page).read_text()
    written = []
    for found in FILE.finditer(text):
        path = inputs / found["path"]
        assert not path.exists(), f"{path} is there already: the page needs another example"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found["text"])
        written.append(found["path"])
    for change in DIFF.findall(text):
        done = subprocess.run(
            ["git", "apply", "--recount", "--unidiff-zero", "-"],
            cwd=inputs,
            input=change,
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return written


def check(inputs):
    command = [sys.executable, "-m", "managed_server.cli", "check", "acme"]
    done = subprocess.run(command, cwd=inputs, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_software(inputs):
    assert len(follow("add-software.md", inputs)) == 3
    write_stack(inputs, STACK.replace("[nginx, php]", "[nginx, php, beanstalkd]"))
    code, said = check(inputs)
    assert code == 0, said
    customer = load_customer(inputs, "acme")
    server = customer.server("web1")
    files = {f.path: f.content.decode() for f in build(inputs / "templates", customer, server).files}
    assert "BEANSTALKD_LISTEN_PORT=11300" in files["/etc/default/beanstalkd"]
    [answers] = [c for c in server.checks if c.origin == "beanstalkd"]
    assert not answers.in_sla


def test_tool(inputs):
    assert len(follow("add-tool.md", inputs)) == 3
    write_stack(inputs)
    code, said = check(inputs)
    assert code == 0, said
    server = load_customer(inputs, "acme").server("web1")
    assert "debsums" in {timer.name for timer in server.timers}
    assert {"debsums-result", "debsums-age"} <= {c.name for c in server.checks}


@pytest.mark.parametrize(
    ("page", "without", "said"),
    [
        ("add-software.md", 0, "unknown software 'beanstalkd'"),
        ("add-software.md", 1, "templates/beanstalkd/server/etc/default/beanstalkd.j2"),
        ("add-software.md", 2, "docs/runbooks/work-queue.md does not exist; write it"),
        ("add-tool.md", 0, "debsums"),
        ("add-tool.md", 1, "templates/debsums/server/usr/local/lib/managed-server/debsums-compare.j2"),
        ("add-tool.md", 2, "docs/runbooks/changed-files.md does not exist; write it"),
    ],
)
def test_a_file_that_is_left_out_is_missed(inputs, page, without, said):
    written = follow(page, inputs)
    (inputs / written[without]).unlink()
    software = "[nginx, php, beanstalkd]" if "software" in page else "[nginx, php]"
    write_stack(inputs, STACK.replace("[nginx, php]", software))
    code, told = check(inputs)
    assert code == 2, told
    assert said in told


def test_software_outside_the_agreement_wakes_nobody(inputs):
    follow("add-software.md", inputs)
    path = inputs / "catalogue/software/beanstalkd.yaml"
    path.write_text(path.read_text().replace("objective: normal", "objective: high"))
    write_stack(inputs)
    code, told = check(inputs)
    assert code == 2
    assert "checks[0].objective: 'high' wakes somebody" in told
