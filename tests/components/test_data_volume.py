"""A server's volume for data: what it is, what it hangs on, and that it outlives the machine."""

import pytest

from tests import factories
from tests.components.conftest import environment


@pytest.fixture(scope="module")
def recorded():
    return environment(factories.server(data=factories.DATA), factories.server("b"))


def test_it_is_encrypted_gp3_in_its_subnets_zone_and_protected(recorded):
    volume = recorded.one("Volume")
    assert volume.name == "acme-web1-data-volume"
    assert volume.inputs == {
        "availabilityZone": "eu-west-2a",
        "size": 50,
        "type": "gp3",
        "encrypted": True,
        "kmsKeyId": "arn:aws:acme-data-key",
        "tags": {"Name": "acme-web1-data-volume", "server": "web1"},
    }
    assert volume.protect
    assert volume.ignores == ["availabilityZone"], (
        "of an instance or a subnet that is replaced it isn't known"
    )


def test_in_a_network_that_stands_it_is_in_its_instances_zone():
    network = factories.GIVEN_NETWORK
    recorded = environment(factories.server(data=factories.DATA), network=network)
    assert recorded.one("Volume").inputs["availabilityZone"] == "eu-west-2b"


def test_it_is_attached_to_its_server_which_stops_before_it_goes(recorded):
    assert recorded.one("VolumeAttachment").inputs == {
        "deviceName": "/dev/sdf",
        "instanceId": "acme-web1-instance-id",
        "volumeId": "acme-web1-data-volume-id",
        "stopInstanceBeforeDetaching": True,
    }


def test_it_is_below_its_server_so_that_it_leaves_with_it(recorded):
    parents = {component.name: component.parent for component in recorded.components}
    assert recorded.one("Volume").parent == "acme-web1-data"
    assert parents["acme-web1-data"] == "acme-web1"


def test_a_later_stack_file_is_held_against_its_size(recorded):
    servers = recorded.outputs["servers"]
    assert servers["web1"]["data_gb"] == 50
    assert "data_gb" not in servers["b"]
    assert [r.name for r in recorded.of("Volume")] == ["acme-web1-data-volume"]


def test_its_server_may_do_nothing_with_it(recorded):
    rights = recorded.one("RolePolicy", "acme-web1-identity-rights").inputs["policy"]
    assert "ec2:" not in rights
