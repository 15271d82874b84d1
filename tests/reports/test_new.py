"""``managed new``: a whole, right and commented stack file, or nothing."""

import os
import pty
import subprocess
import sys

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from managed_server.inputs import load_project, load_stack
from managed_server.loading import read_yaml
from managed_server.problems import InputError
from managed_server.reports import new
from managed_server.reports.check import check_stacks
from managed_server.reports.new import command_line, new_stack, yaml_text
from managed_server.reports.new_questions import flag, questions
from managed_server.reports.schema import schema_for
from tests.conftest import copy_inputs
from tests.stackfile import KEY, STACK, write_stack
from tests.test_cli import managed

GIVEN = {
    "name": ("Acme Widgets Ltd",),
    "start": ("2026-12-01",),
    "account_id": ("123456789012",),
    "backup_region": ("eu-west-1",),
    "contact_name": ("Alice",),
    "contact_email": ("alice@acme.example",),
    "server": ("web1",),
    "instance_type": ("t3.large",),
    "disk_gb": ("80",),
    "software": ("nginx, php",),
}
EVERYTHING = {
    **GIVEN,
    "name": ('Acme: "Widgets" & Söhne # 1',),
    "term_months": ("24",),
    "hub": ("hub",),
    "region": ("eu-central-1",),
    "contact_phone": ("+44 20 7946 0000",),
    "ssh_from": ("203.0.113.0/24,2001:db8:1::/48",),
    "admin": (f"alice={KEY}", "alice=" + KEY.replace("alice@acme.example", "her other's: {key} #2")),
    "user": (f"on={KEY}",),
    "hosting": ("aws",),
    "data_gb": ("50",),
    "debian": ("12",),
    "setting": ("php.memory_limit_mb=192", "php.pm=static"),
    "site": ("www.acme.example", "shop.acme.example"),
    "unsupported_package": ("imagemagick",),
    "maintenance_day": ("monday",),
    "maintenance_time": ("13:00",),
    "maintenance_reboot": ("never",),
}
ELSEWHERE = {
    **{key: value for key, value in EVERYTHING.items() if key not in ("instance_type", "data_gb")},
    "hosting": ("elsewhere",),
    "address": ("web1.acme.example",),
    "private_address": ("10.1.2.3",),
    "vcpus": ("4",),
    "memory_mb": ("8192",),
    "architecture": ("arm64",),
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    return copy_inputs(tmp_path_factory.mktemp("new") / "inputs")


@pytest.fixture
def project(repository):
    """The project; what a test made is taken away."""
    before = set((repository / "stacks").iterdir())
    yield load_project(repository)
    for path in set((repository / "stacks").iterdir()) - before:
        path.unlink()


def refused(project, stack="acme", **changes):
    """Return what is said of wrong answers, having made sure that nothing is left of them."""
    before = sorted((project.root / "stacks").iterdir())
    answers = {key: value for key, value in {**GIVEN, **changes}.items() if value is not None}
    with pytest.raises(InputError) as error:
        new_stack(project, stack, answers, None)
    assert sorted((project.root / "stacks").iterdir()) == before
    return [str(problem) for problem in error.value.problems]


@pytest.mark.usefixtures("a_day")
def test_defaults_come_from_the_files(project):
    path, warnings = new_stack(project, "acme", GIVEN, None)
    _, customer = load_stack(project.root, "acme")
    assert path == project.root / "stacks/Pulumi.acme.yaml"
    assert warnings == ()
    assert customer.contract.term_months == project.contract.term.minimum_months
    assert customer.hub in project.provider.hubs
    assert customer.aws.region == project.provider.hubs[customer.hub].region
    assert customer.users == {}
    assert path.stat().st_mode & 0o777 == 0o666 & ~current_umask()


def current_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_every_answer_arrives_as_it_was_given(project):
    setting = next(iter(project.software["nginx"].general.settings.items()))
    answers = {
        **EVERYTHING,
        "setting": (*EVERYTHING["setting"], f"nginx.{setting[0]}={setting[1].default}"),
    }
    path, _ = new_stack(project, "acme", answers, None)
    _, customer = load_stack(project.root, "acme")
    server = customer.servers["web1"]
    assert customer.name == EVERYTHING["name"][0]
    assert (str(customer.contract.start), customer.contract.term_months) == ("2026-12-01", 24)
    assert (customer.aws.region, customer.aws.backup_region) == ("eu-central-1", "eu-west-1")
    assert customer.contacts[0].phone == "+44 20 7946 0000"
    assert [str(network) for network in customer.access.ssh_from] == ["203.0.113.0/24", "2001:db8:1::/48"]
    assert {name: user.admin for name, user in customer.users.items()} == {"alice": True, "on": False}
    assert customer.users["alice"].keys[1].endswith("her other's: {key} #2")
    assert (server.debian, server.disk_gb, server.software) == (12, 80, ("nginx", "php"))
    assert server.settings["php"] == {"memory_limit_mb": 192, "pm": "static"}
    assert server.settings["nginx"] == {setting[0]: setting[1].default}
    assert server.sites == ("www.acme.example", "shop.acme.example")
    assert server.unsupported_packages == ("imagemagick",)
    assert server.maintenance.model_dump() == {"day": "monday", "time": "13:00", "reboot": "never"}
    asked = {question.key for question in questions(project, "acme")}
    assert {*EVERYTHING, *ELSEWHERE} == asked, "a question is not among those tried here"
    data = read_yaml(path, project.root).data
    assert list(jsonschema.Draft7Validator(schema_for("stack")).iter_errors(data)) == []


def test_a_server_that_is_hosted_elsewhere(project):
    path, _ = new_stack(project, "acme", ELSEWHERE, None)
    server = load_stack(project.root, "acme")[1].servers["web1"]
    assert (server.hosting, server.instance_type, server.disk_gb) == ("elsewhere", None, 80)
    assert (server.address, server.private_address) == ("web1.acme.example", "10.1.2.3")
    assert server.machine.model_dump() == {"vcpus": 4, "memory_mb": 8192, "architecture": "arm64"}
    data = read_yaml(path, project.root).data
    assert list(jsonschema.Draft7Validator(schema_for("stack")).iter_errors(data)) == []


def test_answers_for_another_hosting_are_refused(project):
    said = refused(project, hosting=("elsewhere",), disk_gb=None)
    assert "managed new: --instance-type: is for a server with --hosting aws alone" in said
    assert "managed new: --address: is missing" in said
    assert "managed new: --vcpus: is missing" in said
    (problem,) = refused(project, address=("198.51.100.20",))
    assert problem == "managed new: --address: is for a server with --hosting elsewhere alone"


def test_the_comments_hold_what_the_contract_says(project):
    path, _ = new_stack(project, "acme", GIVEN, None)
    commented = "# objectives: "
    text = path.read_text()
    assert commented in text
    path.write_text(text.replace(commented, "objectives: "))
    _, customer = load_stack(project.root, "acme")
    agreed = project.contract.objectives_for(customer.contract.objectives)
    assert agreed == {terms.id: terms.objective for terms in project.contract.priorities}
    assert f"over {project.contract.fees.surcharge.over_gb}: " in text


def test_a_hubs_own_stack(project):
    (project.root / "stacks/Pulumi.hub.yaml").rename(project.root / "hub.yaml")
    try:
        given_ = {**GIVEN, "account_id": None, "software": ("nagios,munin",), "server": ("mon1",)}
        given_ = {key: value for key, value in given_.items() if value}
        new_stack(project, "hub", given_, None)
        _, customer = load_stack(project.root, "hub")
        assert customer.aws.account_id == project.provider.hubs["hub"].account_id
    finally:
        (project.root / "hub.yaml").rename(project.root / "stacks/Pulumi.hub.yaml")


def test_all_that_is_missing_or_wrong_is_said_at_once(project):
    said = "\n".join(refused(project, name=None, start=("soon",), disk_gb=("big",), software=("ngnix",)))
    assert "managed new: --name: is missing" in said
    assert "managed new: --start: 'soon' is not a date" in said
    assert "managed new: --disk-gb: 'big' is no whole number" in said
    assert "managed new: --software: 'ngnix' is not known; did you mean nginx?" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"term_months": ("6",)}, "--term-months: 6 months is below the contract's minimum of 12"),
        ({"hub": ("hob",)}, "--hub: 'hob' is not known; did you mean hub?"),
        ({"account_id": ("123",)}, "--account-id: '123' is not an AWS account id"),
        ({"ssh_from": ("0.0.0.0/0",)}, "--ssh-from: 0.0.0.0/0 opens an administrative port to the world"),
        ({"user": ("alice",)}, "--user: 'alice' is no account; write name=key"),
        ({"user": ("alice=ssh-ed25519 AAAA",)}, "--user: alice: its body"),
        ({"user": (f"bob={KEY}",), "admin": (f"bob={KEY}",)}, "--user: 'bob' is an administrator already"),
        ({"setting": ("php.pm",)}, "--setting: 'php.pm' is no setting"),
        ({"setting": ("phq.pm=static",)}, "--setting: 'phq' is not in the catalogue; did you mean php?"),
        ({"setting": ("php.mp=static",)}, "--setting: php has no setting 'mp'"),
        ({"setting": ("php.memory_limit_mb=1",)}, "--setting: php.memory_limit_mb: 1 is below"),
        ({"setting": ("php.memory_limit_mb=x",)}, "--setting: php.memory_limit_mb: 'x' is not of type int"),
        ({"disk_gb": ("4",)}, "--disk-gb: "),
        ({"debian": ("7",)}, "--debian: '7' is not known"),
        ({"software": ("nagios",)}, "--software: 'nagios' is not known"),
        ({"software": (" ",)}, "--software: is missing; one of "),
    ],
)
def test_an_answer_that_is_wrong_by_itself(project, changes, said):
    (problem,) = refused(project, **changes)
    assert problem.startswith(f"managed new: {said}")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"software": ("php",)}, "servers.web1.software[0]: 'php' requires 'apache' or 'nginx'"),
        ({"backup_region": ("eu-west-2",)}, "aws.backup_region: is the servers' own region"),
        ({"user": (f"backup={KEY}",)}, "users.backup: 'backup' is reserved"),
        ({"setting": ("redis.port=7000",)}, "servers.web1.settings.redis: the server has no 'redis'"),
    ],
)
def test_what_the_check_refuses_is_not_written(project, changes, said):
    assert any(
        problem.startswith(f"stacks/Pulumi.acme.yaml: {said}") for problem in refused(project, **changes)
    )


