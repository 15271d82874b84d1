"""Turns what entries listen on and connect to into rules: the one list for nftables and security groups."""

from collections.abc import Iterable

from managed_server.model.catalogue_items import Connect, Listen
from managed_server.spec import Hub, Rule

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
    if reach == "local":
        return ()
    raise ValueError(reach)


def rules(
    listens: Iterable[tuple[str, Listen]],
    connects: Iterable[tuple[str, Connect]],
    admin: tuple[str, ...],
    hub: Hub,
) -> tuple[Rule, ...]:
    """Derive all rules of a server; entries that need the same one share it."""
    wanted: dict[tuple[str, str, int, str], dict[str, set[str]]] = {}
    needs: list[tuple[str, str, Listen | Connect, str]] = [
        *(("in", origin, listen, listen.reach) for origin, listen in listens),
        *(("out", origin, connect, connect.to) for origin, connect in connects),
    ]
    for direction, origin, need, reach in needs:
        for network in networks_of(reach, admin, hub):
            found = wanted.setdefault(
                (direction, need.protocol, need.port, network), {"origins": set(), "purposes": set()}
            )
            found["origins"].add(origin)
            found["purposes"].add(need.purpose)
    return tuple(
        Rule(*key, purpose="; ".join(sorted(found["purposes"])), origins=tuple(sorted(found["origins"])))
        for key, found in sorted(wanted.items())
    )
