"""What is where in a session: addresses outside the machines, and the file that says so to the service."""

import json
import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from managed_server.local.box.instances import Machine
from managed_server.local.debian.host import host_apt_options

METADATA = "169.254.169.254"  # EC2's own
AWS = "169.254.169.253"
AWS_ENVIRONMENT = {"AWS_ENDPOINT_URL": f"http://{AWS}"}
"""The one thing that tells a machine that its AWS is the local one (docs/box.md)."""
_MIRRORS = "169.254.170.{}"
_MIRROR_PORTS = (80, 443)

_SOURCE = re.compile(r"^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)", re.MULTILINE)
_PROXY = re.compile(r"^Acquire::https?::Proxy.*\"(\S+)\";", re.IGNORECASE | re.MULTILINE)
FILE = "box.json"


@dataclass(frozen=True)
class Mirror:
    """A host that apt connects to, and the router's address that stands for it."""

    host: str
    address: str
    ports: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """A session: written by the commands, read by the service."""

    prefix: str
    """Of the names of all its network namespaces, and the name of its control group."""
    aws_folder: str
    """State folder of the local AWS."""
    mirrors: tuple[Mirror, ...]
    pages: str
    """Address whose port 80 is offered on the host's loopback: the hub's; empty without a hub."""
    pages_port: int
    aliases: dict[str, str]
    """Names in /etc/hosts besides the machines', with their addresses."""
    machines: tuple[Machine, ...]

    def hosts(self) -> str:
        """The text of /etc/hosts."""
        lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
        lines += [f"{address} {machine.name}" for machine in self.machines for address in machine.addresses]
        lines += [f"{address} {name}" for name, address in self.aliases.items()]
        lines += [f"{mirror.address} {mirror.host}" for mirror in self.mirrors]
        return "".join(f"{line}\n" for line in lines)

    def machine_at(self, address: str) -> Machine | None:
        """The machine with an address."""
        return next((machine for machine in self.machines if address in machine.addresses), None)

    def save(self, folder: Path) -> None:
        """Write it, in one step."""
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=FILE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file, indent=1)
        Path(name).replace(folder / FILE)


def load(folder: Path) -> Plan | None:
    """The plan of a session; None without one."""
    try:
        data: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    mirrors = tuple(Mirror(item["host"], item["address"], tuple(item["ports"])) for item in data["mirrors"])
    machines = tuple(Machine.from_json(item) for item in data["machines"])
    return Plan(**{**data, "mirrors": mirrors, "machines": machines})


def mirrors(
    bases: Iterable[Path], archives: Iterable[str], known: tuple[Mirror, ...] = ()
) -> tuple[Mirror, ...]:
    """The hosts that apt connects to, each with an address of its own; those that are known keep theirs.

    Args:
        bases: trees, whose own sources are read.
        archives: hosts of vendors.
        known: of the session so far.
    """
    found: dict[str, set[int]] = {host: set(_MIRROR_PORTS) for host in archives}
    for base in bases:
        sources = (base / "etc/apt/sources.list").read_text(encoding="utf-8")
        for url in [*_SOURCE.findall(sources), *_PROXY.findall(host_apt_options())]:
            parts = urlsplit(url)
            if parts.hostname:
                ports = found.setdefault(parts.hostname, set(_MIRROR_PORTS))
                ports.update({parts.port} if parts.port else ())
    new = sorted(set(found) - {mirror.host for mirror in known})
    return known + tuple(
        Mirror(host, _MIRRORS.format(number), tuple(sorted(found[host])))
        for number, host in enumerate(new, len(known) + 1)
    )
