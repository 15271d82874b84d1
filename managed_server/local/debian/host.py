"""What the host brings to a tree: its programs, its apt sources and its apt settings, read at run time."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
PROGRAMS = ("mmdebstrap", "mount", "setpriv", "unshare", "apt-get", "apt-config")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
CERTIFICATES = Path("/usr/local/share/ca-certificates")

# What apt needs to reach its mirror, and what makes a frozen mirror acceptable to it: apt.conf(5).
_REACHING_THE_MIRROR = re.compile(
    r"^Acquire::(https?|Check-[A-Za-z-]+|Retries|By-Hash|ForceIPv[46])\b", re.IGNORECASE
)


class DebianError(Exception):
    """A tree can't be built or used here; the text says why, and what to do."""


def _lines(name: str) -> list[str]:
    text = (HERE / name).read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def host_packages() -> list[str]:
    """Debian packages that the host needs, from host-packages.txt."""
    return _lines("host-packages.txt")


@cache
def codenames() -> dict[int, str]:
    """Code name by release number, from releases.txt."""
    return {int(number): name for number, name in (line.split() for line in _lines("releases.txt"))}


def check_host(programs: Sequence[str] = PROGRAMS) -> None:
    """Make sure that this process may build and use trees.

    Raises:
        DebianError: it isn't root, or a program is missing.
    """
    if os.geteuid() != 0:
        raise DebianError("a Debian tree needs root (it mounts and changes root): run this as root")
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        install = "apt-get install --no-install-recommends " + " ".join(host_packages())
        raise DebianError(f"not found on this host: {', '.join(missing)}; install with: {install}")


def _output(argv: Sequence[str]) -> str:
    env = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env)
    if done.returncode != 0:
        raise DebianError(f"{' '.join(argv)} failed ({done.returncode}): {done.stderr.strip()}")
    return done.stdout


def sources(codename: str, host_codename: str, index_targets: str) -> list[str]:
    """The sources.list lines of a release, from those of the host.

    Args:
        codename: of the tree to build.
        host_codename: of the host, empty where it isn't Debian.
        index_targets: lines of `URI|release|component`, as apt lists the host's own.

    Returns:
        One line for each of the host's Debian sources (release, updates, security) with its
        mirror kept and its code name replaced; empty where the host has none, and the builder's
        own default then holds.
    """
    option = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    found = []
    for line in index_targets.splitlines():
        uri, release, component = line.split("|")
        base, _, suffix = release.partition("-")
        if host_codename and base == host_codename and suffix in {"", "updates", "security"}:
            found.append(f"deb {option}{uri} {codename}{'-' if suffix else ''}{suffix} {component}")
    # Without the release itself, updates and security alone make no tree.
    has_release = any(f" {codename} " in line for line in found)
    return sorted(set(found)) if has_release else []


def host_sources(codename: str) -> list[str]:
    """`sources` for this host."""
    release_file = Path("/etc/os-release").read_text(encoding="utf-8")
    facts = dict(line.split("=", 1) for line in release_file.splitlines() if "=" in line)
    is_debian = facts.get("ID", "").strip('"') == "debian"
    host_codename = facts.get("VERSION_CODENAME", "").strip('"') if is_debian else ""
    wanted = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    targets = _output(["apt-get", "indextargets", "--format", wanted, "Identifier: Packages"])
    return sources(codename, host_codename, targets)


def reaching_options(dump: str) -> str:
    """Of an `apt-config dump`, the settings that say how to reach the mirror."""
    return "".join(f"{line}\n" for line in dump.splitlines() if _REACHING_THE_MIRROR.match(line))


def host_apt_options() -> str:
    """`reaching_options` of this host, as the text of an apt.conf file."""
    return reaching_options(_output(["apt-config", "dump", "--no-empty"]))
