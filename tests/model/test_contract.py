"""The contract as data: what the file says, and what the models refuse."""

import copy
import datetime
import hashlib
import itertools
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from managed_server.loading import read_yaml, validate
from managed_server.model.contract import AgreedObjectives, Contract, Priority

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "contract" / "enhanced-sla.yaml"

LINES = [
    "nightly-offsite-backups",
    "nightly-local-dumps",
    "nagios-monitoring",
    "munin-monitoring",
    "cloudwatch-monitoring",
    "managed-firewalls",
    "security-groups",
    "intrusion-protection",
    "antivirus-rootkit",
    "unlimited-accounts",
    "self-service-users",
    "sudo-for-administrators",
    "linux-updates",
    "security-patching",
    "configuration-management",
    "infrastructure-as-code",
    "ticketing",
    "active-response",
    "ticket-telephone-response",
    "optional-software",
    "response-objectives",
]
SUPPORTED = [
    "debian",
    "haproxy",
    "varnish",
    "apache",
    "nginx",
    "php",
    "fastcgi",
    "nodejs",
    "python",
    "redis",
    "memcached",
    "percona",
    "mysql-mmm",
    "elasticsearch",
    "solr",
    "gitlab",
    "jenkins",
    "openldap",
    "nagios",
    "munin",
    "named",
    "openvpn",
    "tomcat",
]

# sha256 of the name (its second word, both joined, both apart) and of a telephone number's last eight digits
# that must not stand in the file: the hashes keep them out of this one as well.
FORBIDDEN = {
    "67a4f45f0d1d9bc606486fc42dc4941668e71d34ee500735fe9b7ea4625c687c",
    "50fe53b3f95235957809ee40bb7663165e941ddb86e8157abaa9e63c9128f756",
    "a3fee89082af9d0cac261a57c4aeb142d06c5db0f5dc01a8c512fd08090efba3",
    "5e6e402dacf797ad1f5dd16d9c6b33db866c68cb53161b0846a19ab2d9aff2f6",
}
PHONE_DIGITS = 8


@pytest.fixture(scope="module")
def raw() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def contract(raw: dict[str, Any]) -> Contract:
    return Contract.model_validate(raw)


