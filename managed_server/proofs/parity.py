"""The security group's rules, the server's own firewall, and what listens are one and the same.

A server that is hosted elsewhere has no security group: its own firewall is the only one, and is held against
the rules all the same.
"""

from collections.abc import Iterator

from managed_server import spec
from managed_server.firewall_rules import networks_of
from managed_server.model.limits import Parity
from managed_server.proofs.packet_filter import Tables, decides, drops_by_default, opening

Socket = tuple[str, int, str]
"""Protocol, port, network or set of peers."""


def differences(
    limits: Parity, customer: spec.CustomerSpec, server: spec.ServerSpec, tables: Tables
) -> Iterator[str]:
    """Yield every difference between the rules, the parsed firewall, and what listens."""
    chains = tables.get(limits.chains.table, {})
    for direction, name, side in (
        ("in", limits.chains.incoming, "saddr"),
        ("out", str(limits.chains.outgoing), "daddr"),
    ):
        statements = chains.get(name)
        if statements is None:
            yield f"has no chain {name} in the table {limits.chains.table}"
            continue
        if not drops_by_default(statements):
            yield f"the chain {name} doesn't drop what no rule opens"
        yield from _rules(limits, server, direction, statements, side, chains)
    yield from _listens(limits, customer, server)


def _rules(
    limits: Parity,
    server: spec.ServerSpec,
    direction: str,
    statements: list[str],
    side: str,
    chains: dict[str, list[str]],
) -> Iterator[str]:
    group = _sockets(limits, server, direction)
    other = "the security group" if server.hosting == "aws" else "the catalogue"
    opened: set[Socket] = set()
    for statement in decides(statements):
        found = opening(statement, side)
        if found is not None:
            opened.add((found.protocol, found.port, found.network))
            if found.chain is not None and chains.get(found.chain, [])[-1:] != ["accept"]:
                yield f"{statement!r} leaves it to a chain that doesn't let it pass"
        elif statement not in limits.besides:
            yield f"{statement!r} lets something pass that no rule of {other} does"
    for protocol, port, network in sorted(opened - group):
        yield f"{direction}: {protocol} {port} for {network} is open, and closed by {other}"
    for protocol, port, network in sorted(group - opened):
        yield f"{direction}: {protocol} {port} for {network} is closed, and open in {other}"


def _sockets(limits: Parity, server: spec.ServerSpec, direction: str) -> set[Socket]:
    """Return what the rules open: on AWS, those of the security group."""
    return {
        (rule.protocol, rule.port, _peer(limits, rule.peer) if rule.peer else rule.network)
        for rule in server.rules
        if rule.direction == direction
    }


def _peer(limits: Parity, peer: str) -> str:
    return limits.peers.replace("{peer}", peer)


def _listens(limits: Parity, customer: spec.CustomerSpec, server: spec.ServerSpec) -> Iterator[str]:
    wanted: set[Socket] = set()
    for listen in server.listens:
        networks = networks_of(listen.reach, customer.admin_networks, customer.hub)
        peers = [_peer(limits, peer) for peer in server.peers if listen.reach == "peers"]
        wanted |= {(listen.protocol, listen.port, network) for network in (*networks, *peers)}
    opened = _sockets(limits, server, "in")
    for protocol, port, network in sorted(opened - wanted):
        yield f"in: {protocol} {port} is open for {network}, and nothing listens there for it"
    for protocol, port, network in sorted(wanted - opened):
        yield f"in: something listens on {protocol} {port} for {network}, and it is closed"
