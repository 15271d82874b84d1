"""Bad stack files: each a message with file and line, all at once, exit code 2, nothing created."""

import json
from dataclasses import replace

import pytest
import yaml

from managed_server import proven
from managed_server.fragment import build_fragment
from managed_server.inputs import SINGLE_FILES
from managed_server.reports.check import check_stacks
from tests.in_process import managed
from tests.stackfile import FAR, KEY, STACK, write_stack

FILE = "stacks/Pulumi.acme.yaml"

# what is replaced, by what, and what must be said
BAD = {
    "unknown software": (
        "[nginx, php]",
        "[ngnix]",
        f"{FILE}:20: servers.web1.software[0]: unknown software 'ngnix'; did you mean nginx?",
    ),
    "duplicate key": (
        "    hub: hub\n",
        "    hub: hub\n    hub: other\n",
        f"{FILE}:6: hub: duplicate key, first on line 5; keep one of the two",
    ),
    "bad CIDR": (
        "203.0.113.0/24",
        "203.0.113.7/24",
        f"{FILE}:10: access.ssh_from[0]: '203.0.113.7/24' has host bits set; the network is 203.0.113.0/24",
    ),
    "open to the world": (
        "203.0.113.0/24",
        "0.0.0.0/0",
        f"{FILE}:10: access.ssh_from[0]: 0.0.0.0/0 opens an administrative port to the world",
    ),
    "broken SSH key": (
        KEY,
        KEY[:60],
        f"{FILE}:15: users.alice.keys[0]: its body",
    ),
    "reserved user name": (
        "      alice:\n",
        "      www-data:\n",
        f"{FILE}:12: users.www-data: 'www-data' is reserved: a Debian system account;",
    ),
    "unknown key": (
        "instance_type:",
        "instance_typ:",
        f"{FILE}:18: servers.web1.instance_typ: unknown key; did you mean instance_type or maintenance?",
    ),
    "missing requirement": (
        "[nginx, php]",
        "[php]",
        f"{FILE}:20: servers.web1.software[0]: 'php' requires 'apache' or 'nginx'; add one of them to",
    ),
    "short contract": (
        "term_months: 12",
        "term_months: 11",
        f"{FILE}:4: contract.term_months: 11 months is below the contract's minimum of 12; write 12 or more",
    ),
    "YAML syntax": (
        "    hub: hub\n",
        "    hub: [hub\n",
        f"{FILE}:6: YAML syntax: ",
    ),
    "unknown hub": (
        "hub: hub",
        "hub: hubb",
        f"{FILE}:5: hub: 'hubb' is no hub of provider.yaml; did you mean hub?",
    ),
    "same region": (
        "backup_region: eu-west-1",
        "backup_region: eu-west-2",
        f"{FILE}:6: aws.backup_region: is the servers' own region; off-site backups need another one",
    ),
    "no region": (
        "backup_region: eu-west-1",
        "backup_region: xx-nowhere-9",
        f"{FILE}:6: aws.backup_region: 'xx-nowhere-9' is not an AWS region with ARNs of",
    ),
    "region of another partition": (
        "region: eu-west-2, ",
        "region: us-gov-west-1, ",
        f"{FILE}:6: aws.region: 'us-gov-west-1' is not an AWS region with ARNs of",
    ),
    "unknown instance type": (
        "t3.large",
        "t3.metal",
        f"{FILE}:18: servers.web1.instance_type: 't3.metal' is not in catalogue/instance-types.yaml",
    ),
    "unknown setting": (
        "        sites:",
        "        settings: {php: {pm_max_childs: 3}}\n        sites:",
        f"{FILE}:21: servers.web1.settings.php.pm_max_childs: unknown setting; did you mean pm_max_children?",
    ),
    "setting out of range": (
        "        sites:",
        "        settings: {php: {pm_max_children: 0}}\n        sites:",
        f"{FILE}:21: servers.web1.settings.php.pm_max_children: 0 is below 2",
    ),
    "setting of another software": (
        "        sites:",
        "        settings: {phb: {x: 1}}\n        sites:",
        f"{FILE}:21: servers.web1.settings.phb: the server has no 'phb'; did you mean php?",
    ),
    "unsupported Debian": (
        "        sites:",
        "        debian: 11\n        sites:",
        f"{FILE}:21: servers.web1.debian: Debian 11 is not supported; known: 12, 13",
    ),
    "package of supported software": (
        "        sites:",
        "        unsupported_packages: [nginx]\n        sites:",
        f"{FILE}:21: servers.web1.unsupported_packages: 'nginx' belongs to supported software; take it out",
    ),
    "account id without quotes": (
        '"123456789012"',
        "123456789012",
        f"{FILE}:6: aws.account_id: 123456789012 is a number",
    ),
    "expiry that is no date": (
        "        admin: true\n",
        "        admin: true\n        expires: tomorrow\n",
        f"{FILE}:14: users.alice.expires: ",
    ),
}


