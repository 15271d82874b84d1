"""No active response can hit an administrator, the hub, or the machine itself."""

import ipaddress
import re
from collections.abc import Iterable, Iterator

from managed_server import spec
from managed_server.model.limits import Exempt, Lockout
from managed_server.proofs.packet_filter import Tables

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PASSES = re.compile(r"ip6? saddr ([^@\s]\S*) accept")  # a set is of the customer's other servers


def protected(customer: spec.CustomerSpec) -> tuple[str, ...]:
    """Return whom nothing may ever block: administrators' networks, and the hub's addresses."""
    return tuple(
        dict.fromkeys([*customer.admin_networks, *customer.provider.networks, *customer.hub.addresses])
    )


def reachable_by_blocks(limits: Lockout, customer: spec.CustomerSpec, tables: Tables) -> Iterator[str]:
    """Yield whom the chain of blocks could drop: it must let them pass before it looks at any block."""
    chain = tables.get(limits.blocks.table, {}).get(limits.blocks.incoming)
    if chain is None:
        yield f"has no chain {limits.blocks.incoming} in the table {limits.blocks.table}"
        return
    before = chain[: next((i for i, line in enumerate(chain) if line.endswith(" drop")), len(chain))]
    passing = [_network(found[1]) for line in before if (found := _PASSES.fullmatch(line))]
    for name in _uncovered(protected(customer), passing):
        yield f"a block can hit {name}: the table {limits.blocks.table} must let it pass before it drops"
    if not any(line in limits.own for line in before):
        yield f"a block can hit the machine itself: it must say {' or '.join(limits.own)} first"


def not_exempt(limits: Exempt, customer: spec.CustomerSpec, text: str) -> Iterator[str]:
    """Yield whom the manager of active responses doesn't exempt, in its rendered file."""
    named = [_network(name) for name in re.findall(limits.pattern, text)]
    for name in _uncovered((*protected(customer), *limits.own), named):
        yield f"an active response can hit {name}: it isn't exempt here"


def _uncovered(names: Iterable[str], by: list[Network]) -> Iterator[str]:
    for name in names:
        network = _network(name)
        if not any(
            found.version == network.version and network.subnet_of(found)  # type: ignore[arg-type]
            for found in by
        ):
            yield name


def _network(text: str) -> Network:
    return ipaddress.ip_network(text, strict=False)
