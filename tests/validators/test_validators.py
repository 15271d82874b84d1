"""Every validator of the table passes a good file and refuses a broken one; no file goes unclaimed."""

# ruff: noqa: E501  a table reads best with one case a line

from pathlib import Path

import pytest

from managed_server.local.debian.host import DebianError

from .cases import CASES, Files, f
from .server import Finding, validate_server
from .table import Table, Validator, load, parse

pytestmark = pytest.mark.machine


def _of(findings: list[Finding], name: str) -> list[Finding]:
    return [finding for finding in findings if finding.validator == name]


def test_every_validator_has_a_case() -> None:
    assert {validator.name for validator in load().validators} == set(CASES)


@pytest.mark.soak  # in each run all of them together, below
@pytest.mark.parametrize("name", CASES)
def test_good(tree: Path, name: str) -> None:
    findings = validate_server(tree, CASES[name].good, users=CASES[name].users)
    assert _of(findings, name)
    assert [finding for finding in findings if not finding.ok] == []


@pytest.mark.parametrize("name", CASES)
def test_bad(tree: Path, name: str) -> None:
    case = CASES[name]
    findings = _of(validate_server(tree, case.bad, users=case.users), name)
    assert findings
    assert not any(finding.ok for finding in findings)
    assert case.said in findings[-1].output


def test_all_good_files_pass_together(tree: Path) -> None:
    files: dict[str, tuple[bytes, str, str, int]] = {}
    for case in CASES.values():
        files |= case.good
    findings = validate_server(tree, files, users=("alice",), hostname="acme-web1")
    assert [finding for finding in findings if not finding.ok] == []
    assert {finding.path for finding in findings} == set(files)


@pytest.mark.parametrize(
    ("files", "validator", "said"),
    [
        ({"/etc/nagios/nrpe.d/a.cfg": f("command[x]=/usr/lib/nagios/plugins/check_nothing -w 1\n")}, "nrpe", "no such program"),
        ({"/etc/nagios/nrpe.d/a.cfg": f("command[x]=/usr/bin/sudo -n /usr/lib/no\n")}, "nrpe", "no such program: /usr/lib/no"),
        ({"/etc/nagios/nrpe.d/a.cfg": f("server_port=many\n")}, "nrpe", "Invalid port number"),
        ({"/etc/nagios/nrpe.d/a.conf": f("server_port=5666\n")}, "nrpe", "reads only files named"),
        ({"/etc/munin/munin-node.conf": f("allow ^127\\.(\nhost *\nport 4949\n")}, "munin-node", "regular expression"),
        ({"/etc/munin/plugin-conf.d/a": f("[df]\nuser nosuch\n")}, "munin-plugin-config", "no user nosuch"),
        ({"/etc/munin/munin-conf.d/a": f("[acme;web1]\n port 4949\n")}, "munin-hub", "no address: acme;web1"),
        ({"/etc/munin/munin-conf.d/a": f("nonsense x\n")}, "munin-hub", "nonsense"),
        ({"/etc/apt/apt.conf.d/a": f('A::B { "1";\n')}, "apt-conf", "braces don't match"),
        ({"/etc/apt/apt.conf.d/a-upgrade": f("#clear Unattended-Upgrade::Origins-Pattern;\n")}, "unattended-upgrades", "no origin"),
        ({"/etc/sudoers.d/a.conf": f("root ALL=(ALL) ALL\n", mode=0o440)}, "sudoers", "reads only files named"),
        ({"/etc/sudoers.d/a": f("root ALL=(ALL) ALL\n", mode=0o644)}, "sudoers", "bad permissions"),
        ({"/etc/ssh/sshd_config.d/a.conf": f("KeyRegenerationInterval 3\n")}, "sshd", "Deprecated"),
        ({"/etc/systemd/system/a.service": f("[Service]\nExecStart=/no/such\n")}, "systemd-unit", "not executable"),
        ({"/etc/systemd/system/nginx.service.d/a.conf": f("[Service]\nLimitNOFLE=3\n")}, "systemd-unit", "LimitNOFLE"),
        ({"/etc/php/8.4/fpm/conf.d/90-a.ini": f('x = "\n[')}, "php-fpm", "syntax error"),
        ({"/etc/php/8.4/fpm/conf.d/90-a.ini": f("memry_limit = 1M\n")}, "php-directives", "memry_limit"),
        ({"/etc/cron.d/a": f("99 3 * * * root /bin/true\n")}, "cron-d", "bad minute"),
        ({"/etc/cron.d/a": f("9 3 * * * root\n")}, "cron-d", "no command"),
    ],
)  # fmt: skip
def test_other_faults(tree: Path, files: Files, validator: str, said: str) -> None:
    findings = _of(validate_server(tree, files), validator)
    assert any(said in finding.output for finding in findings if not finding.ok), findings


def test_a_file_nobody_claims_is_an_error(tree: Path) -> None:
    findings = validate_server(tree, {"/etc/strange": f("x\n"), "/etc/motd": f("Hello\n")})
    assert [(finding.path, finding.ok) for finding in findings] == [
        ("/etc/motd", True),
        ("/etc/strange", False),
    ]
    assert "no validator claims it" in findings[1].output


def test_links(tree: Path) -> None:
    links = {"/etc/munin/plugins/load": "/usr/share/munin/plugins/load", "/etc/munin/plugins/x": "/no/such"}
    findings = validate_server(tree, {}, links=links)
    assert [(finding.path, finding.ok) for finding in findings] == [
        ("/etc/munin/plugins/load", True),
        ("/etc/munin/plugins/x", False),
    ]


def test_a_validator_whose_program_is_missing_fails(tree: Path) -> None:
    table = Table((), (Validator("absent", "^/etc/x$", run="no-such-program"),))
    findings = validate_server(tree, {"/etc/x": f("")}, table=table)
    assert [(finding.ok, "(exit 127)" in finding.output) for finding in findings] == [(False, True)]


def test_a_failing_preparation_is_an_error(tree: Path) -> None:
    table = Table(("false",), (Validator("any", ".", run="true"),))
    with pytest.raises(DebianError, match="preparing"):
        validate_server(tree, {"/etc/x": f("")}, table=table)


def test_packages_of_what_is_needed_only() -> None:
    assert load().packages({"/etc/nftables.conf": b""}) == ["nftables"]
    assert load().packages({"/usr/local/bin/x": b"#!/bin/sh\n"}) == ["shellcheck"]
    assert "munin" in load().packages()


@pytest.mark.parametrize(
    "document",
    [
        {"prepare": [], "validators": {}},
        {"prepare": [], "validators": {"x": {"files": "("}}, "unvalidated": []},
        {"prepare": [], "validators": {"x": {"files": "."}}, "unvalidated": []},
        {"prepare": [], "validators": {"x": {"files": "(", "run": "true"}}, "unvalidated": []},
        {"prepare": [], "validators": {}, "unvalidated": [{"files": ".", "reason": ""}]},
    ],
)
def test_a_wrong_table_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(Exception, match=r"keys|one of|reason|unterminated"):
        parse(document)