def hits(text: str, forbidden: set[str]) -> list[str]:
    """Return the words, pairs of words and parts of telephone numbers whose sha256 is forbidden."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    numbers = [re.sub(r"\D", "", number) for number in re.findall(r"\d[\d \t().-]{6,}\d", text)]
    candidates = [
        *words,
        *(" ".join(pair) for pair in itertools.pairwise(words)),
        *(n[i : i + PHONE_DIGITS] for n in numbers for i in range(len(n) - PHONE_DIGITS + 1)),
    ]
    return [c for c in candidates if hashlib.sha256(c.encode()).hexdigest() in forbidden]


def test_no_real_name_address_or_number() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert len(FORBIDDEN) == 4
    assert hits(text, FORBIDDEN) == []
    assert "@" not in text
    assert not re.search(r"https?:|\+\d|£", text)


def test_the_search_for_names_finds_them() -> None:
    needles = {hashlib.sha256(n.encode()).hexdigest() for n in ("acme widgets", "acmewidgets", "79460000")}
    assert hits("Ask ACME\n  Widgets", needles) == ["acme widgets"]
    assert hits("help@acmewidgets.example", needles) == ["acmewidgets"]
    assert hits("call +44 (0)20 7946 0000.", needles) == ["79460000"]
    assert hits("acme, and other widgets", needles) == []


def test_the_loader_reads_the_file_without_a_problem(contract: Contract) -> None:
    document = read_yaml(FILE, ROOT)
    assert validate(document, Contract) == contract
    assert document.problems == []


def test_lines(contract: Contract) -> None:
    assert [line.id for line in contract.lines] == LINES
    assert len(LINES) == 21
    assert {line.id for line in contract.lines if line.aws_only} == {
        "cloudwatch-monitoring",
        "security-groups",
        "infrastructure-as-code",
    }
    assert {line.id for line in contract.lines if line.enhanced} == {
        "active-response",
        "ticket-telephone-response",
        "response-objectives",
    }
    assert {line.id for line in contract.lines if line.scope == "customer"} == {
        "self-service-users",
        "ticketing",
        "active-response",
        "ticket-telephone-response",
        "response-objectives",
    }
    assert [line.id for line in contract.lines if line.deviation] == ["infrastructure-as-code"]
    assert "Pulumi instead of Terraform" in str(contract.line("infrastructure-as-code").deviation)
    with pytest.raises(KeyError):
        contract.line("no-such-line")


def test_supported_software(contract: Contract) -> None:
    assert [item.id for item in contract.supported_software] == SUPPORTED
    assert len(SUPPORTED) == 23
    words = {item.id: item.text for item in contract.supported_software}
    assert words["elasticsearch"] == "Elasticsearch (and Kibana)"
    assert words["solr"] == "Apache Solr (base package only)"
    assert words["percona"] == "Percona (MySQL)"


def test_fees_and_term(contract: Contract) -> None:
    fees = contract.fees
    assert (fees.currency, fees.taxes) == ("GBP", "excluded")
    assert (fees.set_up.amount, fees.management.amount, fees.hourly.amount) == (200, 250, 100)
    assert fees.volume_surcharge_over_gb == 100
    assert {use.rule: use.minimum_hours for use in fees.hourly.applies_to} == {
        "out-of-scope-requests": 1,
        "individual-file-restores": 1,
        "erroneous-reports": None,
    }
    assert contract.term.minimum_months == 12


def test_downtime_is_derived(contract: Contract) -> None:
    assert contract.sla.uptime_percent == Decimal("99.9")
    assert contract.sla.allowed_downtime(30) == datetime.timedelta(minutes=43, seconds=12)
    assert contract.sla.allowed_downtime(31) == datetime.timedelta(minutes=44, seconds=38, milliseconds=400)
    tighter = contract.sla.model_copy(update={"uptime_percent": Decimal("99.99")})
    assert tighter.allowed_downtime(365) == datetime.timedelta(minutes=52, seconds=33, milliseconds=600)
    with pytest.raises(ValueError, match="0 days"):
        contract.sla.allowed_downtime(0)


def test_exclusions(contract: Contract) -> None:
    kinds = [(exclusion.kind, exclusion.id) for exclusion in contract.sla.exclusions]
    assert kinds == [
        ("root-cause", "excluded-other-software"),
        ("root-cause", "excluded-customer"),
        ("root-cause", "excluded-third-party"),
        ("not-covered", "excluded-unsupported-software"),
        ("not-covered", "excluded-supplier-availability"),
    ]


def test_priorities(contract: Contract) -> None:
    found = {
        p: (
            (terms := contract.priority(p)).objective.minutes_or_none,
            terms.phone.general_paragraph,
            terms.phone.own_section,
            terms.escalation.route,
            terms.escalation.hours,
            len(terms.examples),
            len(terms.before_reporting),
        )
        for p in Priority
    }
    assert found == {
        Priority.URGENT: (15, True, True, "page", "24x7", 4, 3),
        Priority.HIGH: (60, True, True, "page", "24x7", 3, 3),
        Priority.NORMAL: (None, False, True, "ticket", "uk-working-hours", 4, 3),
        Priority.LOW: (None, False, False, "ticket", "uk-working-hours", 4, 0),
    }
    normal = contract.priority(Priority.NORMAL).objective
    assert normal.model_dump() == {"kind": "working-day", "days": 1, "calendar": "uk"}
    assert contract.priority(Priority.LOW).objective.kind == "scheduled"
    articulate = contract.priority(Priority.HIGH).before_reporting[-1]
    assert [item.id for item in articulate.items] == ["high-where", "high-expected", "high-experienced"]


def test_boundary(contract: Contract) -> None:
    assert [item.id for item in contract.boundary.in_scope] == [
        "scope-software-failure",
        "scope-patching",
        "scope-configuration",
        "scope-security",
        "scope-backup-restoration",
    ]
    assert len(contract.additional_options) == 4


def test_ids_are_unique_and_none_is_missed(raw: dict[str, Any], contract: Contract) -> None:
    written: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            written.extend([value["id"]] if "id" in value else [])
            for child in value.values():
                walk(child)
        elif isinstance(value, list):
            for child in value:
                walk(child)

    walk(raw)
    assert sorted(written) == sorted(contract.ids)
    assert len(set(written)) == len(written)


def test_agreed_objectives(contract: Contract) -> None:
    standard = contract.objectives_for(AgreedObjectives())
    assert [o.minutes_or_none for o in standard.values()] == [15, 60, None, None]
    agreed = AgreedObjectives.model_validate({"urgent": {"minutes": 10}, "normal": {"working_days": 2}})
    found = contract.objectives_for(agreed)
    assert list(found) == list(Priority)
    assert [found[p].minutes_or_none for p in Priority] == [10, 60, None, None]
    assert found[Priority.NORMAL].model_dump() == {"kind": "working-day", "days": 2, "calendar": "uk"}
    weaker = AgreedObjectives.model_validate({"urgent": {"minutes": 60}})
    assert contract.objectives_for(weaker)[Priority.URGENT].minutes_or_none == 60
    later = AgreedObjectives.model_validate({"high": {"minutes": 240}})
    assert contract.objectives_for(later)[Priority.HIGH].minutes_or_none == 240


def test_the_telephone_follows_the_objective(contract: Contract) -> None:
    agreed = AgreedObjectives.model_validate({"urgent": {"minutes": 10}})
    after = {p: contract.phone_after(p, agreed) for p in Priority}
    assert [o.minutes_or_none if o else o for o in after.values()] == [10, 60, None, None]
    assert after[Priority.NORMAL] == contract.priority(Priority.NORMAL).objective
    assert after[Priority.LOW] is None


@pytest.mark.parametrize(
    "bad",
    [
        {"urgent": {"minutes": 0}},
        {"urgent": {"minutes": "10"}},
        {"urgent": {"working_days": 1}},
        {"urgent": {"minutes": 61}, "high": {"minutes": 60}},
        {"normal": {"minutes": 240}},
        {"low": {"minutes": 240}},
    ],
    ids=str,
)
def test_bad_agreed_objectives(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AgreedObjectives.model_validate(bad)


def test_an_agreed_objective_must_fit_those_that_stay(contract: Contract) -> None:
    with pytest.raises(ValueError, match=r"61 minutes.*60 minutes"):
        contract.objectives_for(AgreedObjectives.model_validate({"urgent": {"minutes": 61}}))
    with pytest.raises(ValueError, match=r"15 minutes.*14 minutes"):
        contract.objectives_for(AgreedObjectives.model_validate({"high": {"minutes": 14}}))


def put(*path: str | int, value: Any) -> Callable[[Any], None]:
    """Make a mutation that sets one value."""

    def mutate(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        data[path[-1]] = value

    return mutate


def drop(*path: str | int) -> Callable[[Any], None]:
    """Make a mutation that deletes one value."""

    def mutate(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        del data[path[-1]]

    return mutate


@pytest.mark.parametrize(
    ("mutate", "message"),
    [
        (
            put("lines", 1, "id", value="nightly-offsite-backups"),
            r"stands twice: at lines\[0\] and at lines\[1\]",
        ),
        (put("boundary", "rules", 0, "id", value="nagios"), r"'nagios' stands twice: at supported_software"),
        (put("priorities", 1, "before_reporting", 2, "items", 0, "id", value="urgent-phone"), "stands twice"),
        (put("lines", 0, "id", value="Nightly Backups"), "is not an id"),
        (put("surprise", value=1), "Extra inputs"),
        (put("lines", 0, "surprise", value=1), "Extra inputs"),
        (put("priorities", 0, "objective", "days", value=1), "Extra inputs"),
        (drop("priorities", 2), "each once, in this order"),
        (drop("boundary"), "Field required"),
        (drop("lines", 0, "text"), "Field required"),
        (put("priorities", 0, "id", value="high"), "each once, in this order"),
        (put("priorities", 0, "id", value="critical"), "Input should be 'urgent'"),
        (put("priorities", 0, "objective", "minutes", value=60), "shorter than that of high"),
        (put("priorities", 0, "objective", "minutes", value=61), "shorter than that of high"),
        (put("priorities", 0, "objective", "minutes", value=0), "greater than or equal to 1"),
        (put("priorities", 0, "objective", "minutes", value="15"), "valid integer"),
        (put("priorities", 0, "objective", "kind", value="soon"), "does not match any of the expected tags"),
        (put("priorities", 0, "objective", value={"kind": "scheduled"}), "needs an escalation 24x7"),
        (
            put("priorities", 2, "objective", value={"kind": "clock", "minutes": 90}),
            "needs an escalation 24x7",
        ),
        (put("priorities", 0, "escalation", "hours", value="uk-working-hours"), "a page goes to"),
        (put("priorities", 0, "escalation", "to", value="support-team"), "a page goes to"),
        (drop("priorities", 0, "phone", "after"), "after: objective belongs to"),
        (put("priorities", 3, "phone", "after", value="objective"), "after: objective belongs to"),
        (put("fees", "set_up", "amount", value=200.0), "valid integer"),
        (put("fees", "set_up", "charged", value="monthly-per-server"), "set_up is charged once"),
        (put("fees", "taxes", value="included"), "Input should be 'excluded'"),
        (put("fees", "currency", value="pounds"), "should match pattern"),
        (put("fees", "hourly", "applies_to", 0, "rule", value="other"), "not among the rules"),
        (put("fees", "surcharge", "line", value="other"), "not among the lines"),
        (put("sla", "uptime_percent", value=100), "less than 100"),
        (put("sla", "uptime_percent", value=True), "Decimal input"),
        (put("sla", "credit", "for", 0, value="other"), "neither a line nor"),
        (put("lines", 0, "enhanced", value=True), "needs enhanced_source"),
        (put("lines", 0, "enhanced", value="no"), "valid boolean"),
        (drop("lines", 17, "enhanced_source"), "needs enhanced_source"),
        (put("lines", 4, "scope", value="customer"), "write scope: server"),
        (put("lines", 0, "text", value="two\nlines"), "one line of text"),
    ],
)
def test_bad_contracts(raw: dict[str, Any], mutate: Callable[[Any], None], message: str) -> None:
    data = copy.deepcopy(raw)
    mutate(data)
    with pytest.raises(ValidationError, match=message):
        Contract.model_validate(data)


def test_nothing_changes_after_loading(contract: Contract) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        contract.fees.set_up.amount = 1
