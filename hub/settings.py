"""What the hub's bundle tells the programs of this package."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIGURATION = Path("/etc/managed-server/hub")
STATE = Path("/var/lib/managed-server/hub")
HEARTBEATS = Path("/var/lib/managed-server/heartbeat")


@dataclass(frozen=True)
class Settings:
    """Of this hub: ``hub.json``."""

    hub: str
    provider: str
    """Name of the company."""
    bucket: str
    """The fleet bucket."""
    region: str
    topic: str
    """ARN of the topic by which a page goes out when mail doesn't."""
    certificate: str
    """Path of the hub's own certificate, which it shows to NRPE."""
    mail_from: str
    message: str
    """Path of the template of what people are told."""
    downtime_minutes: int
    """How long a maintenance window pages nobody."""
    status_file: str
    """Where the monitoring daemon writes what it knows."""
    command_file: str
    """Where it takes commands."""
    mail_queue: tuple[str, ...]
    """Lists the messages that the relay has not taken yet: a line of JSON each, as postqueue(1) does."""
    mail_to: tuple[str, ...]
    """The provider's own addresses: pages and tickets go there."""
    instance_id_file: str
    """Where the machine's instance id stands."""
    metric_namespace: str
    metric: str
    """By which CloudWatch is told that the hub is alive."""


@dataclass(frozen=True)
class Part:
    """What one entry of the hub makes of the fleet: ``parts/<name>.json``, and templates of its own."""

    name: str
    templates: Path
    each: dict[str, str]
    """Path below the part's folder, with ``{host}`` in it, and the template: for each server."""
    together: dict[str, str]
    """The same for what is made of all servers."""
    verify: tuple[str, ...]
    """A program that must accept the files before they are used, or nothing; ``{tree}`` is where they lie."""
    changed: tuple[str, ...]
    """What is run when they have changed, or nothing."""


def load(folder: Path = CONFIGURATION) -> Settings:
    """Read the settings.

    Raises:
        OSError, ValueError, TypeError: the file isn't what the bundle writes.
    """
    return Settings(**json.loads((folder / "hub.json").read_text(encoding="utf-8")))


def load_parts(folder: Path = CONFIGURATION) -> tuple[Part, ...]:
    """Read all parts, by name.

    Raises:
        OSError, ValueError, KeyError: a file isn't what the bundle writes.
    """
    return tuple(
        _part(path.stem, json.loads(path.read_text(encoding="utf-8")))
        for path in sorted((folder / "parts").glob("*.json"))
    )


def _part(name: str, data: dict[str, Any]) -> Part:
    return Part(
        name,
        Path(data["templates"]),
        dict(data["each"]),
        dict(data["together"]),
        tuple(data["verify"]),
        tuple(data["changed"]),
    )
