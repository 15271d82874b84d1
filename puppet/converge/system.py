"""What is on the machine: packages, accounts, its release, and what it remembers of earlier runs."""

import json
import os
import pwd
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import plan

STATE = Path("/var/lib/managed-server/converge/state.json")
# adduser.conf(5) and login.defs(5) of Debian: accounts of people end here.
LAST_PERSON = 59_999


def run(*argv: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
    """Run a program, and take what it says."""
    env = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=timeout, env=env)


def installed_packages() -> frozenset[str]:
    """Names of all packages that are installed whole."""
    told = run("dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package}\n").stdout
    return frozenset(line.split(" ", 1)[1] for line in told.splitlines() if line.startswith("installed "))


def unit_states(names: Sequence[str]) -> dict[str, dict[str, str]]:
    """What systemd says of units, by the names that it was asked for; nothing if it doesn't answer for all.

    Units made from a template, whose files it doesn't list, are left out. In two calls: Puppet asks for each
    twice, and most of what a run without changes takes goes into that.
    """
    told = run("systemctl", "show", "--property=ActiveState,NeedDaemonReload", "--", *names)
    blocks = told.stdout.strip("\n").split("\n\n")
    # Read from the disk: what systemd remembers, as `show` tells it, misses a link that somebody removed.
    files = run(
        *("systemctl", "list-unit-files", "--no-legend", "--no-pager", "--full", "--plain", "--"), *names
    )
    if told.returncode != 0 or files.returncode != 0 or len(blocks) != len(names):
        return {}
    on_disk = dict(line.split()[:2] for line in files.stdout.splitlines())
    return {
        name: {"UnitFileState": on_disk.get(name, ""), **dict(it.split("=", 1) for it in block.splitlines())}
        for name, block in zip(names, blocks, strict=True)
        if "@" not in name
    }


def removable(packages: Iterable[str]) -> list[str]:
    """Return those of these packages whose removal takes no other package along."""
    left = sorted(packages)
    while left:
        takes = _removes(left)
        if takes <= set(left):
            return left
        bad = [package for package in left if not _removes([package]) <= set(left)]
        left = [package for package in left if package not in (bad or left)]
    return []


def _removes(packages: list[str]) -> set[str]:
    told = run("apt-get", "--simulate", "-o", "APT::Get::AutomaticRemove=false", "remove", *packages)
    if told.returncode != 0:
        return {"*"}  # apt refuses: nothing is removed
    return set(re.findall(r"^Remv ([^ :]+)", told.stdout, re.MULTILINE))


def people() -> dict[str, int]:
    """Names and numbers of the accounts that are a person's."""
    found = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return {name: found[name] for name in sorted(found) if plan.FIRST_PERSON <= found[name] <= LAST_PERSON}


def release() -> str:
    """Debian's release number (os-release(5))."""
    found = re.search(r'^VERSION_ID="?([0-9]+)', Path("/etc/os-release").read_text(), re.MULTILINE)
    return found[1] if found else ""


def load_state() -> dict[str, Any]:
    """What earlier runs applied; empty on a new machine."""
    try:
        return dict(json.loads(STATE.read_text()))
    except FileNotFoundError:
        return {"applied": {}, "installed": [], "numbers": {}}


def save_state(state: dict[str, Any]) -> None:
    """Write it in one step: a power cut leaves the old or the new one."""
    write(STATE, json.dumps(state, indent=1, sort_keys=True) + "\n")


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    with open(new, "w", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
