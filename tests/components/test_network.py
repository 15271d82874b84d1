"""The network: of the stack's own or the account's, with IPv6 or without."""

import dataclasses

import pytest

from components.network import _first_subnet
from tests import factories
from tests.components.conftest import environment

DUAL = dataclasses.replace(factories.customer().network, ipv6=True)


def test_the_network_is_public_recorded_and_its_default_group_empty(acme):
    assert acme.one("Route").inputs == {
        "routeTableId": "acme-network-routes-id",
        "destinationCidrBlock": "0.0.0.0/0",
        "gatewayId": "acme-network-gateway-id",
    }
    assert acme.one("Subnet").inputs["mapPublicIpOnLaunch"] is False
    group = acme.one("DefaultSecurityGroup").inputs
    assert not {"ingress", "egress"} & set(group)
    log = acme.one("FlowLog").inputs
    assert (log["vpcId"], log["trafficType"]) == ("acme-network-vpc-id", "ALL")


def test_ipv6_is_a_choice(acme):
    assert "ipv6" not in str([acme.one(kind).inputs for kind in ("Vpc", "Subnet", "Instance")]).lower()
    dual = environment(network=DUAL)
    assert dual.one("Vpc").inputs["assignGeneratedIpv6CidrBlock"] is True
    assert dual.one("Subnet").inputs["ipv6CidrBlock"] == "2001:db8:300:ab00::/64"
    route = dual.one("Route", "acme-network-default-route-ipv6").inputs
    assert (route["destinationIpv6CidrBlock"], route["gatewayId"]) == ("::/0", "acme-network-gateway-id")
    instance = dual.one("Instance")
    assert instance.inputs["ipv6AddressCount"] == 1
    assert "acme-network-default-route-ipv6" in instance.depends_on
    assert dual.outputs["servers"]["web1"]["ipv6_address"] == "2001:db8:300:ab00::9"


def test_rules_are_the_same_with_ipv6_and_without(acme):
    """They hold IPv6 networks in any case: the firewall on the machine has them as well."""

    def rules(recorded):
        return {r.name: r.inputs for r in recorded.aws if "SecurityGroup" in r.type and "Rule" in r.type}

    assert rules(environment(network=DUAL)) == rules(acme)
    assert any("cidrIpv6" in inputs for inputs in rules(acme).values())


def test_a_network_that_stands_is_used_and_left_alone():
    given = factories.GIVEN_NETWORK
    recorded = environment(factories.server("a"), factories.server("b"), network=given)
    assert not [r.name for r in recorded.aws if r.name.startswith("acme-network")]
    assert {r.inputs["vpcId"] for r in recorded.of("SecurityGroup")} == {given.vpc_id}
    assert {r.inputs["subnetId"] for r in recorded.of("Instance")} == {given.subnet_id}
    dual = environment(network=dataclasses.replace(given, ipv6=True))
    assert dual.one("Instance").inputs["ipv6AddressCount"] == 1


@pytest.mark.parametrize(
    ("block", "subnet"),
    [
        ("2001:db8:300:ab00::/56", "2001:db8:300:ab00::/64"),
        ("2001:db8:300:abcd::/56", "2001:db8:300:ab00::/64"),  # host bits, as the local AWS has them
    ],
)
def test_the_subnet_has_the_first_64_of_the_block(block, subnet):
    assert _first_subnet(block) == subnet