def check(root, *arguments):
    return managed(root, "check", *arguments)


@pytest.mark.parametrize("kind", BAD)
def test_bad_stack(inputs, kind):
    old, new, message = BAD[kind]
    assert STACK.count(old) == 1
    write_stack(inputs, STACK.replace(old, new))
    done = check(inputs, "acme")
    assert done.returncode == 2, done.stderr
    assert f"error: {message}" in done.stderr, done.stderr
    assert "nothing was created or changed" in done.stderr
    assert "Traceback" not in done.stderr


def test_good_stack(inputs):
    write_stack(inputs)
    done = check(inputs, "acme")
    assert (done.returncode, done.stderr) == (0, "")


def test_all_files_at_once(inputs):
    """Problems of several stack files, and several of one file, come in one run."""
    write_stack(
        inputs, STACK.replace("[nginx, php]", "[ngnix, pph]").replace("term_months: 12", "term_months: 1")
    )
    other = STACK.replace("hub: hub", "hub: x").replace("123456789012", "345678901234")
    write_stack(inputs, other, name="other")
    done = check(inputs, "--json")
    assert done.returncode == 2
    said = [(p["file"], p["line"]) for p in json.loads(done.stdout)["problems"] if p["severity"] == "error"]
    assert said == [(FILE, 4), (FILE, 20), (FILE, 20), ("stacks/Pulumi.other.yaml", 5)]


def port_clash(inputs):
    """Give php a port of nginx: the catalogue itself has no two of the same."""
    path = inputs / "catalogue" / "software" / "php.yaml"
    data = yaml.safe_load(path.read_text())
    data["listens"] = [{"port": 80, "protocol": "tcp", "bind": "any", "reach": "world", "purpose": "clash"}]
    path.write_text(yaml.safe_dump(data))


def test_port_clash(inputs):
    port_clash(inputs)
    write_stack(inputs)
    done = check(inputs, "acme")
    assert done.returncode == 2
    assert f"{FILE}:20: servers.web1.software: nginx and php both listen on tcp port 80" in done.stderr


def test_unknown_stack(inputs):
    write_stack(inputs)
    done = check(inputs, "acmee")
    assert done.returncode == 2
    assert "stacks/Pulumi.acmee.yaml: there is no such stack file; did you mean acme" in done.stderr


def test_catalogue_problem_names_its_file(inputs):
    path = inputs / "catalogue" / "software" / "nginx.yaml"
    path.write_text(path.read_text().replace("supported: nginx", "supported: ngnix"))
    done = check(inputs)
    assert done.returncode == 2
    assert "catalogue/software/nginx.yaml:" in done.stderr
    assert "'ngnix' is not on the contract's list; did you mean nginx?" in done.stderr


