"""What `managed retire` finds of a server in a state is what the program makes of it, and nothing else."""

from managed_server.leaving import State
from tests import factories
from tests.components.conftest import environment
from tests.components.test_secrets import SECRET


def exported(recorded):
    """As Pulumi exports it: URNs end in the name, which is all that tells resources apart here."""
    assert len({each.name for each in recorded.resources}) == len(recorded.resources)
    made = [
        {
            "urn": f"urn::{each.name}",
            "type": each.type,
            "custom": each.custom,
            "parent": f"urn::{each.parent}",
            "inputs": each.inputs,
        }
        for each in recorded.resources
    ]
    return State("acme", made)


def test_everything_of_a_server_is_found_and_nothing_of_one_whose_name_begins_alike():
    web = factories.server("web", peers=("web-2",), data=factories.DATA, secrets=(SECRET,))
    far = factories.server("far", hosting="elsewhere", address="192.0.2.3", secrets=(SECRET,))
    alike = (factories.server("web-2"), factories.server("far-2", hosting="elsewhere", address="192.0.2.4"))
    whole = exported(environment(web, far, *alike))
    for gone, stays in ((web, far), (far, web)):
        left = {each["urn"] for each in exported(environment(stays, *alike)).resources}
        of_it = {each["urn"] for each in whole.resources if each["custom"]} - left
        assert {each["urn"] for each in whole.remaining((gone.name,))} == of_it