def test_a_template_that_is_wrong_leaves_nothing(project):
    template = project.root / "templates/stack/Pulumi.customer.yaml.j2"
    before = template.read_text()
    try:
        template.write_text(before + "{{ nothing }}\n")
        (problem,) = refused(project)
        assert problem.startswith("templates/stack/Pulumi.customer.yaml.j2:")
    finally:
        template.write_text(before)


def test_two_servers_of_one_name_at_the_hub_are_refused(project):
    other = STACK.replace("      web1:", "      b-c:").replace("123456789012", "345678901234")
    write_stack(project.root, other, name="aa")
    assert any("the hub would know it as aa-b-c" in said for said in refused(project, "aa-b", server=("c",)))


@pytest.mark.usefixtures("a_day")
def test_faults_of_other_stacks_are_not_this_ones(project):
    for name, account in (("ac", "345678901234"), ("ac-me-too", "456789012345")):
        text = STACK.replace("nginx", "ngnix").replace("123456789012", account)
        write_stack(project.root, text, name=name)
    _, warnings = new_stack(project, "ac-me", GIVEN, None)
    assert warnings == ()


def test_it_never_overwrites(project):
    path, _ = new_stack(project, "acme", GIVEN, None)
    before = path.read_bytes()
    assert refused(project) == ["stacks/Pulumi.acme.yaml: exists already; edit it, or choose another id"]
    assert path.read_bytes() == before


