"""Turns what entries listen on and connect to into rules: the one list for nftables and security groups."""

from collections.abc import Iterable
from dataclasses import replace

from managed_server.model.catalogue_items import Connect, Listen
from managed_server.spec import Hub, Rule, ServerSpec

WORLD = ("0.0.0.0/0", "::/0")


def networks_of(reach: str, admin: tuple[str, ...], hub: Hub) -> tuple[str, ...]:
    """Return the networks that ``reach`` stands for.

    Raises:
        ValueError: for a word that the catalogue's model does not know.
    """
    if reach == "world":
        return WORLD
    if reach == "admin":
        return admin
    if reach == "hub":
        return tuple(f"{address}/{128 if ':' in address else 32}" for address in hub.addresses)
    if reach in ("local", "peers"):  # peers are no networks: their addresses are known on the machine alone
        return ()
    raise ValueError(reach)


def rules(
    listens: Iterable[tuple[str, Listen]],
    connects: Iterable[tuple[str, Connect]],
    admin: tuple[str, ...],
    hub: Hub,
    peers: tuple[str, ...],
) -> tuple[Rule, ...]:
    """Derive the rules of a server; entries that need the same one share it.

    What it needs of other servers of its customer comes with `with_peers`.
    """
    wanted: dict[tuple[str, str, int, str, str], dict[str, set[str]]] = {}
    needs: list[tuple[str, str, Listen | Connect, str]] = [
        *(("in", origin, listen, listen.reach) for origin, listen in listens),
        *(("out", origin, connect, connect.to) for origin, connect in connects),
    ]
    for direction, origin, need, reach in needs:
        places = [(network, "") for network in networks_of(reach, admin, hub)]
        places += [("", peer) for peer in peers if reach == "peers"]
        for network, peer in places:
            found = wanted.setdefault(
                (direction, need.protocol, need.port, network, peer), {"origins": set(), "purposes": set()}
            )
            found["origins"].add(origin)
            found["purposes"].add(need.purpose)
    return tuple(
        Rule(
            *key[:4],
            purpose="; ".join(sorted(found["purposes"])),
            origins=tuple(sorted(found["origins"])),
            peer=key[4] or None,
        )
        for key, found in sorted(wanted.items())
    )


def with_peers(servers: tuple[ServerSpec, ...]) -> tuple[ServerSpec, ...]:
    """Return a customer's servers, each with the rules by which it reaches those whose peer it is."""
    more: dict[str, list[Rule]] = {server.name: [] for server in servers}
    for server in servers:
        for peer in server.peers:
            more[peer] += [
                Rule("out", listen.protocol, listen.port, "", listen.purpose, (listen.origin,), server.name)
                for listen in server.listens
                if listen.reach == "peers"
            ]
    return tuple(
        replace(server, rules=tuple(sorted((*server.rules, *more[server.name]), key=_order)))
        for server in servers
    )


def _order(rule: Rule) -> tuple[str, str, int, str, str]:
    return rule.direction, rule.protocol, rule.port, rule.network, rule.peer or ""
