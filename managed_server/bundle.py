"""The bundle: one server's files and manifest as a deterministic archive, named by its sha256.

The archive is an uncompressed tar: compressed bytes differ between zlib builds, and the same input must give
the same sha256 on any machine (docs/adr/0006).
"""

import hashlib
import json
import tarfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from managed_server import spec
from managed_server.reading import READER
from managed_server.rendering import RenderedFile, render_server

SCHEMA = 2
"""Version of the manifest's layout; the machine refuses one that it does not know."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """One server's bundle."""

    server: str
    sha256: str
    content: bytes
    manifest: dict[str, Any]
    files: tuple[RenderedFile, ...]


def build(templates: Path, customer: spec.CustomerSpec, server: spec.ServerSpec) -> Bundle:
    """Render a server and pack it.

    Raises:
        RenderError: if a template can't be rendered.
    """
    files = render_server(templates, customer, server)
    described = manifest(customer, server, files)
    text = as_text(described).encode() + b"\n"
    members = {
        "manifest.json": text,
        **{f"files{file.path}": file.content for file in files},
        **_puppet(templates.parent / "puppet"),
    }
    content = _archive(members)
    return Bundle(server.name, hashlib.sha256(content).hexdigest(), content, described, files)


def manifest(
    customer: spec.CustomerSpec, server: spec.ServerSpec, files: tuple[RenderedFile, ...]
) -> dict[str, Any]:
    """Describe what a server must be brought to (puppet/README.md says what each part means)."""

    def item(part: Any, *fields: str) -> dict[str, Any]:
        described = {name: getattr(part, name) for name in fields}
        needs = server.needs(part.origin)
        return {**described, "needs": needs} if needs else described

    return {
        "schema": SCHEMA,
        "customer": customer.id,
        "server": server.name,
        "debian": server.debian,
        "apt_sources": [
            {
                name: getattr(source, name)
                for name in ("name", "uri", "suite", "components", "key_fingerprint", "key_url")
            }
            for source in server.apt_sources
        ],
        "packages": server.packages,
        "vendor_packages": server.vendor_packages,
        "groups": server.groups,
        "users": [
            {
                "name": user.name,
                "groups": user.groups,
                "expires": user.expires.isoformat() if user.expires else None,
            }
            for user in server.users
        ],
        "directories": [item(d, "path", "owner", "group", "mode", "once") for d in server.directories],
        "files": [
            {
                **item(file, "path", "owner", "group", "mode", "once", "notify"),
                "validate": file.validate_with,
                "sha256": hashlib.sha256(file.content).hexdigest(),
            }
            for file in files
        ],
        "secrets": [
            item(s, "path", "owner", "group", "mode", "notify", "parameter", "text") for s in server.secrets
        ],
        "links": [item(link, "path", "target", "notify") for link in server.links],
        "removed": [item(gone, "path", "notify") for gone in server.removed],
        "units": [item(unit, "name", "state", "reload") for unit in server.units],
        "timers": [
            {**item(timer), "name": f"managed-{timer.name}.timer", "service": f"managed-{timer.name}.service"}
            for timer in server.timers
        ],
        "setup": [item(step, "name", "command", "unless") for step in server.setup],
    }


def _puppet(folder: Path) -> dict[str, bytes]:
    """Return what carries the bundle out on the server: the same for all."""
    files = READER.tree(folder, frozenset({".md", ".pyc"}))
    return {f"puppet/{path}": content for path, content in files.items()}


def as_text(described: dict[str, Any]) -> str:
    """Return what ``json.dumps`` makes of a manifest with an indent of 1 and sorted keys, many times as fast.

    Most items of most servers are the same, and are written out once.
    """
    parts = []
    for key, value in sorted(described.items()):
        text = json.dumps(value)
        if isinstance(value, list | tuple) and value:
            items = [_indented(tuple(item.items()) if isinstance(item, dict) else item) for item in value]
            text = "[\n  " + ",\n  ".join(items) + "\n ]"
        parts.append(f"{json.dumps(key)}: {text}")
    return "{\n " + ",\n ".join(parts) + "\n}"


@lru_cache(maxsize=8192)
def _indented(item: str | tuple[tuple[str, Any], ...]) -> str:
    """Write an item of a list, a text or a dict's items; no text in JSON has a line feed of its own."""
    value = item if isinstance(item, str) else dict(item)
    return json.dumps(value, indent=1, sort_keys=True).replace("\n", "\n  ")


_BLOCK, _RECORD = tarfile.BLOCKSIZE, tarfile.RECORDSIZE


@lru_cache(maxsize=8192)
def _header(name: str, size: int) -> bytes:
    """Return a member's header; most members of most bundles have one in common."""
    info = tarfile.TarInfo(name)  # mtime, owner and group stay zero and empty
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.PAX_FORMAT)


def _archive(members: dict[str, bytes]) -> bytes:
    """Pack files into a tar whose bytes depend on names and contents alone."""
    parts = []
    for name, content in sorted(members.items()):
        parts += [_header(name, len(content)), content, bytes(-len(content) % _BLOCK)]
    parts.append(bytes(2 * _BLOCK))
    parts.append(bytes(-sum(map(len, parts)) % _RECORD))
    return b"".join(parts)
