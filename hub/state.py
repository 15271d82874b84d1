"""What the hub remembers from one round to the next."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.members import ADDRESSES, FRAGMENTS, Member
from hub.store import UNCHANGED, Store
from hub.tree import write

Cache = dict[str, tuple[str, str]]
"""What was read by key: what tells it from another one, and its text (latin-1, so that no byte is lost)."""


@dataclass
class State:
    """The last good of everything, and what is still to be done."""

    members: dict[str, Member] = field(default_factory=dict)
    """By host: what is in use."""
    cache: Cache = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    """Since when (seconds since 1970) a new server, by `customer/server`, lacks something."""
    let_in_from: int = 0
    """When (seconds since 1970) the machines have taken the hub's certificate, after it has changed."""
    told: dict[str, str] = field(default_factory=dict)
    """sha256 of the files that the program of a part has been told of."""


def load(path: Path) -> State:
    """Read the state; a member that today's schema refuses is judged as if it were new."""
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return State()
    members = {}
    for host, item in data["members"].items():
        try:
            members[host] = Member.from_json(item)
        except (ValueError, KeyError):
            continue
    cache = {key: (item[0], item[1]) for key, item in data["cache"].items()}
    return State(members, cache, data["waiting"], data["let_in_from"], data["told"])


def save(path: Path, state: State) -> None:
    """Write the state, in one step."""
    data = {
        "members": {host: member.as_json() for host, member in state.members.items()},
        "cache": state.cache,
        "waiting": state.waiting,
        "let_in_from": state.let_in_from,
        "told": state.told,
    }
    write(path, json.dumps(data, indent=1, sort_keys=True) + "\n", 0o600)


class Fleet:
    """What is in the bucket in this round: only what has changed is read again."""

    def __init__(self, store: Store, known: Cache) -> None:
        """Look at the bucket.

        Raises:
            StoreError: a list couldn't be had. An empty list is one that was had.
        """
        self._store, self._known = store, known
        self._listed = {**store.listed(FRAGMENTS), **store.listed(ADDRESSES)}
        self.cache: Cache = {}
        """What was read in this round, for the next one."""

    def keys(self, prefix: str) -> list[str]:
        """The keys below a prefix, sorted; only fragments and addresses are listed."""
        return sorted(key for key in self._listed if key.startswith(prefix))

    def text(self, key: str) -> bytes | None:
        """An object; None if there is none.

        Raises:
            StoreError: nobody knows.
        """
        etag, text = self._known.get(key, ("", ""))
        listed = key.startswith((FRAGMENTS, ADDRESSES))
        if listed and key not in self._listed:
            return None
        if not (listed and etag == self._listed[key]):
            got = self._store.get(key, etag)
            if got is None:
                return None
            if got is not UNCHANGED:
                etag, text = got.etag, got.content.decode("latin-1")
        self.cache[key] = (etag, text)
        return text.encode("latin-1")
