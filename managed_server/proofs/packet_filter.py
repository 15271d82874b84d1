"""Reads the rules of a packet filter back from the rendered file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

Tables = dict[str, dict[str, list[str]]]
"""Table, chain, statements in their order: ``{"inet managed": {"incoming": [...]}}``."""

_BLOCK = re.compile(r"(?P<kind>table|chain|set|map) (?P<name>[^{]+?) *\{")
_RULE = re.compile(
    r"(?:meta nfproto ipv(?P<family>[46])|(?P<ip>ip6?) (?P<side>[sd]addr) (?P<network>@\S+|[0-9a-fA-F.:/]+)) "
    r"(?P<protocol>tcp|udp) dport (?P<port>[0-9]+) (?P<verdict>accept|jump (?P<chain>\S+))"
)
_EVERYBODY = {"4": "0.0.0.0/0", "6": "::/0"}


def parse(text: str) -> Tables:
    """Return every chain's statements; a chain that is declared twice goes on where it was.

    Raises:
        ValueError: if braces don't fit, or something stands where it isn't understood.
    """
    found: Tables = {}
    stack: list[tuple[str, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        bare = re.sub(r"#.*", "", line).strip() if '"' not in line else line.strip()
        block = _BLOCK.fullmatch(bare)
        if block:
            stack.append((block["kind"], block["name"]))
            if block["kind"] == "chain":
                found.setdefault(stack[0][1], {}).setdefault(block["name"], [])
        elif bare == "}":
            if not stack:
                raise ValueError(f"line {number}: a closing brace too many")
            stack.pop()
        elif bare and [kind for kind, _ in stack] == ["table", "chain"]:
            found[stack[0][1]][stack[1][1]].append(" ".join(bare.split()))
        elif bare and stack and stack[-1][0] in ("table", "chain"):
            raise ValueError(f"line {number}: {bare!r} isn't understood")
    if stack:
        raise ValueError(f"{stack[-1][0]} {stack[-1][1]} isn't closed")
    return found


@dataclass(frozen=True, slots=True)
class Opening:
    """A statement that lets one network reach one port."""

    protocol: str
    port: int
    network: str
    """Or the name of a set of addresses, after ``@``."""
    chain: str | None
    """Where the decision is left to another chain."""


def opening(statement: str, side: str) -> Opening | None:
    """Return what a statement opens; None if it is of another shape. ``side``: ``saddr`` or ``daddr``."""
    found = _RULE.fullmatch(statement)
    if found is None or (found["side"] and found["side"] != side):
        return None
    network = found["network"] or _EVERYBODY[found["family"]]
    return Opening(found["protocol"], int(found["port"]), network, found["chain"])


def decides(statements: list[str]) -> Iterator[str]:
    """Yield the statements of a chain that may let something pass."""
    for statement in statements:
        if re.search(r"\b(?:accept|jump|goto|queue|vmap)\b", statement) and "policy" not in statement:
            yield statement


def drops_by_default(statements: list[str]) -> bool:
    """Tell whether a chain drops what no statement of it decides on."""
    return any(re.fullmatch(r"type filter hook .*; policy drop;", statement) for statement in statements)
