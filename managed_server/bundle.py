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
_WITH = "with/"
"""Folder of what entries add to the manifests, by their id."""


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
    text = json.dumps(described, indent=1, sort_keys=True, ensure_ascii=True).encode() + b"\n"
    members = {
        "manifest.json": text,
        **{f"files{file.path}": file.content for file in files},
        **_puppet(templates.parent / "puppet", server),
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
        "units": [item(unit, "name", "state", "reload", "ports", "behind") for unit in server.units],
        "timers": [
            {**item(timer), "name": f"managed-{timer.name}.timer", "service": f"managed-{timer.name}.service"}
            for timer in server.timers
        ],
        "setup": [
            item(step, "name", "command", "unless", "before_packages", "before_units")
            for step in server.setup
        ],
    }


def _puppet(folder: Path, server: spec.ServerSpec) -> dict[str, bytes]:
    """Return what carries the bundle out on the server: the same for all, and what some entries add to it."""
    files = READER.tree(folder, frozenset({".md", ".pyc"}))
    found = {f"puppet/{path}": content for path, content in files.items() if not path.startswith(_WITH)}
    for more in (f"{_WITH}{entry.id}.pp" for entry in server.entries):
        if more in files:
            found["puppet/site.pp"] += b"\n" + files[more]
    return found


def _archive(members: dict[str, bytes]) -> bytes:
    """Pack files into a tar whose bytes depend on names and contents alone."""
    parts: list[bytes] = []
    for name, content in sorted(members.items()):
        parts += [_header(name, len(content)), content, bytes(-len(content) % tarfile.BLOCKSIZE)]
    parts.append(bytes(2 * tarfile.BLOCKSIZE))  # says that this is the end
    parts.append(bytes(-sum(map(len, parts)) % tarfile.RECORDSIZE))
    return b"".join(parts)


@lru_cache(maxsize=4096)
def _header(name: str, size: int) -> bytes:
    """Return a member's header: making it takes most of the time of packing, and most bundles share it."""
    info = tarfile.TarInfo(name)  # mtime, owner and group stay zero and empty
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.PAX_FORMAT)
