"""What a server's hosting asks of its stack file: on AWS an EC2 type; elsewhere an address and its facts."""

from collections.abc import Collection, Iterator, Mapping

from managed_server.loading import nearest
from managed_server.model.customer import Server
from managed_server.model.tables import InstanceFacts, InstanceTypes
from managed_server.model.types import PRIVATE_NETWORKS
from managed_server.problems import Path

_ADDRESS = "the IPv4 address or name by which the hub and administrators reach it"
_MACHINE = "what the machine has, such as machine: {vcpus: 2, memory_mb: 4096}"
_PLACES = {"aws": "on AWS", "elsewhere": "hosted elsewhere"}
_AWS_HAS_IT = {
    "address": "AWS gives the server its address",
    "private_address": "AWS gives the server its address",
    "machine": "the instance type says what the machine has",
}


def facts(types: InstanceTypes, server: Server) -> InstanceFacts | None:
    """Return what is known of a server's machine; None where the stack file doesn't say enough."""
    if server.hosting == "aws":
        return types.types.get(server.instance_type or "")
    if server.machine is None:
        return None
    return InstanceFacts(**server.machine.model_dump(), burstable=False)


def problems(
    types: InstanceTypes, server: Server, given: Collection[str], *, hub: bool
) -> Iterator[tuple[Path, str]]:
    """Yield where a server's keys don't fit its hosting: paths within the server.

    Args:
        types: EC2's.
        server: what is left of the stack file's.
        given: the keys that have a value there, right or wrong.
        hub: whether it is a hub's.
    """
    yield from _on_aws(types, server, given) if server.hosting == "aws" else _elsewhere(given, hub=hub)


def _on_aws(types: InstanceTypes, server: Server, given: Collection[str]) -> Iterator[tuple[Path, str]]:
    if "instance_type" not in given:
        yield (), "the key 'instance_type' is missing; add it, or write hosting: elsewhere"
    elif server.instance_type and server.instance_type not in types.types:
        known = nearest(server.instance_type, types.types)
        yield (
            ("instance_type",),
            f"{server.instance_type!r} is not in catalogue/instance-types.yaml{known}",
        )
    for key, why in _AWS_HAS_IT.items():
        if key in given:
            yield (key,), f"is for a server with hosting: elsewhere; on AWS, take it out: {why}"


def _elsewhere(given: Collection[str], *, hub: bool) -> Iterator[tuple[Path, str]]:
    if hub:
        yield ("hosting",), "a hub is on AWS: its address is kept there, and an alarm there watches it"
    if "instance_type" in given:
        yield (
            ("instance_type",),
            f"is EC2's, and the server is hosted elsewhere; take it out, and add {_MACHINE}",
        )
    if "data_gb" in given:
        yield (
            ("data_gb",),
            "is a volume of EC2's, and the server is hosted elsewhere; take it out: its owner gives it disks",
        )
    if "resize" in given:
        yield (
            ("resize",),
            "is the day on which an instance type changes, and the server has none; take it out",
        )
    if "address" not in given:
        yield (), f"the key 'address' is missing; add {_ADDRESS}"
    if "machine" not in given:
        yield (), f"the key 'machine' is missing; add {_MACHINE}"


def peer_problem(
    servers: Mapping[str, Server], given: Mapping[str, Collection[str]], name: str, peer: str
) -> str | None:
    """Return why one server can't be another's peer, for their hosting.

    What peers say to one another is mostly not encrypted, so they must be in one private network.

    Args:
        servers: of the customer.
        given: the keys of the two that have a value, right or wrong.
        name: who has the peer.
        peer: which one.
    """
    here, there = servers[name], servers[peer]
    if here.hosting != there.hosting:
        return (
            f"{peer!r} is {_PLACES[there.hosting]} and this server {_PLACES[here.hosting]}: no private "
            "network joins them, and peers don't encrypt what they say; put both in one place"
        )
    if here.hosting == "aws":
        return None
    without = [each for each in (name, peer) if "private_address" not in given[each]]
    return (
        f"peers that are hosted elsewhere know one another by private_address; add it to "
        f"{' and '.join(without)}"
        if without
        else None
    )


def forwarders(servers: Mapping[str, Server], server: Server) -> tuple[str, ...]:
    """Return the networks from which a server's requests are passed on.

    On AWS, addresses are known when machines stand, and no bundle can hold them: all of the private network
    is believed there. Nobody on the internet has such an address.
    """
    if not server.behind:
        return ()
    if server.hosting == "aws":
        return tuple(map(str, PRIVATE_NETWORKS))
    known = (servers[name].private_address for name in sorted(set(server.behind)) if name in servers)
    return tuple(f"{address}/32" for address in known if address)


def twice(servers: Mapping[str, Server]) -> Iterator[tuple[Path, str]]:
    """Yield addresses that two servers have: paths within the customer."""
    for key in ("address", "private_address"):
        owners: dict[str, str] = {}
        for name, server in servers.items():
            value = getattr(server, key)
            if value is not None and owners.setdefault(value, name) != name:
                yield ("servers", name, key), f"{value} is that of {owners[value]} as well"
