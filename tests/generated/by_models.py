"""Ways of breaking a stack file that the models refuse; a new field of theirs is broken as well."""

import typing

from hypothesis import strategies as st
from pydantic import BaseModel

from managed_server.model import types as kinds
from managed_server.model.customer import Customer
from tests.generated.annotations import bounds, checks
from tests.generated.emit import Raw
from tests.generated.places import Expected, adder, at, nodes, pick, put

BREAKAGES = []
breakage = adder(BREAKAGES)

BAD = {
    kinds.safe_text: ["", "two\nlines", "bell\a", "x" * 2001, "\u202e"],
    kinds.host_name: ["nodots", "UPPER.acme.example", "under_score.acme.example", "acme.example.", ""],
    kinds.reachable_address: [
        "localhost",
        "2001:db8::1",
        "198.51.100",
        "127.0.0.1",
        "224.0.0.1",
        "UP.example",
        "",
    ],
    kinds.private_address: ["198.51.100.20", "fd00::1", "10.1.2", "web1", ""],
    kinds.ssh_public_key: [
        "ssh-ed25519",
        "ssh-ed25519 AAAA x",
        "ssh-dss AAAAB3NzaC1kc3MAAACB x",
        "password",
        "",
    ],
    kinds.admin_network: ["0.0.0.0/0", "::/0", "0.0.0.0/1", "127.0.0.0/8", "fe80::/64"],
    kinds.parse_network: ["203.0.113.7", "203.0.113.7/24", "300.0.0.0/8", "everywhere", "203.0.113.0/33", ""],
    kinds.calendar_date: [
        "tomorrow",
        "2026-13-01",
        "2026-02-30",
        Raw("2026-02-30"),
        "1.12.2026",
        Raw("2026"),
        "",
    ],
}
"""What the checks of types.py refuse, by the check."""


def wrong_values(kind, said):
    """Values of the right type that must be refused."""
    found = [bad for f in checks(said) for bad in BAD.get(f, ())]
    found += ["!", "no\u00e9!", ""] if any(isinstance(f, kinds.Matching) for f in checks(said)) else []
    if kind is int:
        low, high = bounds(said, -(10**9), 10**9)
        found += [low - 1] if low > -(10**9) else []
        found += [high + 1] if high < 10**9 else []
    if typing.get_origin(kind) is typing.Literal:
        found += ["nonsense", ""]
    if typing.get_origin(kind) in (tuple, dict) and bounds(said, 0, 10**9)[0]:
        found.append([] if typing.get_origin(kind) is tuple else {})
    return found


def wrong_types(kind):
    """Values of a wrong type."""
    group = isinstance(kind, type) and issubclass(kind, BaseModel)
    if group or typing.get_origin(kind) is dict:
        return ["text", 3, ["a", "list"], True, None]
    if typing.get_origin(kind) is tuple:
        return ["text", 3, {"a": "group"}, True, None]
    if kind is int:
        return ["text", "3", 1.5, True, ["a", "list"], {"a": "group"}]
    if kind is bool:
        return ["perhaps", "true", 1, ["a", "list"]]
    if typing.get_origin(kind) is typing.Union:
        return [["a", "list"], {"a": "group"}, 1.5]
    return [["a", "list"], {"a": "group"}, True]


@breakage
def unknown_key(draw, _, data):
    holders = [
        (),
        *(
            n.path
            for n in nodes(Customer, data)
            if isinstance(n.kind, type) and issubclass(n.kind, BaseModel)
        ),
    ]
    path = pick(draw, holders)
    key = draw(st.sampled_from(["colour", "hostnig", "x-note"]))
    at(data, path)[key] = draw(st.sampled_from(["blue", 3, ["a"], {"b": True}]))
    return Expected((*path, key), "unknown key")


@breakage
def missing_key(draw, _, data):
    node = pick(draw, (node for node in nodes(Customer, data) if node.needed))
    del at(data, node.path[:-1])[node.path[-1]]
    return Expected(node.path[:-1], f"the key {node.path[-1]!r} is missing; add it", (node.path,))


@breakage
def wrong_type(draw, _, data):
    node = pick(draw, nodes(Customer, data))
    values = wrong_types(node.kind)
    values = [v for v in values if v is not None or node.needed]  # an optional one may say null
    put(data, node.path, draw(st.sampled_from(values)))
    return Expected(node.path, "")


@breakage
def wrong_value(draw, _, data):
    node = pick(draw, (node for node in nodes(Customer, data) if wrong_values(node.kind, node.said)))
    put(data, node.path, draw(st.sampled_from(wrong_values(node.kind, node.said))))
    return Expected(node.path, "")


@breakage
def wrong_name(draw, _, data):
    """Of a user or a server: `names` are keys."""
    holder = pick(draw, (key for key in ("users", "servers") if data.get(key)))
    old = pick(draw, sorted(data[holder]))
    new = draw(st.sampled_from(["Upper", "1st", "a_very_long_name_" * 3, "in valid", "web.1", "é"]))
    data[holder][new] = data[holder].pop(old)
    touched = [(holder, new), (holder, old)]
    for name, server in data["servers"].items():
        if holder == "servers" and old in server.get("peers", ()):
            server["peers"].remove(old)
            touched.append(("servers", name, "peers"))
    return Expected((holder, new), f"{new!r} is not", tuple(touched))
