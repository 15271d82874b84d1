"""What a customer has in AWS, told without asking AWS or running a component."""

from dataclasses import dataclass

from managed_server import spec
from managed_server.model.fulfilment import AwsResources

ANY = "*"
"""Stands for what isn't known offline: the sha256 of a bundle."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource that a component registers."""

    component: str
    type: str
    name: str
    server: str | None
    """Name of the server that it is for; None: for all of the customer's."""


def resources(table: AwsResources, customer: spec.CustomerSpec) -> tuple[Resource, ...]:
    """Return every AWS resource of a customer, in the order of the table."""
    each = {
        per: _each(per, customer) for per in {per for groups in table.components.values() for per in groups}
    }
    return tuple(
        Resource(component, kind, name.format_map({"customer": customer.id, "bundle": ANY, **names}), server)
        for component, groups in table.components.items()
        for per, named in groups.items()
        for server, names in each[per]
        for name, kind in named.items()
    )


def applies(table: AwsResources, component: str, customer: spec.CustomerSpec) -> bool:
    """Tell whether a customer has anything of a component, as far as what it is for decides."""
    return any(_each(per, customer) for per in table.components.get(component, {}))


def _each(per: str, customer: spec.CustomerSpec) -> list[tuple[str | None, dict[str, str]]]:
    """Return what ``per`` stands for: the server, and what its names are made of."""
    on_aws = [server for server in customer.servers if server.hosting == "aws"]
    own_address = [] if customer.runs_hub else on_aws  # a hub's is allocated before
    own_network = bool(on_aws) and customer.network.own
    whole: dict[str, bool] = {
        "customer": True,
        "some-on-aws": bool(on_aws),
        "network": own_network,
        "network-ipv6": own_network and customer.network.ipv6,
        "hub": customer.runs_hub is not None,
    }
    servers: dict[str, list[spec.ServerSpec]] = {
        "server": list(customer.servers),
        "aws-server": on_aws,
        "aws-server-with-new-address": own_address,
        "aws-server-with-data": [server for server in on_aws if server.data],
        "linked-server": [server for server in customer.servers if server.linked],
        "elsewhere-server": [server for server in customer.servers if server.hosting != "aws"],
        "aws-server-that-pages": [
            server for server in on_aws if any(alarm.wakes == "server" for alarm in server.alarms)
        ],
    }
    if per in whole:
        return [(None, {})] if whole[per] else []
    if per in servers:
        return [(server.name, {"server": server.name}) for server in servers[per]]
    if per.startswith("account-"):
        return [(None, names) for names in _account(per.removeprefix("account-"), customer)]
    return [
        (server.name, {"server": server.name, per.partition("-")[0]: name})
        for server in (customer.servers if per == "secret" else on_aws)
        for name in _parts(per, server)
    ]


def _account(part: str, customer: spec.CustomerSpec) -> list[dict[str, str]]:
    """Return the names that a part of the account's baseline has its resources by; none where it is off."""
    baseline = customer.baseline
    if part == "alarm":
        return [{"alarm": alarm.id} for alarm in baseline.alarms]
    if part == "disks-key":
        return [{}] if customer.region in baseline.ebs_encryption else []
    found = getattr(baseline, part.replace("-", "_"))
    return [{"region": region} for region in found] if isinstance(found, tuple) else [{}] * found


def _parts(per: str, server: spec.ServerSpec) -> list[str]:
    """Return the names of a server's rules, alarms or secrets."""
    if per == "alarm":
        return [alarm.id for alarm in server.alarms]
    if per == "secret":
        return [f"{secret.origin}-{secret.name}" for secret in server.secrets]
    return [rule.key for rule in server.rules if f"rule-{rule.direction}" == per]
