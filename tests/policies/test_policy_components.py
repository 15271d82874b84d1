"""What the components register, held against every rule without an engine: a fault shows in seconds."""

import dataclasses
from typing import Any

import pytest
from policy_judge import Thing, said_of
from pulumi.runtime.rpc import _special_secret_sig, _special_sig_key
from rules import ALL

from managed_server.resolve import load_customer
from tests import factories
from tests.components.conftest import environment
from tests.conftest import ROOT


def _plain(value: Any) -> Any:
    """Inputs as the engine shows them to a policy: secrets without their mark."""
    if isinstance(value, dict):
        return (
            _plain(value["value"])
            if value.get(_special_sig_key) == _special_secret_sig
            else {k: _plain(v) for k, v in value.items()}
        )
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _thing(made: Any) -> Thing:
    props = _plain(made.inputs)
    name = props.get("bucket") if made.type.endswith(":Bucket") else props.get("name")
    props["id"] = name if made.type.startswith(("aws:s3/", "aws:iam/")) else f"{made.name}-id"
    region = "eu-west-1" if made.provider.endswith("-backup") else "eu-west-2"
    return Thing(made.type, made.name, props, protect=made.protect, region=region)


CUSTOMERS = {
    "customer": ((), {}),
    "backups in another account, IPv6": (
        (),
        {
            "backup_account_id": "333333333333",
            "network": factories.spec.Network(vpc_id=None, subnet_id=None, ipv6=True),
        },
    ),
    "hub": ((factories.server(host_name="hub-web1"),), {"customer_id": "hub", "runs_hub": factories.HUB}),
    "elsewhere": ((factories.server(hosting="elsewhere", address="198.51.100.20", alarms=()),), {}),
}


@pytest.mark.parametrize("kind", CUSTOMERS)
def test_what_the_components_register_passes(kind: str) -> None:
    servers, options = CUSTOMERS[kind]
    watched = load_customer(ROOT, "example").baseline.alarms
    baseline = dataclasses.replace(factories.BASELINE, alarms=watched)
    recorded = environment(*servers, baseline=baseline, **options)
    things = [_thing(one) for one in recorded.aws]
    assert len(things) > 30
    assert said_of(ALL, *things) == {}
