"""Security groups: the rules of the spec, each exactly once."""

import dataclasses

import pytest

from components.server_firewall import description
from tests import factories
from tests.components.conftest import environment


def rules_of(recorded):
    kinds = {"SecurityGroupIngressRule": "in", "SecurityGroupEgressRule": "out"}
    return {
        r.name: (kinds[r.type.rpartition(":")[2]], r.inputs)
        for r in recorded.aws
        if r.type.rpartition(":")[2] in kinds
    }


def as_rule(direction, inputs):
    assert inputs["fromPort"] == inputs["toPort"]
    networks = [inputs[key] for key in ("cidrIpv4", "cidrIpv6") if key in inputs]
    assert len(networks) == 1
    assert (":" in networks[0]) == ("cidrIpv6" in inputs)
    return direction, inputs["ipProtocol"], int(inputs["fromPort"]), networks[0]


def test_every_rule_stands_exactly_once(acme):
    found = sorted(as_rule(*rule) for rule in rules_of(acme).values())
    wanted = sorted((r.direction, r.protocol, r.port, r.network) for r in factories.RULES)
    assert found == wanted


def test_names_come_from_the_rules_themselves(acme):
    assert set(rules_of(acme)) == {f"acme-web1-firewall-{rule.key}" for rule in factories.RULES}
    fewer = environment(factories.server(rules=factories.RULES[2:]))
    kept = rules_of(fewer)
    assert {name: rules_of(acme)[name] for name in kept} == kept, "no rule's going changes another"


def test_the_group_has_no_rules_of_its_own_and_a_constant_description(acme):
    group = acme.one("SecurityGroup")
    assert not {"ingress", "egress"} & set(group.inputs)
    other = environment(factories.server(software=("redis",), rules=()))
    assert other.one("SecurityGroup").inputs["description"] == group.inputs["description"]
    assert "name" not in group.inputs, "a fixed one would stop a replacement"
    assert {inputs["securityGroupId"] for _, inputs in rules_of(acme).values()} == {
        "acme-web1-firewall-group-id"
    }


def test_servers_have_groups_of_their_own():
    recorded = environment(factories.server("a"), factories.server("b", rules=factories.RULES[:1]))
    groups = {r.name: r.inputs["vpcSecurityGroupIds"] for r in recorded.of("Instance")}
    assert groups == {
        "acme-a-instance": ["acme-a-firewall-group-id"],
        "acme-b-instance": ["acme-b-firewall-group-id"],
    }
    assert len(rules_of(recorded)) == len(factories.RULES) + 1


@pytest.mark.parametrize(
    ("purpose", "wanted"),
    [
        ("checks: the hub's NRPE", "checks: the hubs NRPE"),
        ("web; API (v2)", "web; API (v2)"),
        ("é\n<x>", "x"),
        ("p" * 300, "p" * 255),
    ],
)
def test_descriptions_are_what_ec2_takes(purpose, wanted):
    assert description(dataclasses.replace(factories.rule(), purpose=purpose)) == wanted


def test_the_default_group_is_emptied(acme):
    group = acme.one("DefaultSecurityGroup")
    assert group.inputs["vpcId"] == "acme-network-vpc-id"
    assert not {"ingress", "egress"} & set(group.inputs)
