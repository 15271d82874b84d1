"""``managed show``: what follows from a stack file, with the contract's figures."""

import datetime
import json
from dataclasses import replace

import pytest

from managed_server.inputs import load_project
from managed_server.reports.show import customer_data, term_end
from managed_server.resolve import resolve_stack
from tests.stackfile import KEY, STACK, write_stack
from tests.test_cli import managed

TODAY = datetime.date(2027, 1, 15)
TWO = (
    STACK.replace("disk_gb: 80", "disk_gb: 120\n        unsupported_packages: [imagemagick]").replace(
        "    servers:\n", f"      bob: {{keys: ['{KEY}'], expires: 2027-01-14}}\n    servers:\n"
    )
    + "      db1: {instance_type: t3.medium, disk_gb: 100, software: [redis]}\n"
)


@pytest.fixture(scope="module")
def project(root):
    return load_project(root)


@pytest.fixture
def shown(project, tmp_path):
    """Show a customer of this stack file."""

    def show(text=TWO, project=project):
        (tmp_path / "stacks").mkdir(exist_ok=True)
        write_stack(tmp_path, text)
        return customer_data(
            project, resolve_stack(replace(project, drafts=tmp_path), "acme", TODAY)[0], TODAY
        )

    return show


def with_fees(project, **changes):
    """Return the project with other fees: a figure that code knew by itself would stay."""
    fees = project.contract.fees.model_copy(update=changes)
    return replace(project, contract=project.contract.model_copy(update={"fees": fees}))


def test_cost_by_the_contracts_figures(shown, project):
    fees = project.contract.fees
    cost = shown()["cost"]
    assert cost["currency"] == fees.currency
    assert cost["taxes"] == "excluded"
    assert cost["set_up"]["amount"] == fees.set_up.amount
    assert cost["monthly"]["servers"] == {"db1": fees.management.amount, "web1": fees.management.amount}
    assert cost["monthly"]["amount"] == 2 * fees.management.amount
    assert cost["term_total"] == fees.set_up.amount + 12 * 2 * fees.management.amount
    assert cost["hourly"]["amount"] == fees.hourly.amount
    assert [use["rule"] for use in cost["hourly"]["applies_to"]] == [
        use.rule for use in fees.hourly.applies_to
    ]


def test_cost_follows_the_contract(shown, project):
    fees = project.contract.fees
    other = with_fees(
        project,
        currency="EUR",
        set_up=fees.set_up.model_copy(update={"amount": 7}),
        management=fees.management.model_copy(update={"amount": 11}),
        hourly=fees.hourly.model_copy(update={"amount": 13}),
        surcharge=fees.surcharge.model_copy(update={"over_gb": 99}),
    )
    cost = shown(project=other)["cost"]
    assert (cost["currency"], cost["term_total"], cost["hourly"]["amount"]) == ("EUR", 7 + 12 * 2 * 11, 13)
    assert cost["surcharge"]["servers"] == {"db1": 100, "web1": 120}


def test_only_larger_volumes_may_have_a_surcharge(shown, project):
    assert project.contract.fees.surcharge.over_gb == 100
    assert shown()["cost"]["surcharge"]["servers"] == {"web1": 120}


def test_a_hub_is_charged_to_nobody(project):
    found = customer_data(project, resolve_stack(project, "hub", TODAY)[0], TODAY)
    assert found["cost"] is None
    assert found["runs_hub"]
    (manager,) = (of for of in found["servers"][0]["software"] if not of["in_sla"])
    assert manager["coverage"].startswith("outside the SLA: ")


def test_software_and_tools_with_their_coverage(shown, project):
    web = next(server for server in shown()["servers"] if server["name"] == "web1")
    assert {of["id"]: of["coverage"] for of in web["software"]} == {"nginx": "Nginx", "php": "PHP"}
    assert all(of["in_sla"] and of["end_of_life"] and not of["past"] for of in web["software"])
    assert web["unsupported_packages"] == ["imagemagick"]
    fulfilled = {line for tool in web["tools"] for line in tool["fulfils"]}
    assert "nagios-monitoring" in fulfilled
    assert fulfilled <= {line.id for line in project.contract.lines}


