"""What a customer has in AWS, told without asking AWS or running a component."""

from collections.abc import Iterator
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
    return tuple(
        Resource(component, kind, name.format_map({"customer": customer.id, "bundle": ANY, **names}), server)
        for component, groups in table.components.items()
        for per, named in groups.items()
        for server, names in _each(per, customer)
        for name, kind in named.items()
    )


def _each(per: str, customer: spec.CustomerSpec) -> Iterator[tuple[str | None, dict[str, str]]]:
    """Yield what ``per`` stands for: the server, and what its names are made of."""
    on_aws = [server for server in customer.servers if server.hosting == "aws"]
    if per == "customer" or (per == "network" and on_aws) or (per == "hub" and customer.runs_hub):
        yield None, {}
    elif per == "server":
        yield from ((server.name, {"server": server.name}) for server in customer.servers)
    elif per == "aws-server" or (per == "aws-server-with-new-address" and customer.runs_hub is None):
        yield from ((server.name, {"server": server.name}) for server in on_aws)
    elif per == "linked-aws-server":
        yield from ((server.name, {"server": server.name}) for server in on_aws if server.linked)
    elif per in ("rule-in", "rule-out"):
        direction = per.removeprefix("rule-")
        for server in on_aws:
            for rule in server.rules:
                if rule.direction == direction:
                    yield server.name, {"server": server.name, "rule": rule.key}
    elif per == "alarm":
        for server in on_aws:
            for alarm in server.alarms:
                yield server.name, {"server": server.name, "alarm": alarm.id}
    elif per == "secret":
        for server in on_aws:
            for secret in server.secrets:
                yield server.name, {"server": server.name, "secret": f"{secret.origin}-{secret.name}"}
