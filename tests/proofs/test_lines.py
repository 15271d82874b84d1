"""Each line of the contract: what is needed for it is there, or `managed check` says what is not."""

import dataclasses

import pytest
import yaml

from managed_server.proofs.lines import Answer, Matrix, circumstances, unfulfilled
from tests.conftest import ROOT
from tests.proofs.conftest import refused

FILE = "contract/fulfilment.yaml"


def red(project, customer):
    return [problem.message for problem in unfulfilled(project, customer)]


def test_the_example_and_the_hub_have_everything(project, example, hub):
    for customer in (example, hub):
        assert red(project, customer) == []
        assert Answer.MISSING not in {cell.answer for cell in Matrix(project, customer).cells()}


KINDS = ("timers", "units", "checks", "processes", "listens", "files", "setup")


@pytest.mark.parametrize("kind", KINDS)
def test_each_object_that_is_named_is_missed_when_it_is_gone(project, example, hub, kind):
    """One after the other is deleted from the resolved server: its line turns red, and names it."""
    gone = 0
    for customer in (example, hub):
        [server] = customer.servers
        parts = [part for line in project.fulfilment.lines.values() for part in line.parts]
        named = {
            (part.entry, name)
            for part in parts
            for objects in (part, part.conditional)
            for name in getattr(objects, kind)
            if part.when.holds(circumstances(server)) and part.entry in {entry.id for entry in server.entries}
        }
        for entry, name in sorted(named):
            kept = tuple(item for item in getattr(server, kind) if not is_it(kind, item, entry, name))
            assert len(kept) < len(getattr(server, kind)), (entry, name)
            less = dataclasses.replace(customer, servers=(dataclasses.replace(server, **{kind: kept}),))
            assert any(f" {name} of {entry} on server {server.name}" in line for line in red(project, less))
            gone += 1
    assert gone > 2


def is_it(kind, item, entry, name):
    found = {
        "files": lambda: item.path,
        "listens": lambda: f"{item.port}/{item.protocol}",
        "checks": lambda: item.name.removeprefix(f"{item.origin}-"),
        "setup": lambda: item.name.removeprefix(f"{item.origin}-"),
    }.get(kind, lambda: item.name)()
    return item.origin == entry and found == name


def test_all_timers_units_and_checks_of_tools_are_named(project):
    """So nothing that a tool does can be taken out unnoticed."""
    parts = [part for line in project.fulfilment.lines.values() for part in line.parts]
    for tool, entry in project.tools.items():
        for kind in ("timers", "units", "checks"):
            section = getattr(entry.general, kind)
            wanted = {
                item.name
                for item in (section if isinstance(section, tuple) else ())
                if getattr(item, "state", "running") == "running"
            }
            named = {
                name
                for part in parts
                if part.entry == tool
                for objects in (part, part.conditional)
                for name in getattr(objects, kind)
            }
            assert wanted <= named, (tool, kind, wanted - named)


def test_a_resource_that_no_component_registers_is_missed(project, example):
    table = project.aws_resources
    fewer = {
        name: {
            per: {key: kind for key, kind in named.items() if kind != "s3.BucketObjectLockConfiguration"}
            for per, named in groups.items()
        }
        for name, groups in table.components.items()
    }
    poorer = dataclasses.replace(project, aws_resources=table.model_copy(update={"components": fewer}))
    assert any("s3.BucketObjectLockConfiguration of OffsiteBackup" in line for line in red(poorer, example))


def test_what_memory_does_not_allow_is_not_missed(project, example):
    [server] = example.servers
    small = dataclasses.replace(
        server,
        memory_mb=2048,
        checks=tuple(check for check in server.checks if check.name != "clamav-clamd"),
    )
    lines = red(project, dataclasses.replace(example, servers=(small,)))
    assert not [line for line in lines if "clamd" in line]
    large = dataclasses.replace(small, memory_mb=server.memory_mb)
    assert any(
        "check clamd of clamav" in line
        for line in red(project, dataclasses.replace(example, servers=(large,)))
    )


TICKETING = """\
  ticketing:
    people: [ticket-system]
    how: Its portal and address stand on the page for customers
    tests: [tests/reports/test_reporting.py]
"""
BROKEN = {
    "silence": (
        TICKETING,
        "",
        ": lines: nothing is said of the line 'ticketing'",
    ),
    "an empty line": (
        TICKETING,
        "  ticketing: {tests: [tests/test_bad_stacks.py]}\n",
        ": lines.ticketing: nothing fulfils it: name parts, aws, people, or what is not built",
    ),
    "an unknown line": (
        "  ticketing:\n",
        "  ticketting:\n",
        "'ticketting' is no line of the contract; did you mean ticketing?",
    ),
    "an unknown duty": (
        "people: [ticket-system]",
        "people: [ticket-sistem]",
        "'ticket-sistem' is no duty of this file; did you mean ticket-system or",
    ),
    "a duty of nobody": (
        "  ticket-system:\n    who",
        "  idle: {who: sales, text: Waits}\n  ticket-system:\n    who",
        "duties.idle: no line and no clause names it",
    ),
    "a clause that is left out": (
        "  - ids: [minimum-term]\n",
        "  - ids: [minimum-terms]\n",
        "'minimum-terms' is no such id of the contract; did you mean minimum-term?",
    ),
    "a clause twice": ("ids: [minimum-term]", "ids: [minimum-term, uptime]", "'uptime' is listed twice"),
    "an unknown entry": (
        "      - entry: rkhunter\n",
        "      - entry: rkhunterr\n",
        "'rkhunterr' is not in the catalogue, and the line needs it; did you mean rkhunter?",
    ),
    "a part without an object": (
        "      - {entry: users, groups: [managed-users]}\n",
        "      - {entry: users}\n",
        "names no object: deleting what the entry brings would go unnoticed",
    ),
    "an unknown component": (
        "      ServerAlarms: [cloudwatch",
        "      ServerAlarm: [cloudwatch",
        "'ServerAlarm' isn't in contract/aws-resources.yaml; did you mean ServerAlarms",
    ),
    "no reason": (
        "    otherwise: no software of the server has a database of the supported kind\n",
        "",
        "applies and otherwise belong together",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_check_refuses(change, kind):
    old, new, message = BROKEN[kind]
    done = change(FILE, old, new)
    assert done.returncode == 2
    assert message in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_check_refuses_a_tool_that_no_line_names(inputs, change):
    path = inputs / "catalogue/tools/time.yaml"
    text = path.read_text().replace(
        "fulfils: [nagios-monitoring]", "fulfils: [nagios-monitoring, munin-monitoring]"
    )
    path.write_text(text)
    done = change("provider.yaml", "name: Example Hosting", "name: Example Hosts")
    refused(done, "catalogue/tools/time.yaml:")
    assert f"{FILE} doesn't name 'time' for the line 'munin-monitoring'" in done.stderr


def test_check_says_where_a_missing_object_is_needed(change):
    done = change("catalogue/tools/backup.yaml", "  - name: check-age\n", "  - name: check-years\n")
    data = yaml.safe_load((ROOT / FILE).read_text())
    assert "check-age" in data["lines"]["nightly-offsite-backups"]["parts"][0]["checks"]
    refused(done)
    assert (
        "lines.nightly-offsite-backups.parts[0].checks[2]: no check check-age of backup on server "
        "web1 of example: the "
        "line isn't fulfilled; put it back, or say here what takes its place" in done.stderr
    )