def test_all_disks_together_are_warned_of(inputs):
    write_stack(inputs, STACK.replace("disk_gb: 80", "disk_gb: 60\n        data_gb: 50"))
    done = check(inputs, "acme")
    assert done.returncode == 0
    said = "servers.web1.data_gb: with disk_gb over 100 GB: backups may cost a surcharge"
    assert said in done.stderr


def opened(ipv4=0, ipv6=0):
    """A stack file with so many networks of administrators."""
    some = [*(f"10.{n}.0.0/16" for n in range(ipv4)), *(f"'2001:db8:{n:x}::/48'" for n in range(ipv6))]
    return STACK.replace("[203.0.113.0/24]", f"[{', '.join(some)}]")


def test_more_rules_than_a_security_group_takes_are_warned_of(inputs):
    """AWS may have been asked for more: so it is no error."""
    [found] = told(inputs, opened(80))
    assert found.startswith(f"{FILE}:17: servers.web1: its security group has 8")
    assert "inbound rules of IPv4, and AWS takes 60 by default: have the quota of the account raised" in found
    assert check(inputs, "acme").returncode == 0
    [found] = told(inputs, opened(0, 80))
    assert "inbound rules of IPv6" in found
    assert told(inputs, opened(50, 50)) == [], "they are counted apart"
    elsewhere = opened(80).replace(STACK[STACK.index("      web1:") :], FAR)
    assert told(inputs, elsewhere) == [], "AWS has no group of it"


def test_warnings_do_not_fail(inputs):
    text = STACK.replace("disk_gb: 80", "disk_gb: 120").replace(
        "        admin: true\n", "        expires: 2020-01-01\n"
    )
    write_stack(inputs, text)
    done = check(inputs, "acme")
    assert done.returncode == 0
    assert (
        f"warning: {FILE}:19: servers.web1.disk_gb: over 100 GB: backups may cost a surcharge" in done.stderr
    )
    assert f"warning: {FILE}:12: users.alice: expired on 2020-01-01: the account is locked" in done.stderr


def test_every_kind_at_once(inputs):
    """What the model refuses does not hide what only the catalogue can tell, in one file."""
    broken = STACK
    for kind, (old, new, _) in BAD.items():
        if kind in AT_ONCE:
            assert broken.count(old) == 1, kind
            broken = broken.replace(old, new)
    write_stack(inputs, broken)
    done = check(inputs, "acme")
    assert done.returncode == 2
    for kind in AT_ONCE:
        message = BAD[kind][2].partition(": ")[2]  # lines shift where one is added
        assert message in done.stderr, (kind, done.stderr)


AT_ONCE = (
    "unknown software",
    "duplicate key",
    "bad CIDR",
    "broken SSH key",
    "unknown key",
    "short contract",
    "same region",
    "expiry that is no date",
    "unsupported Debian",
)


def test_broken_catalogue_does_not_hide_broken_stacks(inputs):
    path = inputs / "catalogue" / "software" / "nginx.yaml"
    path.write_text(path.read_text().replace("supported: nginx", "supported: ngnix"))
    write_stack(inputs, STACK.replace("203.0.113.0/24", "203.0.113.7/24"))
    done = check(inputs)
    assert "catalogue/software/nginx.yaml:" in done.stderr
    assert f"{FILE}:10: access.ssh_from[0]:" in done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "config: 3\n",
        "config: {}\n",
        "config:\n  managed-server:customer: []\n",
        "config:\n  managed-server:customer: {servers: {web1: {software: {a: 1}}}, users: [1]}\n",
        "config:\n  managed-server:customer:\n    servers: {1: 2, x: null}\n    contract: now\n",
        "- 1\n",
        "---\n",
        "config:\n  managed-server:customer: {contacts: [[]], hub: [], aws: {region: 1}, name: {}}\n",
    ],
)
def test_nonsense_is_located_and_no_traceback(inputs, text):
    write_stack(inputs, text)
    done = check(inputs, "acme")
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr
    assert all(line.startswith(f"error: {FILE}:") for line in done.stderr.splitlines()[:-1]), done.stderr


