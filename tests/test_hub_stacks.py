"""What a hub's own stack must be, and what no other stack may have."""

import pytest

from managed_server.inputs import load_project
from managed_server.problems import InputError
from managed_server.rendering import render_server
from managed_server.resolve import resolve_stack
from tests.stackfile import STACK, write_stack


@pytest.fixture
def said(inputs):
    """The problems of one changed stack file, as text."""

    def resolve(name, text):
        write_stack(inputs, text, name)
        with pytest.raises(InputError) as error:
            resolve_stack(load_project(inputs), name)
        return "\n".join(str(problem) for problem in error.value.problems)

    return resolve


@pytest.fixture
def hub(root):
    return (root / "stacks/Pulumi.hub.yaml").read_text()


def test_a_customer_has_no_hub_software(said):
    text = said("acme", STACK.replace("[nginx, php]", "[nagios]"))
    assert "Pulumi.acme.yaml:20: servers.web1.software[0]: 'nagios' is for a hub" in text
    assert "provider.yaml has no hub 'acme'" in text


def test_a_hub_is_where_provider_yaml_says(said, hub):
    text = said("hub", hub.replace("210987654321", "111122223333").replace("eu-west-2", "eu-central-1"))
    assert "aws.account_id: '111122223333' is not that of the hub in provider.yaml, '210987654321'" in text
    assert "aws.region: 'eu-central-1' is not that of the hub" in text


def test_a_hub_has_one_server(said, hub):
    server = hub[hub.index("      mon1:") : hub.index("\n# Made by Pulumi")]
    text = said("hub", hub.replace(server, server + server.replace("mon1", "mon2")))
    assert "servers.mon2: a hub's stack has one server" in text


def test_a_hub_is_a_debian_13(said, hub):
    """12 has a Pydantic that doesn't read the schema."""
    text = said("hub", hub.replace("debian: 13", "debian: 12"))
    assert "servers.mon1.debian: 'nagios' has no facts for Debian 12, only for 13" in text


def test_software_outside_the_contracts_list_is_outside_the_sla(root):
    checks = resolve_stack(load_project(root), "hub")[0].servers[0].checks
    assert {check.origin for check in checks if not check.in_sla} == {"ossec-manager"}
    assert {"nagios", "munin"} <= {check.origin for check in checks if check.in_sla}


def test_the_hubs_modules_are_copied_as_they_stand_and_all_of_them(root):
    customer = resolve_stack(load_project(root), "hub")[0]
    files = {f.path: f.content for f in render_server(root / "templates", customer, customer.servers[0])}
    library = "/usr/local/lib/managed-server/hub/lib/"
    copied = {path.removeprefix(library): content for path, content in files.items() if library in path}
    assert {name for name in copied if name.startswith("hub/")} == {
        f"hub/{path.name}" for path in (root / "hub").glob("*.py")
    }
    for name, content in copied.items():
        assert content == (root / name).read_bytes(), name


def test_a_copy_of_what_isnt_there_is_an_error(inputs):
    path = inputs / "catalogue/software/nagios.yaml"
    path.write_text(path.read_text().replace("copy_of: hub/alive.py", "copy_of: hub/alife.py"))
    with pytest.raises(InputError, match=r"nagios\.yaml:\d+: .*there is no file hub/alife\.py"):
        load_project(inputs)


@pytest.mark.parametrize(
    "source", ["../provider.yaml", "provider.yaml", "hub/../provider.yaml", "/etc/passwd"]
)
def test_a_copy_comes_from_the_programs_alone(inputs, source):
    path = inputs / "catalogue/software/nagios.yaml"
    path.write_text(path.read_text().replace("copy_of: hub/alive.py", f"copy_of: {source}"))
    with pytest.raises(InputError, match="copy_of"):
        load_project(inputs)
