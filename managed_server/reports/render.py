"""``managed render``: a customer's bundles and fragments as files and hashes."""

import json
import shutil
from pathlib import Path
from typing import Any

from managed_server import spec
from managed_server.boundary import outside
from managed_server.bundle import Bundle, build
from managed_server.fragment import build_fragment, fragment_json
from managed_server.inputs import load_project
from managed_server.problems import InputError, Problem, unknown_server
from managed_server.rendering import RenderError
from managed_server.resolve import resolve_stack


def render_stack(root: Path, stack: str, only: str | None, out: Path | None, *, as_json: bool) -> None:
    """Render, write below ``out`` if it is given, and print what was rendered.

    Raises:
        InputError: if the stack file, a template or the server's name is wrong.
    """
    customer, _ = resolve_stack(load_project(root), stack)
    names = [server.name for server in customer.servers]
    if only is not None and only not in names:
        raise unknown_server(customer.stack_file, only, names)
    servers = [server for server in customer.servers if only in (None, server.name)]
    try:
        bundles = [build(root / "templates", customer, server) for server in servers]
    except RenderError as error:
        raise InputError([error.problem]) from error
    if out is not None:
        try:
            for server, bundle in zip(servers, bundles, strict=True):
                _write(out / stack / server.name, customer, server, bundle)
        except OSError as error:
            message = f"can't be written to: {error.strerror or error}"
            raise InputError([Problem(str(error.filename or out), 0, "--out", message)]) from error
    summary: dict[str, Any] = {
        bundle.server: {
            "bundle": bundle.sha256,
            "bytes": len(bundle.content),
            "outside_sla": [entry.as_json() for entry in outside(server)],
            "manifest": bundle.manifest,
        }
        for server, bundle in zip(servers, bundles, strict=True)
    }
    if as_json:
        print(json.dumps({stack: summary}, indent=1))  # noqa: T201
        return
    for server, bundle in zip(servers, bundles, strict=True):
        print(f"{stack} {bundle.server}: bundle {bundle.sha256}, {len(bundle.content)} bytes")  # noqa: T201
        for entry in outside(server):
            print(f"  outside the SLA: {entry}")  # noqa: T201
        for file in bundle.files:
            print(f"  {file.mode} {file.owner}:{file.group} {file.path}")  # noqa: T201


def _is_ours(folder: Path, customer: spec.CustomerSpec, server: spec.ServerSpec) -> bool:
    """Tell whether an earlier run wrote the folder: it holds this server's manifest."""
    try:
        found = json.loads((folder / "manifest.json").read_text())
        return bool(found["customer"] == customer.id and found["server"] == server.name)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _write(folder: Path, customer: spec.CustomerSpec, server: spec.ServerSpec, bundle: Bundle) -> None:
    """Write one server's files, replacing what an earlier run wrote, and nothing else."""
    if folder.exists():
        if folder.is_symlink() or not _is_ours(folder, customer, server):
            message = "exists and was not written by render; name another folder, or remove it yourself"
            raise InputError([Problem(str(folder), 0, "--out", message)])
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for file in bundle.files:
        path = folder / "files" / file.path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    (folder / "manifest.json").write_text(json.dumps(bundle.manifest, indent=1, sort_keys=True) + "\n")
    (folder / f"{bundle.sha256}.tar").write_bytes(bundle.content)
    (folder / "outside-the-sla.txt").write_text("".join(f"{entry}\n" for entry in outside(server)))
    (folder / "fragment.json").write_text(fragment_json(build_fragment(customer, server)))
