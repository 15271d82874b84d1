"""Peers in AWS: rules by group, and the object that tells a server where the others are."""

import dataclasses
import json

import pytest

from tests import factories
from tests.components.conftest import environment

INTO = dataclasses.replace(factories.rule(port=3306, network=""), peer="web1")
OUT = dataclasses.replace(factories.rule("out", port=3306, network=""), peer="db1")


@pytest.fixture(scope="module")
def pair():
    return environment(
        factories.server("web1", rules=(OUT,), reaches=("db1",)),
        factories.server("db1", rules=(INTO,), peers=("web1",)),
        factories.server("other", rules=()),
    )


def test_rules_name_the_other_servers_group(pair):
    into = pair.one("SecurityGroupIngressRule")
    assert into.name == "acme-db1-firewall-in-tcp-3306-server-web1"
    assert into.inputs["securityGroupId"] == "acme-db1-firewall-group-id"
    assert into.inputs["referencedSecurityGroupId"] == "acme-web1-firewall-group-id"
    out = pair.one("SecurityGroupEgressRule")
    assert out.inputs["referencedSecurityGroupId"] == "acme-db1-firewall-group-id"
    assert not {"cidrIpv4", "cidrIpv6"} & {*into.inputs, *out.inputs}


def test_each_is_told_where_the_other_is_and_may_read_it(pair):
    told = {r.inputs["key"]: r for r in pair.of("BucketObjectv2") if r.inputs["key"].endswith("peers.json")}
    assert set(told) == {"servers/db1/peers.json", "servers/web1/peers.json"}
    assert json.loads(told["servers/db1/peers.json"].inputs["content"]) == {"web1": {"ipv4": "10.80.0.9"}}
    assert "acme-web1-instance" in told["servers/db1/peers.json"].depends_on
    rights = {r.name: r.inputs["policy"] for r in pair.of("RolePolicy")}
    assert "servers/db1/peers.json" in rights["acme-db1-identity-rights"]
    assert "peers.json" not in rights["acme-other-identity-rights"]
