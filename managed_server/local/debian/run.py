"""Runs programs in a throw-away copy of a Debian tree, cut off from the host and its network.

Each call makes new mount, process, network, host-name and IPC namespaces, with an overlay in
memory on the tree. A firewall rule, a daemon or a file that a program makes ends with the call,
and with the caller, however that ends.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from managed_server.local.debian.host import PROGRAMS, DebianError, check_host
from managed_server.local.debian.tree import in_use, isolated

_FIRST_OWN_ID = 2000  # of accounts that a layout adds; Debian's own end below
_SPARE_SECONDS = 30  # for mounts and start, beyond the commands' own limits
_ACCOUNTS = {
    # one line of each database for a new account: passwd(5), group(5), shadow(5)
    "/etc/passwd": "{name}:x:{number}:{number}::/home/{name}:/bin/bash\n",
    "/etc/group": "{name}:x:{number}:\n",
    "/etc/shadow": "{name}:*:19000:0:99999:7:::\n",
}


class TreeFile(NamedTuple):
    """A file to write: its bytes, who owns it (names that the tree or the layout knows), its mode."""

    content: bytes
    owner: str = "root"
    group: str = "root"
    mode: int = 0o644


@dataclass(frozen=True)
class Layout:
    """What a machine has beyond its packages; paths are absolute."""

    files: Mapping[str, TreeFile] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    absent: Sequence[str] = ()
    users: Sequence[str] = ()
    """Accounts to add, each with a group of its name; those that the tree has already are left alone."""
    hostname: str = "localhost"


@dataclass(frozen=True)
class Command:
    """A program to run, with its time limit in seconds."""

    argv: Sequence[str]
    timeout: float = 30
    env: Mapping[str, str] = field(default_factory=dict)
    input: bytes = b""


@dataclass(frozen=True)
class Result:
    """What a command did. `code` is minus the signal's number for one that was killed."""

    code: int
    timed_out: bool
    stdout: str
    stderr: str
    syslog: str
    seconds: float


def run_in_tree(
    tree: Path, argv: Sequence[str], files: Mapping[str, TreeFile] | None = None, *, timeout: float = 30
) -> subprocess.CompletedProcess[str]:
    """Runs one program in a throw-away overlay of the tree, with these files in it.

    Args:
        tree: a root that `ensure_tree` returned.
        argv: the program, found on the tree's PATH, and its arguments.
        files: what to write before it starts, by absolute path.
        timeout: seconds.

    Raises:
        DebianError: the files can't be written (unknown owner, relative path), or the host lacks something.
        subprocess.TimeoutExpired: the program took longer; it has been ended.
    """
    result = run_all(tree, [Command(argv, timeout)], Layout(files or {}))[0]
    if result.timed_out:
        raise subprocess.TimeoutExpired(list(argv), timeout, result.stdout, result.stderr)
    return subprocess.CompletedProcess(list(argv), result.code, result.stdout, result.stderr)


def run_all(tree: Path, commands: Sequence[Command], layout: Layout) -> list[Result]:
    """Runs programs one after the other in the same overlay, so that each sees what the others did.

    Raises:
        DebianError: as `run_in_tree`; a time limit shows in the result.
    """
    check_host([program for program in PROGRAMS if program != "mmdebstrap"])
    request = json.dumps(_request(tree, commands, layout))
    limit = sum(command.timeout for command in commands) + _SPARE_SECONDS
    argv = [
        *isolated("--net", "--uts", "--ipc"),
        sys.executable,
        "-I",
        str(Path(__file__).with_name("inside.py")),
    ]
    env = {**os.environ, "LC_ALL": "C"}
    with in_use(tree):
        try:
            done = subprocess.run(
                argv, input=request, capture_output=True, text=True, check=False, timeout=limit, env=env
            )
        except subprocess.TimeoutExpired as error:
            raise DebianError(f"the tree didn't answer within {limit:.0f} s") from error
    if done.returncode != 0:
        raise DebianError(f"can't run a program in {tree}: {done.stderr.strip() or done.returncode}")
    return [Result(**answer) for answer in json.loads(done.stdout)]


def _request(tree: Path, commands: Sequence[Command], layout: Layout) -> dict[str, Any]:
    databases = {path: (tree / path[1:]).read_text(encoding="utf-8") for path in _ACCOUNTS}
    files = dict(_account_files(databases, layout.users))
    users, groups = _numbers(databases["/etc/passwd"]), _numbers(databases["/etc/group"])
    for path, file in layout.files.items():
        if path in files:
            raise DebianError(f"{path}: list accounts in the layout's users instead")
        files[path] = TreeFile(*file)
    entries = []
    for path, file in files.items():
        if file.owner not in users or file.group not in groups:
            raise DebianError(f"{path}: neither the tree nor the layout has {file.owner}:{file.group}")
        entries.append({
            "path": _absolute(path), "content": base64.b64encode(file.content).decode(), "mode": file.mode,
            "uid": users[file.owner], "gid": groups[file.group],
        })  # fmt: skip
    return {
        "lower": str(tree), "place": str(tree.parent / "mnt"), "hostname": layout.hostname, "files": entries,
        "links": {_absolute(link): target for link, target in layout.links.items()},
        "absent": [_absolute(path) for path in layout.absent],
        "commands": [
            {
                "argv": list(command.argv), "timeout": command.timeout, "env": dict(command.env),
                "input": base64.b64encode(command.input).decode(),
            }
            for command in commands
        ],
    }  # fmt: skip


def _account_files(databases: dict[str, str], names: Sequence[str]) -> dict[str, TreeFile]:
    """Adds accounts to the databases, and returns those that changed as files."""
    have = set(_numbers(databases["/etc/passwd"])) | set(_numbers(databases["/etc/group"]))
    new = [name for name in dict.fromkeys(names) if name not in have]
    for path, line in _ACCOUNTS.items():
        databases[path] += "".join(
            line.format(name=name, number=_FIRST_OWN_ID + index) for index, name in enumerate(new)
        )
    if not new:
        return {}
    private = {"/etc/shadow": TreeFile(b"", "root", "shadow", 0o640)}
    return {
        path: private.get(path, TreeFile(b""))._replace(content=databases[path].encode())
        for path in _ACCOUNTS
    }


def _numbers(database: str) -> dict[str, int]:
    return {
        fields[0]: int(fields[2]) for fields in (line.split(":") for line in database.splitlines() if line)
    }


def _absolute(path: str) -> str:
    if not path.startswith("/") or ".." in PurePosixPath(path).parts:
        raise DebianError(f"{path}: not an absolute path")
    return path
