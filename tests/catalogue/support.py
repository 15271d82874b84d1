"""What ran where in the machine tests of databases, backups and the tools of every day."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from managed_server.inputs import load_project
from managed_server.local.debian import run, tree
from managed_server.local.debian.run import Command, Layout, Result, TreeFile, run_all
from managed_server.rendering import render_server
from managed_server.resolve import resolve_stack
from managed_server.spec import CustomerSpec
from tests.conftest import ROOT
from tests.stackfile import STACK, write_stack


def customer(folder: Path, changes: Mapping[str, str] | None = None, more: str = "") -> CustomerSpec:
    """The small customer of tests/stackfile.py, with texts of its stack file replaced, and more lines."""
    text = STACK + more
    for old, new in (changes or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    (folder / "stacks").mkdir(exist_ok=True)
    write_stack(folder, text)
    return resolve_stack(replace(load_project(ROOT), root=folder), "acme")[0]


def files_of(root: Path, spec: CustomerSpec, origins: Sequence[str]) -> dict[str, TreeFile]:
    """The rendered files of some entries, as they stand on the customer's first server."""
    return {
        file.path: TreeFile(file.content, file.owner, file.group, int(file.mode, 8))
        for file in render_server(root / "templates", spec, spec.servers[0])
        if file.origin in origins
    }


def folders_of(spec: CustomerSpec, origins: Sequence[str]) -> str:
    """The shell's lines that make the directories of some entries."""
    return "\n".join(
        f"install -d -o {d.owner} -g {d.group} -m {d.mode} {d.path}"
        for d in spec.servers[0].directories
        if d.origin in origins
    )


def run_script(
    at: Path,
    script: str,
    files: Mapping[str, TreeFile],
    timeout: float = 120,
    env: Mapping[str, str] | None = None,
    users: Sequence[str] = (),
) -> Result:
    """Run a bash script in a throw-away copy of the tree with these files, and these accounts, in it."""
    whole = f"set -u\nip link set lo up\nmkdir -p /var/lib/managed-server/heartbeat\n{script}"
    layout = Layout({**files, "/opt/script": TreeFile(whole.encode())}, users=users)
    return run_all(at, [Command(["bash", "/opt/script"], timeout, dict(env or {}))], layout)[0]


def with_the_hosts_network(patch: pytest.MonkeyPatch) -> None:
    """Let what runs in a tree reach the local AWS. For programs that ask, and none that listen."""
    isolated = tree.isolated
    patch.setattr(run, "isolated", lambda *more: isolated(*(each for each in more if each != "--net")))
