"""The runbooks' commands on the machines that they are about: all are there, and looking finds all well."""

import base64
import fnmatch
import shlex
from collections.abc import Iterator

import pytest

from tests.box.stacks.fleet import HEARTBEATS, Server
from tests.runbooks import LOOK, Line, Page, commands, ends_well, pages, programs, start

LIMIT = 60  # seconds for a command

RUN = f"""
run() {{
    said=$(timeout {LIMIT} bash -o pipefail -c "$1" </dev/null 2>&1)
    echo "$? $(printf %s "$said" | tail -c 3000 | base64 -w 0)"
}}
"""


def about(server: Server) -> Iterator[tuple[Page, str]]:
    """The pages of a server's checks and alarms, each with the place that the server is on it."""
    there = {check.runbook for check in server.spec.checks if not server.spec.needs(check.origin)}
    there |= {alarm.runbook for alarm in server.spec.alarms}
    for page in pages():
        if page.name in there:
            yield page, "server"
        if server.customer.runs_hub and page.name != "intrusion":  # OSSEC's manager is in no archive
            yield page, "hub"
    yield start(), "server"


def looks(server: Server) -> list[Line]:
    """What its pages say to look at, each command once."""
    found = {
        line.text: line
        for page, place in about(server)
        for line in page.lines
        if line.place == place and line.part.startswith(LOOK)
    }
    return list(found.values())


def run(server: Server, lines: list[str]) -> dict[str, tuple[int, str]]:
    """Exit code and text of each line, all run on the machine in one go."""
    script = RUN + "".join(f"run {shlex.quote(line)}\n" for line in lines)
    done = server.box.run(["bash", "-c", script], timeout=LIMIT * len(lines))
    assert done.returncode == 0, done.stderr
    answers = [answer.split(" ") for answer in done.stdout.splitlines()]
    said = [(int(code), base64.b64decode(text).decode(errors="replace")) for code, text in answers]
    return dict(zip(lines, said, strict=True))


def not_yet(server: Server, line: str) -> bool:
    """Whether a line is about jobs of the night alone that haven't ended on this machine yet."""
    names = server.box.run(["ls", HEARTBEATS], check=True).stdout.split()
    [command, *more] = commands(line)
    paths = [word.removeprefix(f"{HEARTBEATS}/") for word in command[1:] if word.startswith(f"{HEARTBEATS}/")]
    return not more and bool(paths) and not any(fnmatch.filter(names, path) for path in paths)


@pytest.mark.parametrize("name", ["example-web1", "hub-mon1"])
def test_looking(fleet, name):
    server = fleet.servers[name]
    lines = [line.text for line in looks(server)]
    assert len(lines) > 50
    bad = {
        line: (code, text)
        for line, (code, text) in run(server, lines).items()
        if not ends_well(line, code) or "command not found" in text
    }
    assert {line: said for line, said in bad.items() if not not_yet(server, line)} == {}


@pytest.mark.parametrize("name", ["example-web1", "hub-mon1"])
def test_every_program_is_there(fleet, name):
    """Those that change something as well, and those between words."""
    server = fleet.servers[name]
    wanted = {
        program
        for page, place in about(server)
        for line in page.lines
        if line.place in (place, "")
        for program in programs(line.text)
    }
    assert len(wanted) > 20
    script = "".join(
        f"command -v {shlex.quote(program)} >/dev/null || echo {program}\n" for program in sorted(wanted)
    )
    assert server.box.run(["bash", "-c", script], check=True).stdout == ""
