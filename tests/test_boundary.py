"""Unsupported software is installed and patched, wakes nobody, and every report says that it is outside."""

import json
import re

import pytest
import yaml
from pydantic import ValidationError

from hub.members import Member
from hub.render import render
from hub.settings import Part
from managed_server.boundary import outside
from managed_server.fragment import build_fragment, fragment_json
from managed_server.inputs import load_project
from managed_server.model.fragment import Fragment, ServerAddress
from managed_server.resolve import resolve_stack
from tests.conftest import copy_inputs
from tests.in_process import managed
from tests.stackfile import STACK, write_stack
from tests.test_docs_add import follow

PACKAGE, SOFTWARE = "imagemagick", "Beanstalkd"
WHY = "outside the SLA"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A customer with the software that docs/add-software.md brings, and a package of its own."""
    root = copy_inputs(tmp_path_factory.mktemp("boundary") / "inputs")
    follow("add-software.md", root)
    text = STACK.replace("[nginx, php]", "[nginx, php, beanstalkd]")
    write_stack(root, text.replace("sites:", f"unsupported_packages: [{PACKAGE}]\n        sites:"))
    return root


@pytest.fixture(scope="module")
def customer(inputs):
    return resolve_stack(load_project(inputs), "acme")[0]


@pytest.fixture(scope="module")
def server(customer):
    return customer.server("web1")


def test_it_is_installed_and_patched(server):
    assert {PACKAGE, "beanstalkd"} <= set(server.packages)
    assert [(entry.kind, entry.id) for entry in outside(server)] == [
        ("software", "beanstalkd"),
        ("package", PACKAGE),
    ]


def test_it_wakes_nobody_and_nothing_of_it_counts(server):
    own = [check for check in server.checks if check.origin == "beanstalkd"]
    assert own
    assert {check.priority.value for check in own} == {"normal"}
    assert not any(check.in_sla for check in own)
    assert all(check.in_sla for check in server.checks if check.origin != "beanstalkd")
    for watched in (*server.checks, *server.alarms):
        assert PACKAGE not in json.dumps(str(watched)), "nothing watches what is nobody's duty"


def test_nothing_outside_may_wake_anybody_in_any_entry(inputs):
    project = load_project(inputs)
    entries = [entry for entry in project.software.values() if not isinstance(entry.general.supported, str)]
    assert len(entries) > 1, "the manager of OSSEC on the hub as well"
    for entry in entries:
        assert {check.objective.value for check in entry.general.checks} == {"normal"}, entry.id


@pytest.mark.parametrize("priority", ["urgent", "high"])
def test_check_refuses_a_check_or_alarm_of_it_that_would(tmp_path, priority):
    root = copy_inputs(tmp_path / "inputs")
    follow("add-software.md", root)
    write_stack(root)
    path = root / "catalogue/software/beanstalkd.yaml"
    path.write_text(path.read_text().replace("objective: normal", f"objective: {priority}"))
    path = root / "catalogue/alarms.yaml"
    data = yaml.safe_load(path.read_text())
    alarm = {**data["alarms"]["cpu"], "when": {"with_software": "beanstalkd"}, "priority": priority}
    path.write_text(yaml.safe_dump({"alarms": {**data["alarms"], "queue": alarm}}))
    done = managed(root, "check", "acme")
    assert done.returncode == 2
    message = f"'{priority}' wakes somebody, and "
    assert f"checks[0].objective: {message}the software is outside the service level" in done.stderr
    assert f"alarms.queue.priority: {message}'beanstalkd' is outside the service level" in done.stderr


def test_a_hub_refuses_it_whoever_published_it(customer, server):
    data = json.loads(fragment_json(build_fragment(customer, server)))
    Fragment.model_validate_json(json.dumps(data))
    [own] = [check for check in data["checks"] if not check["in_sla"]]
    own["priority"] = "urgent"
    with pytest.raises(ValidationError, match="beanstalkd-answers is outside the service level agreement"):
        Fragment.model_validate_json(json.dumps(data))


def test_nagios_says_so(customer, server, root):
    address = ServerAddress(account_id=customer.account_id, ipv4="192.0.2.7")
    member = Member(build_fragment(customer, server), address, "")
    part = Part("nagios", root / "templates/nagios/fleet", {"{host}.cfg": "host.cfg.j2"}, {}, (), ())
    text = render([part], [member])["nagios/acme-web1.cfg"].decode()
    services = [block for block in text.split("define ") if block.startswith("service")]
    own = [block for block in services if "beanstalkd-answers" in block]
    assert len(own) == 1
    for block in services:
        mine = block in own
        assert ("Outside the SLA. Runbook: " in block) == mine
        assert re.search(r"_IN_SLA +(\d)", block)[1] == ("0" if mine else "1")
        assert not mine or re.search(r"use +managed-normal\n", block)


IN_JSON = ('"outside_sla": [', '"id": "beanstalkd"', '"id": "imagemagick"', "]")
CONTRACT = ("contract", "acme", "--format")
REPORTS = {
    "check": (("check", "acme"), ("outside the SLA on acme-web1: Beanstalkd (", "imagemagick (unsupported")),
    "check as JSON": (("check", "acme", "--json"), IN_JSON),
    "render": (
        ("render", "acme"),
        ("outside the SLA: Beanstalkd (", "outside the SLA: imagemagick (unsupported package)"),
    ),
    "render as JSON": (("render", "acme", "--json"), IN_JSON),
    "show": (
        ("show", "acme"),
        ("Beanstalkd", "outside the SLA: ", "imagemagick", "outside the SLA: unsupported package"),
    ),
    "show as JSON": (
        ("show", "acme", "--json"),
        ('"title": "Beanstalkd"', '"in_sla": false', '"unsupported_packages": [', '"imagemagick"', "]"),
    ),
    "contract": (
        (*CONTRACT, "text"),
        ("\noutside the SLA", "\nBeanstalkd", "beanstalkd-answers: wake nobody", "\nimagemagick", "none"),
    ),
    "contract in Markdown": (
        (*CONTRACT, "markdown"),
        (
            "## Outside the service level agreement\n",
            "| web1 | Beanstalkd |",
            "| web1 | imagemagick (package) |",
        ),
    ),
    "contract in HTML": (
        (*CONTRACT, "html"),
        ("Outside the service level agreement</h2>", "<td>Beanstalkd</td>", "<td>imagemagick (package)</td>"),
    ),
    "contract in JSON": ((*CONTRACT, "json"), IN_JSON),
    "reporting": (
        ("contract", "acme", "--reporting"),
        ("## What is outside\n", "- web1: Beanstalkd, imagemagick\n", "## What is charged"),
    ),
}


@pytest.mark.parametrize("report", REPORTS)
def test_every_report_of_a_customer_says_so(inputs, report):
    arguments, words = REPORTS[report]
    done = managed(inputs, *arguments)
    assert done.returncode == 0, done.stderr
    in_order = ".*?".join(map(re.escape, words))
    assert re.search(in_order, done.stdout, re.DOTALL), done.stdout


@pytest.mark.parametrize("form", ["", "--json", "--markdown"])
def test_the_table_of_software_says_so(inputs, form):
    done = managed(inputs, "software", *filter(None, [form]))
    assert done.returncode == 0
    text = done.stdout
    if form == "--json":
        [own] = [of for of in json.loads(text)["software"] if of["id"] == "beanstalkd"]
        assert not own["in_sla"]
        text = own["coverage"]
    else:
        [text] = [line for line in text.splitlines() if re.match(r"\W*beanstalkd +\|? *Beanstalkd", line)]
    assert WHY in text


def test_a_review_sees_it_come_and_go(inputs, tmp_path):
    """By `diff -r` between two renderings, as docs/review.md says."""
    assert managed(inputs, "render", "acme", "--out", tmp_path / "after").returncode == 0
    write_stack(inputs, STACK.replace("123456789012", "345678901234"), "plain")
    assert managed(inputs, "render", "plain", "--out", tmp_path / "before").returncode == 0
    assert (tmp_path / "before/plain/web1/outside-the-sla.txt").read_text() == ""
    told = (tmp_path / "after/acme/web1/outside-the-sla.txt").read_text().splitlines()
    assert [line.partition(" (")[0] for line in told] == [SOFTWARE, PACKAGE]
