"""A stand-in for vendors' archives, which can't be reached from here: the one place that declares it.

Percona Server comes from Percona's own archive. Here somebody else answers at that archive's name, with
packages of the same names that only depend on what Debian has of the same protocol: MariaDB. The source, its
key, the fingerprint and the upgrade's origin are used as they are on a real server; of the catalogue only the
fingerprint is another one, as nobody has the vendor's key.
"""

import email.utils
import hashlib
import shutil
import subprocess
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STAND_INS = {"percona-server-server": "mariadb-server"}
"""The vendor's package, and Debian's."""
ADDRESS = "203.0.113.200"
NAME = "repo.percona.com"
VERSION = "8.4.0-1"
KEY = "yum/PERCONA-PACKAGING-KEY"


@dataclass(frozen=True)
class Archive:
    """An archive by its place, and what its Release file says of it."""

    path: str
    origin: str = "Percona Development Team"
    label: str = "percona"
    codename: str = "trixie"


SERVER, TELEMETRY = Archive("ps-84-lts/apt"), Archive("telemetry/apt")

NOT_EXERCISED = """
percona: the process' name (mysqld), the accounts' plugin (auth_socket), the telemetry agent that is stopped,
the vendor's key, upgrades that the vendor publishes, and every setting that MariaDB takes in another way.
"""
"""Facts of the catalogue that a stand-in can't show."""


class Vendor:
    """The archive, in a folder that a web server may serve."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fingerprint = (folder / "fingerprint").read_text() if (folder / "fingerprint").exists() else ""

    def make(self) -> None:
        """Make a key, the packages, and the signed lists."""
        if self.fingerprint:
            return
        home = self.folder / "gnupg"
        home.mkdir(parents=True, mode=0o700)
        self._gpg(
            home, "--passphrase", "", "--quick-generate-key", "Stand-in <vendor@hosting.example>", "rsa2048"
        )
        told = self._gpg(home, "--with-colons", "--list-keys")
        fingerprint = next(line.split(":")[9] for line in told.splitlines() if line.startswith("fpr"))
        key = self.folder / "www" / KEY
        key.parent.mkdir(parents=True)
        key.write_text(self._gpg(home, "--armor", "--export"))
        self.fingerprint = fingerprint
        self.publish(SERVER, dict.fromkeys(STAND_INS, VERSION))
        self.publish(TELEMETRY, {})
        (self.folder / "fingerprint").write_text(fingerprint)

    def end(self) -> None:
        """End the agent that holds the key: it began with the first signature, and would stay."""
        command = ["gpgconf", "--homedir", str(self.folder / "gnupg"), "--kill", "gpg-agent"]
        subprocess.run(command, check=False, capture_output=True)

    def publish(self, archive: Archive, packages: Mapping[str, str]) -> None:
        """Let an archive have these packages, by name, in these versions, and no others."""
        top = self.folder / "www" / archive.path
        dist = top / "dists" / archive.codename
        lists = dist / "main" / "binary-amd64"
        lists.mkdir(parents=True, exist_ok=True)
        listed = "".join(self._package(top, *package) for package in packages.items())
        (lists / "Packages").write_text(listed)
        content = (lists / "Packages").read_bytes()
        # The date is that of now: apt takes no list that is older than the one it has.
        release = textwrap.dedent(f"""\
            Origin: {archive.origin}
            Label: {archive.label}
            Suite: {archive.codename}
            Codename: {archive.codename}
            Date: {email.utils.formatdate(usegmt=True)}
            Architectures: amd64
            Components: main
            SHA256:
             {hashlib.sha256(content).hexdigest()} {len(content)} main/binary-amd64/Packages
            """)
        (dist / "Release").write_text(release)
        signed = ("--clearsign", "--yes", "--output", str(dist / "InRelease"), str(dist / "Release"))
        self._gpg(self.folder / "gnupg", *signed)

    def _package(self, top: Path, package: str, version: str) -> str:
        tree = self.folder / "build" / package
        (tree / "DEBIAN").mkdir(parents=True)
        depends = f"Depends: {STAND_INS[package]}\n" if package in STAND_INS else ""
        control = (
            f"Package: {package}\nVersion: {version}\nArchitecture: all\n{depends}"
            "Maintainer: Stand-in <vendor@hosting.example>\nDescription: stand-in of the same name\n"
        )
        (tree / "DEBIAN" / "control").write_text(control)
        pool = top / "pool" / f"{package}_{version.partition(':')[2] or version}_all.deb"
        pool.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "--build", tree, pool], check=True, capture_output=True
        )
        shutil.rmtree(tree)
        content = pool.read_bytes()
        return (
            f"{control}Filename: pool/{pool.name}\nSize: {len(content)}\n"
            f"SHA256: {hashlib.sha256(content).hexdigest()}\n\n"
        )

    @staticmethod
    def _gpg(home: Path, *arguments: str) -> str:
        command = [
            "gpg",
            "--homedir",
            str(home),
            "--batch",
            "--quiet",
            "--pinentry-mode",
            "loopback",
            *arguments,
        ]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def enter(self, root: Path) -> None:
        """Put the stand-in's fingerprint into a copy of the catalogue."""
        path = root / "catalogue" / "software" / "percona.yaml"
        text = path.read_text()
        changed = text.replace("4D1BB29D63D98E422B2113B19334A25F8507EFA5", self.fingerprint)
        assert changed != text or self.fingerprint in text
        path.write_text(changed)
