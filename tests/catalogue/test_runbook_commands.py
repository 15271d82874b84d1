"""What runbook pages name is there: programs, units, files, ports, settings; and looking changes nothing."""

import pytest

from tests.catalogue.runbook_facts import READS, TABLE, Facts, facts_of
from tests.catalogue.runbook_faults import line_faults, span_faults
from tests.runbooks import LOOK, PLACEHOLDER, Page, commands, pages, start

ALL = [start(), *pages()]


def of_lines(page: Page, facts: Facts) -> dict[str, list[str]]:
    faults = {line.text: line_faults(facts, line.text, desk=line.place == "desk") for line in page.lines}
    return {text: said for text, said in faults.items() if said}


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_what_blocks_name_is_there(page):
    assert page.lines
    assert of_lines(page, facts_of(page)) == {}


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_what_is_named_between_words_is_there(page):
    facts = facts_of(page)
    faults = {span: span_faults(facts, span) for span in page.spans()}
    assert {span: said for span, said in faults.items() if said} == {}


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_looking_changes_nothing_and_says_where(page):
    """On a server or hub it can be typed as it stands, too: nothing has to be replaced."""
    looks = [line for line in page.lines if line.part.startswith(LOOK)]
    assert looks
    for line in looks:
        assert line.place, f"say where: On the server, On the hub, At your desk: {line.text}"
        assert line.place == "desk" or not PLACEHOLDER.search(line.text), line.text
        for command in commands(line.text):
            assert READS.match(" ".join(command)), f"does it change anything? {command}"


def test_no_fact_of_the_table_is_idle():
    text = "\n".join(page.text for page in ALL)
    programs = [
        name for group in ("every_debian", "servers") for names in TABLE[group].values() for name in names
    ]
    paths = [path for paths in TABLE["paths"].values() for path in paths]
    assert [name for name in [*programs, *TABLE["desk"], *paths] if name not in text] == []


@pytest.fixture(scope="module")
def web():
    [page] = [page for page in ALL if page.name == "web"]
    return facts_of(page)


WRONG = {
    "ngnix -t": "ngnix: no package of these servers has it",
    "slapcat -n 2": "slapcat: no package of these servers has it",
    "redis-cli ping": "redis-cli: no package of these servers has it",
    "systemctl status nginx php8.4-fpm": "systemctl: there is no unit php8.4-fpm",
    "journalctl -u manged-fetch -n 5": "journalctl: there is no unit manged-fetch",
    "systemctl list-timers 'manged-*'": "systemctl: there is no unit manged-*",
    "tail /var/log/nginx/errors.log | head": "no entry or template has /var/log/nginx/errors.log",
    "cat /var/lib/managed-server/heartbeat/convergence": (
        "no entry or template has /var/lib/managed-server/heartbeat/convergence"
    ),
    'ls -l "$(cat /etc/nginx/nginx.config)"': "no entry or template has /etc/nginx/nginx.config",
    "curl -s http://127.0.0.1:8191/nginx-status": "nothing listens on 8191",
    "curl -s http://127.0.0.1:8190/nginx-stat": "no entry or template has /nginx-stat",
    "ss -ltn 'sport = :8443'": "nothing listens on 8443",
    "nft list table inet manged": "nft: no manged in the rules",
    "/usr/local/sbin/restor all": "/usr/local/sbin/restor: no package of these servers has it",
    "managed-acknowledge HOST": "managed-acknowledge: no package of these servers has it",
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_line_is_found(web, line):
    assert WRONG[line] in line_faults(web, line, desk=False)


WRONG_AT_THE_DESK = {
    "managed restor CUSTOMER SERVER": "managed restor: there is no such command",
    "managed restore CUSTOMER SERVER --file X": "managed restore: No such option: --file",
    "managed restore CUSTOMER": "managed restore: Missing argument",
    "aws ec2 describe-instance": "aws: ec2 has no describe-instance",
    "aws ec2 describe-instances --instance INSTANCE": "aws: ec2 describe-instances has no --instance",
    "pulumi up -s CUSTOMER": "pulumi up without the policies",
    "nft list ruleset": "nft: no package of these servers has it",
}


@pytest.mark.parametrize("line", WRONG_AT_THE_DESK)
def test_a_wrong_line_at_the_desk_is_found(web, line):
    faults = line_faults(web, line, desk=True)
    assert any(fault.startswith(WRONG_AT_THE_DESK[line]) for fault in faults), faults


@pytest.mark.parametrize(
    "span", ["worker_connection", "access.ssh_form", "/etc/nginx/customers.d", "nginx.conf"]
)
def test_a_wrong_word_is_found(web, span):
    assert span_faults(web, span)


@pytest.mark.parametrize(
    "line",
    [
        "systemctl restart nginx",
        "mysql -e 'DROP DATABASE a'",
        "nft flush ruleset",
        "curl -X POST 127.0.0.1:9200/a",
        "journalctl --vacuum-size=1M",
        "managed-converge",
        "aws ec2 reboot-instances --instance-ids INSTANCE",
    ],
)
def test_what_changes_something_is_no_looking(line):
    assert not any(READS.match(" ".join(command)) for command in commands(line))
