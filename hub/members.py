"""Which servers the hub watches: what was published of each, judged by itself."""

import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from hub.store import LARGEST
from managed_server.model.fragment import Fragment, ServerAddress

FRAGMENTS, ADDRESSES, MACHINES = "fragments/", "addresses/", "machines/"

_KEY = re.compile(r"(?:fragments|addresses)/([a-z0-9-]{1,40})/([a-z0-9-]{1,40})\.json")
_CERTIFICATE = re.compile(
    r"\s*(-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE-----)\s*", re.ASCII
)
_CERTIFICATE_BYTES = 16_384


@dataclass(frozen=True)
class Member:
    """A server that can be watched: all that it takes."""

    fragment: Fragment
    address: ServerAddress
    certificate: str
    """Of the machine, PEM: the only one that NRPE of this host may show."""

    @property
    def host(self) -> str:
        """Its name on the hub."""
        return self.fragment.host

    @property
    def owner(self) -> tuple[str, str]:
        """Customer and server: two of them may have the same host name."""
        return self.fragment.customer.id, self.fragment.server

    def as_json(self) -> dict[str, Any]:
        """For the hub's state."""
        return {
            "address": self.address.model_dump(mode="json", by_alias=True),
            "certificate": self.certificate,
            "fragment": self.fragment.model_dump(mode="json", by_alias=True),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Member":
        """The reverse of `as_json`.

        Raises:
            ValueError, KeyError: the schema has changed since.
        """
        return cls(
            Fragment.model_validate_json(json.dumps(data["fragment"])),
            ServerAddress.model_validate_json(json.dumps(data["address"])),
            str(data["certificate"]),
        )


class Published(Protocol):
    """What is in the fleet bucket."""

    def keys(self, prefix: str) -> list[str]:
        """All keys below a prefix."""

    def text(self, key: str) -> bytes | None:
        """An object; None if there is none."""


@dataclass
class Judged:
    """What a round of judging finds."""

    members: dict[str, Member] = field(default_factory=dict)
    """By host: those that can be watched, the last good one where the new one can't be used."""
    refused: dict[str, str] = field(default_factory=dict)
    """Why something that was published isn't used, by `customer/server`."""
    waiting: dict[str, str] = field(default_factory=dict)
    """What a new server, by `customer/server`, still lacks."""


class _RefusedError(Exception):
    """Something that was published can't be used."""


class _LacksError(Exception):
    """Something hasn't been published yet."""


def judge(published: Published, before: Mapping[str, Member]) -> Judged:
    """Judge every server that has a fragment, each by itself; one that has none any more is left out.

    Raises:
        StoreError: the bucket can't be read, so nothing is known.
    """
    result = Judged()
    found: dict[str, list[Member]] = {}
    last = {member.owner: member for member in before.values()}
    for key in published.keys(FRAGMENTS):
        match = _KEY.fullmatch(key)
        if match is None:
            result.refused[key[:100]] = "is no name of a fragment"
            continue
        owner = (match[1], match[2])
        name = "/".join(owner)
        member = last.get(owner)
        try:
            member = _member(published, owner, member, result)
        except _RefusedError as error:
            result.refused[name] = str(error)
        except _LacksError as error:
            (result.waiting if member is None else result.refused)[name] = str(error)
        if member is not None:
            found.setdefault(member.host, []).append(member)
    for host, members in found.items():
        _one_of(host, members, before.get(host), result)
    return result


def _one_of(host: str, members: list[Member], before: Member | None, result: Judged) -> None:
    """Of two servers with one name (`a-b` + `c`, `a` + `b-c`) the one stays that was there before, if any."""
    if len(members) == 1:
        result.members[host] = members[0]
        return
    for member in members:
        if before is not None and member.owner == before.owner:
            result.members[host] = member
        else:
            result.refused["/".join(member.owner)] = f"{host} is the name of another server as well"


def _member(published: Published, owner: tuple[str, str], last: Member | None, result: Judged) -> Member:
    name = "/".join(owner)
    fragment = _fragment(published, owner)
    content = published.text(f"{ADDRESSES}{name}.json")
    if content is None:
        raise _LacksError("has no address")
    try:
        address = ServerAddress.model_validate_json(content)
    except ValueError as error:
        raise _RefusedError(f"address: {_first(error)}") from error
    # One of another account speaks for another machine.
    known = last.certificate if last and last.address.account_id == address.account_id else None
    try:
        certificate = _certificate(published, address.account_id, fragment.host)
    except _RefusedError as error:
        if known is None:
            raise
        result.refused[name] = str(error)
        certificate = known
    certificate = certificate or known
    if certificate is None:
        raise _LacksError("has not shown its certificate")
    return Member(fragment, address, certificate)


def _fragment(published: Published, owner: tuple[str, str]) -> Fragment:
    content = published.text(f"{FRAGMENTS}{'/'.join(owner)}.json")
    if content is None:
        raise _LacksError("has no fragment")  # removed since the list was made
    if len(content) > LARGEST:
        raise _RefusedError(f"fragment: larger than {LARGEST} bytes")
    try:
        fragment = Fragment.model_validate_json(content)
    except ValueError as error:
        raise _RefusedError(f"fragment: {_first(error)}") from error
    if (fragment.customer.id, fragment.server) != owner:
        raise _RefusedError(f"fragment: speaks of {fragment.customer.id}/{fragment.server}")
    return fragment


def _certificate(published: Published, account_id: str, host: str) -> str | None:
    """The certificate that the machine has put where its account alone may write; None before it did."""
    content = published.text(f"{MACHINES}{account_id}/{host}/nrpe.pem")
    if content is None:
        return None
    match = _CERTIFICATE.fullmatch(content.decode("ascii", errors="replace"))
    if match is None or len(content) > _CERTIFICATE_BYTES:
        raise _RefusedError("certificate: is not one certificate in PEM")
    try:
        ssl.create_default_context(cadata=match[1])
    except ssl.SSLError as error:
        raise _RefusedError(f"certificate: {error}"[:200]) from error
    return match[1].replace("\r", "") + "\n"


def _first(error: ValueError) -> str:
    """The first thing that is wrong, short enough for a check's output."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)[:200]
    one = errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in one["loc"])
    return f"{place}: {one['msg']}"[:200]