NOTHING = ("---\n", "~\n", "---\n# to be written\n")
READ = (FILE, *(path for path, _ in SINGLE_FILES.values()), "catalogue/software/nginx.yaml")


@pytest.mark.parametrize("file", READ)
def test_a_file_that_holds_nothing_is_told_of(inputs, file):
    write_stack(inputs)
    for text in NOTHING:
        (inputs / file).write_text(text)
        found = [str(problem) for problem in check_stacks(inputs, ["acme"]).problems]
        assert any(line.startswith(f"{file}:") and line.endswith(": is empty") for line in found), found


def told(inputs, text):
    """What is said of a stack file, as problems."""
    write_stack(inputs, text)
    return [str(problem) for problem in check_stacks(inputs, ["acme"]).problems]


HIDES_NOTHING = {
    "no servers": ("    servers:\n", "    server:\n", "the key 'servers' is missing; add it"),
    "unknown hub": ("hub: hub", "hub: hubb", "hub: 'hubb' is no hub of provider.yaml"),
    "objectives": (
        "term_months: 12}",
        "term_months: 12, objectives: {urgent: {minutes: 99}}}",
        "contract.objectives: urgent tickets would be answered later (99 minutes) than high ones (60",
    ),
}


@pytest.mark.parametrize("kind", HIDES_NOTHING)
def test_one_fault_does_not_hide_another(inputs, kind):
    old, new, words = HIDES_NOTHING[kind]
    text = STACK.replace(old, new).replace("backup_region: eu-west-1", "backup_region: eu-west-2")
    found = told(inputs, text.replace("t3.large", "t3.metal"))
    assert any(words in line for line in found), found
    assert any("aws.backup_region: is the servers' own region" in line for line in found), found
    assert not any("unknown:" in line for line in found), "that server is in no file"
    if kind != "no servers":
        assert any("'t3.metal' is not in catalogue/instance-types.yaml" in line for line in found), found


TOO_MUCH = {
    "contacts": (
        "      - {name: Alice,",
        "".join(f"      - {{name: A, email: a{n}@acme.example}}\n" for n in range(20))
        + "      - {name: Alice,",
        f"{FILE}:7: contacts: must not be longer than 20",
    ),
    "address": (
        "alice@acme.example,",
        f"{'a' * 109}@acme.example,",
        f"{FILE}:8: contacts[0].email: must not be longer than 120",
    ),
    "minutes": (
        "term_months: 12}",
        "term_months: 12, objectives: {high: {minutes: 100001}}}",
        f"{FILE}:4: contract.objectives.high.minutes: ",
    ),
    "days": (
        "term_months: 12}",
        "term_months: 12, objectives: {normal: {working_days: 101}}}",
        f"{FILE}:4: contract.objectives.normal.working_days: ",
    ),
}


@pytest.mark.parametrize("kind", TOO_MUCH)
def test_more_than_a_hub_takes(inputs, kind):
    old, new, words = TOO_MUCH[kind]
    assert STACK.count(old) == 1
    found = told(inputs, STACK.replace(old, new))
    assert [line[: len(words)] for line in found] == [words], found


def test_a_wrong_item_does_not_make_its_list_empty(inputs):
    [found] = told(inputs, STACK.replace(KEY, KEY[:60]))
    assert found.startswith(f"{FILE}:15: users.alice.keys[0]: ")


def test_what_the_hub_refuses_is_told_of_its_server(inputs, monkeypatch):
    """Whatever it is: here, a customer without anybody who could be told."""
    monkeypatch.setattr(
        proven,
        "build_fragment",
        lambda customer, server: build_fragment(replace(customer, contacts=()), server),
    )
    [found] = told(inputs, STACK)
    assert found.startswith(f"{FILE}:17: servers.web1: the hub would not take it: contacts: ")
