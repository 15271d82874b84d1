"""The bundle: one server's files and manifest as a deterministic archive, named by its sha256.

The archive is an uncompressed tar: compressed bytes differ between zlib builds, and the same input must give
the same sha256 on any machine (docs/adr/0006).
"""

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from managed_server import spec
from managed_server.rendering import RenderedFile, render_server

SCHEMA = 1
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
    text = json.dumps(described, indent=1, sort_keys=True, ensure_ascii=True).encode() + b"\n"
    members = {"manifest.json": text, **{f"files{file.path}": file.content for file in files}}
    content = _archive(members)
    return Bundle(server.name, hashlib.sha256(content).hexdigest(), content, described, files)


def manifest(
    customer: spec.CustomerSpec, server: spec.ServerSpec, files: tuple[RenderedFile, ...]
) -> dict[str, Any]:
    """Describe what a server must be brought to, for converge."""
    return {
        "schema": SCHEMA,
        "customer": customer.id,
        "server": server.name,
        "debian": server.debian,
        "packages": list(server.packages),
        "vendor_packages": list(server.vendor_packages),
        "files": [
            {
                "path": file.path,
                "owner": file.owner,
                "group": file.group,
                "mode": file.mode,
                "sha256": hashlib.sha256(file.content).hexdigest(),
                "notify": list(file.notify),
                "validate": file.validate_with,
            }
            for file in files
        ],
        "directories": [
            {"path": d.path, "owner": d.owner, "group": d.group, "mode": d.mode} for d in server.directories
        ],
        "links": [
            {"path": link.path, "target": link.target, "notify": list(link.notify)} for link in server.links
        ],
        "removed": [{"path": gone.path, "notify": list(gone.notify)} for gone in server.removed],
        "units": [{"name": unit.name, "state": unit.state, "reload": unit.reload} for unit in server.units],
        "timers": [f"managed-{timer.name}.timer" for timer in server.timers],
        "users": [
            {
                "name": user.name,
                "admin": user.admin,
                "expires": user.expires.isoformat() if user.expires else None,
            }
            for user in customer.users
        ],
    }


def _archive(members: dict[str, bytes]) -> bytes:
    """Pack files into a tar whose bytes depend on names and contents alone."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in sorted(members.items()):
            info = tarfile.TarInfo(name)  # mtime, owner and group stay zero and empty
            info.size, info.mode = len(content), 0o600
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