def test_who_may_connect(shown):
    found = shown()
    assert [(user["name"], user["admin"], user["expires"], user["expired"]) for user in found["users"]] == [
        ("alice", True, None, False),
        ("bob", False, "2027-01-14", True),
    ]
    ports = {port["port"]: port for port in found["servers"][1]["ports"]}
    assert found["servers"][1]["name"] == "web1"
    assert ports[443]["reach"] == ["world"]
    assert ports[443]["networks"] == ["0.0.0.0/0", "::/0"]
    assert ports[22]["reach"] == ["admin"]
    assert "203.0.113.0/24" in ports[22]["networks"]
    assert "0.0.0.0/0" not in ports[22]["networks"]
    assert not {port for port, of in ports.items() if "local" in of["reach"]}


def test_servers_that_may_reach_another_one(shown):
    text = TWO.replace("software: [redis]", "software: [percona], peers: [web1]")
    found = {server["name"]: server for server in shown(text)["servers"]}
    (port,) = (port for port in found["db1"]["ports"] if port["reach"] == ["peers"])
    assert (port["networks"], port["peers"]) == ([], ["web1"])
    alone = {server["name"]: server for server in shown(TWO.replace("[redis]", "[percona]"))["servers"]}
    assert not [of for of in alone["db1"]["ports"] if of["port"] == port["port"]]


def test_exceptions_from_the_policies(shown, inputs):
    text = TWO + (
        "    exceptions:\n"
        "      - {control: EC2.8, resource: acme-web1-instance, reason: containers,"
        " owner: ops@hosting.example, expires: 2027-01-14}\n"
    )
    assert shown(text)["exceptions"] == [
        {
            "control": "EC2.8",
            "resource": "acme-web1-instance",
            "reason": "containers",
            "owner": "ops@hosting.example",
            "expires": "2027-01-14",
            "expired": True,
        }
    ]
    assert shown()["exceptions"] == []
    write_stack(inputs, text)
    lines = managed("show", "acme", "--root", inputs).stdout.splitlines()
    assert "What is let off of the policies" in lines
    assert any(line.startswith("EC2.8") and "containers" in line for line in lines)


def test_objectives_and_when_to_phone(shown):
    found = {of["priority"]: of for of in shown()["objectives"]}
    assert (found["urgent"]["minutes"], found["high"]["minutes"], found["normal"]["working_days"]) == (
        15,
        60,
        1,
    )
    assert [of["phone"] for of in found.values()] == [True, True, True, False]
    assert not any(of["agreed"] for of in found.values())
    agreed = STACK.replace("term_months: 12", "term_months: 12, objectives: {high: {minutes: 90}}")
    found = {of["priority"]: of for of in shown(agreed)["objectives"]}
    assert (found["high"]["minutes"], found["high"]["agreed"]) == (90, True)
    assert (found["urgent"]["minutes"], found["urgent"]["agreed"]) == (15, False)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-12-01", 12, "2027-11-30"),
        ("2027-01-31", 1, "2027-02-28"),
        ("2027-03-31", 12, "2028-03-30"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2027-01-01", 14, "2028-02-29"),
        ("9999-06-01", 6, "9999-11-30"),
    ],
)
def test_the_end_of_a_term(start, months, end):
    assert term_end(datetime.date.fromisoformat(start), months) == datetime.date.fromisoformat(end)


def test_a_term_beyond_the_calendar():
    assert term_end(datetime.date(9999, 12, 1), 1) is None


def test_the_command(inputs):
    write_stack(inputs, TWO)
    done = managed("show", "acme", "--root", inputs)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    for line in (
        "Cost, taxes excluded",
        "GBP 250  a month for web1",
        "GBP 500  a month in all",
        "GBP 6,200  for the term of 12 months, set-up included",
        "Larger volumes may be subject to additional charges: web1 has 120 GB, over 100 GB",
        "2026-12-01 to 2027-11-30: 12 months (the least is 12)",
    ):
        assert line in lines
    assert any(line.startswith("imagemagick") and "outside the SLA" in line for line in lines)
    assert any(line.startswith("urgent") and "after 15 minutes without an answer" in line for line in lines)
    assert any(line.startswith("low") and "  no  " in line for line in lines)
    found = json.loads(managed("show", "acme", "--root", inputs, "--json").stdout)
    assert found["cost"]["term_total"] == 6200


def test_a_stack_that_is_not_there(inputs):
    done = managed("show", "exmaple", "--root", inputs)
    assert done.returncode == 2
    assert "did you mean example?" in done.stderr