def test_nor_what_somebody_puts_there_meanwhile(project, monkeypatch):
    path = project.root / "stacks/Pulumi.acme.yaml"

    def check_and_be_overtaken(root, stacks, drafts=None):
        found = check_stacks(root, stacks, drafts)
        path.write_text("precious")
        return found

    monkeypatch.setattr(new, "check_stacks", check_and_be_overtaken)
    with pytest.raises(InputError, match="exists already"):
        new_stack(project, "acme", GIVEN, None)
    assert path.read_text() == "precious"
    assert not list((project.root / "stacks").glob(".*"))


@pytest.mark.parametrize("stack", ["Acme", "a", "../acme", "acme.", "x" * 30])
def test_a_wrong_id_is_said_before_anything_else(project, stack):
    assert "is not a customer id" in refused(project, stack, name=None)[0]


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc", "Cf", "Zl", "Zp")), min_size=1))
def test_any_text_is_read_as_it_was_written(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "text.yaml"
    path.write_text(f"{yaml_text(text)}: [{yaml_text(text)}, {{a: {yaml_text(text)}}}]\n")
    document = read_yaml(path, path.parent)
    assert document.problems == []
    assert document.data == {text: [text, {"a": text}]}


def options(answers):
    return [f"{flag(key)}={text}" for key, texts in answers.items() for text in texts]


def test_the_command_without_a_terminal(inputs):
    done = managed("new", "acme", "--root", inputs, *options(GIVEN))
    assert done.returncode == 0, done.stderr
    assert "managed show acme" in done.stdout
    assert managed("check", "acme", "--root", inputs).returncode == 0
    done = managed("new", "other", "--root", inputs)
    assert done.returncode == 2
    assert "managed new: --name: is missing" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def at_a_terminal(inputs, *arguments, answers):
    """Run the command with a terminal as its input, on which these answers are typed."""
    ours, its = pty.openpty()
    try:
        os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
        return subprocess.run(
            [sys.executable, "-m", "managed_server.cli", *map(str, arguments), "--root", inputs],
            stdin=its,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    finally:
        os.close(ours)
        os.close(its)


def test_the_command_asks(inputs):
    answers = [
        "Acme Widgets Ltd", "soon", "2026-12-01", "", "", "123456789012", "", "eu-west-1", "Alice",
        "alice@acme.example", "", "", f"alice={KEY}", "", "", "web1", "", "t3.huge", "t3.large", "80", "",
        "", "nginx", "", "", "", "", "", "",
    ]  # fmt: skip
    done = at_a_terminal(inputs, "new", "acme", answers=answers)
    assert done.returncode == 0, done.stderr
    assert "'soon' is not a date" in done.stderr
    assert "'t3.huge' is not known" in done.stderr
    _, customer = load_stack(inputs, "acme")
    assert customer.users["alice"].admin
    assert customer.servers["web1"].instance_type == "t3.large"


def test_answers_that_turn_out_wrong_need_not_be_typed_again(inputs):
    given_ = {key: value for key, value in GIVEN.items() if key != "backup_region"}
    rest = [*("" for _ in range(3)), "eu-west-2", *("" for _ in range(13))]
    done = at_a_terminal(inputs, "new", "acme", *options(given_), answers=rest)
    assert done.returncode == 2
    assert "aws.backup_region: is the servers' own region" in done.stderr
    assert command_line("acme", {**given_, "backup_region": ("eu-west-2",)}).split()[-1] in done.stderr
    assert not (inputs / "stacks/Pulumi.acme.yaml").exists()
