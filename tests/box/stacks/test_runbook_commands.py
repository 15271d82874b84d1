"""The runbooks' commands on the machines that they are about: all are there, and looking finds all well."""

import base64
import re
import shlex
from collections.abc import Iterator

import pytest

from tests.box.stacks.fleet import Server
from tests.catalogue.runbook_facts import EVERY_DEBIAN, facts_of
from tests.runbooks import LOOK, Line, Page, ends_well, pages, programs, start

LIMIT = 120  # seconds for a command
AT_ONCE = 4  # many of them wait

RUN = f"""
run() {{
    said=$(timeout {LIMIT} bash -o pipefail -c "$2" </dev/null 2>&1)
    echo "$1 $? $(printf %s "$said" | tail -c 3000 | base64 -w 0)"
}}
start() {{
    while (($(jobs -rp | wc -l) >= {AT_ONCE})); do wait -n; done
    run "$@" &
}}
"""

# What isn't there before a machine's first night, mail, or error of a page.
LATER = re.compile(
    r"(/var/lib/managed-server/heartbeat/|/var/lib/automysqlbackup/daily|/var/log/mail\.log|/var/log/rkhunter\.log|"
    r"/var/log/php/error\.log|/var/log/unattended-upgrades/)[^\n]*: No such file|repository does not exist"
)


def about(server: Server) -> Iterator[tuple[Page, str]]:
    """The pages of a server's checks and alarms, each with the place that the server is on it."""
    there = {check.runbook for check in server.spec.checks if not server.spec.needs(check.origin)}
    agent = server.spec.cloudwatch.agent.namespace  # which nobody has installed here
    there |= {alarm.runbook for alarm in server.spec.alarms if alarm.namespace != agent}
    for page in pages():
        if page.name in there:
            yield page, "server"
        if server.customer.runs_hub and page.name != "intrusion":  # OSSEC's manager is in no archive
            yield page, "hub"
    yield start(), "server"


def looks(server: Server) -> dict[str, Line]:
    """What its pages say to look at, each command once."""
    return {
        line.on(server.spec.debian): line
        for page, place in about(server)
        for line in page.lines
        if line.place == place and line.part.startswith(LOOK)
    }


def run(server: Server, lines: list[str]) -> dict[str, tuple[int, str]]:
    """Exit code and text of each line, all run on the machine in one go."""
    calls = "".join(f"start {index} {shlex.quote(line)}\n" for index, line in enumerate(lines))
    done = server.box.run(["bash", "-c", f"{RUN}{calls}wait"], timeout=LIMIT * len(lines))
    assert done.returncode == 0, done.stderr
    answers = [answer.split(" ") for answer in done.stdout.splitlines()]
    assert len(answers) == len(lines)
    return {
        lines[int(index)]: (int(code), base64.b64decode(text).decode(errors="replace"))
        for index, code, text in answers
    }


def ended_badly(server: Server, lines: list[str]) -> dict[str, tuple[int, str]]:
    return {
        line: (code, text)
        for line, (code, text) in run(server, lines).items()
        if not (ends_well(line, code) or LATER.search(text)) or ": command not found" in text
    }


def test_looking_at_the_customers_server(web1):
    for job in ("dumps", "backup"):  # of last night; other tests may have run them already
        if not web1.heartbeat(job):
            web1.box.run(["systemctl", "start", f"managed-{job}"], timeout=600, check=True)
    lines = list(looks(web1))
    assert len(lines) > 100
    assert ended_badly(web1, lines) == {}


def test_looking_at_the_hub(hub_server, web1):
    """What is said of a server was tried on the customer's."""
    lines = [line for line in looks(hub_server) if line not in looks(web1)]
    assert len(lines) >= 20
    assert ended_badly(hub_server, lines) == {}


@pytest.mark.parametrize("name", ["example-web1", "hub-mon1"])
def test_every_program_is_there(fleet, name):
    """Those that change something as well, and those between words."""
    server = fleet.servers[name]
    wanted = set()
    for page, place in about(server):
        facts = facts_of(page)
        spans = {program for span in page.spans() for program in programs(span)}
        wanted |= {
            program
            for line in page.lines
            if line.place == place or (place == "server" and not line.place)
            for program in programs(line.on(server.spec.debian))
        }
        if place == "server":
            wanted |= {
                program
                for program in spans
                if program in EVERY_DEBIAN | facts.programs or program.startswith("/usr/local/")
            }
    assert len(wanted) > 50
    script = "".join(f"command -v {shlex.quote(name)} >/dev/null || echo {name}\n" for name in sorted(wanted))
    assert server.box.run(["bash", "-c", script], check=True).stdout == ""
