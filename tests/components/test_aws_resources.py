"""What the contract matrix says that a customer has in AWS is what the components register."""

import dataclasses
import re

import pytest

from managed_server.inputs import load_project
from managed_server.proofs.aws import ANY, resources
from tests import factories
from tests.components.conftest import environment
from tests.conftest import ROOT

SECRET = factories.spec.Secret(
    origin="redis",
    name="password",
    parameter="/managed-server/acme/web1/redis/password",
    path="/etc/x",
    text="{secret}",
    owner="root",
    group="root",
    mode="0600",
    notify=(),
)
CUSTOMERS = {
    "one server": {},
    "two, one elsewhere": {
        "servers": (factories.server(), factories.server("far", hosting="elsewhere", address="192.0.2.7")),
    },
    "none on AWS": {
        "servers": (
            factories.server(hosting="elsewhere", address="192.0.2.7", alarms=(), secrets=(SECRET,)),
            factories.server("b", hosting="elsewhere", address="far.acme.example", peers=("web1",)),
        ),
    },
    "a hub": {
        "customer_id": "hub",
        "servers": (factories.server(host_name="hub-web1"),),
        "runs_hub": factories.HUB,
    },
    "peers": {"servers": (factories.server(peers=("b",)), factories.server("b", reaches=("web1",)))},
    "an account's baseline": {"baseline": factories.BASELINE},
    "of a second stack in other regions": {
        "baseline": dataclasses.replace(factories.NO_BASELINE, ebs_encryption=("eu-west-1",))
    },
    "a data volume": {"servers": (factories.server(data=factories.DATA), factories.server("b"))},
    "IPv6": {"network": factories.spec.Network(vpc_id=None, subnet_id=None, ipv6=True)},
    "a network that stands": {"network": factories.GIVEN_NETWORK},
    "no rules, no alarms, a secret": {
        "servers": (factories.server(rules=(), alarms=(), secrets=(SECRET,)),),
    },
}


@pytest.fixture(scope="module")
def table():
    return load_project(ROOT).aws_resources


@pytest.mark.parametrize("kind", CUSTOMERS)
def test_the_list_is_what_is_registered(table, kind):
    options = dict(CUSTOMERS[kind])
    servers = options.pop("servers", ())
    recorded = environment(*servers, **options)
    customer = factories.customer(*servers, **options)
    top = customer.id
    components = {component.name: component for component in recorded.components}

    def component_of(resource):
        found = components[resource.parent]
        while found.parent != top:
            found = components[found.parent]
        return found.type.rpartition(":")[2]

    registered = sorted(
        (
            component_of(resource),
            short(resource.type),
            re.sub("(-bundle-)[0-9a-f]+$", rf"\1{ANY}", resource.name),
        )
        for resource in recorded.aws
    )
    assert sorted((r.component, r.type, r.name) for r in resources(table, customer)) == registered


def short(kind):
    _, module, name = kind.split(":")
    return f"{module.partition('/')[0]}.{name}"


def test_a_server_has_what_is_its_own(table):
    customer = factories.customer(factories.server("a"), factories.server("b"))
    for resource in resources(table, customer):
        mine = f"-{resource.server}-" in f"{resource.name}-"
        assert mine == (resource.server is not None), resource


def test_rules_are_told_apart(table):
    server = factories.server(
        rules=(factories.rule(), dataclasses.replace(factories.rule(), direction="out"))
    )
    kinds = [r.type for r in resources(table, factories.customer(server)) if "Rule" in r.type]
    assert kinds == ["vpc.SecurityGroupIngressRule", "vpc.SecurityGroupEgressRule"]
