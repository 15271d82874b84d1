"""Builds the local engine once, into a cache keyed by what it is built from."""

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from managed_server.local import engine_steps, engine_terraform, toolchain
from managed_server.local.engine_steps import SOURCES, Progress, cache_directory, run_step

_UNUSED = 14 * 86_400  # seconds after which an engine of another key is removed (250 MB each)
_CLI = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_SDK = "github.com/pulumi/pulumi/sdk/v3"


def engine_key(go_version: str, terraform_provider: Path) -> str:
    """The engine's name, 16 hex digits of what it is made of: sources, builder, Go, Terraform provider."""
    digest = hashlib.sha256()
    for path in source_files():
        digest.update(f"{path.relative_to(SOURCES)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    for builder in (__file__, engine_steps.__file__):
        digest.update(Path(builder).read_bytes())
    # The provider has 700 MB: its size and time stand for its content.
    stat = terraform_provider.stat()
    digest.update(repr((go_version, str(terraform_provider), stat.st_size, stat.st_mtime_ns)).encode())
    return digest.hexdigest()[:16]


def source_files() -> list[Path]:
    """The files that an engine is built from, sorted; Go's tests are none of them."""
    found = (path for path in SOURCES.rglob("*") if path.suffix in {".go", ".mod", ".sum", ".json"})
    return sorted(path for path in found if not path.name.endswith("_test.go"))


def ensure_engine(progress: Progress) -> tuple[Path, Path]:
    """Return the folder of the engine, built if it isn't in the cache, and the Terraform provider it is for.

    Raises:
        EngineError: something is missing, or a step failed.
    """
    provider = engine_terraform.find_terraform_provider()
    go = toolchain.find_go()
    cache = cache_directory()
    home = cache / engine_key(go.version, provider)
    if not home.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache, progress):
            if not home.is_dir():
                _build(home, toolchain.install_go(go, progress), provider, progress)
                _forget_unused(cache, home)
    os.utime(home)
    return home, provider


@contextmanager
def _locked(cache: Path, progress: Progress) -> Iterator[None]:
    with (cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("another process builds the local engine: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield  # closing the file, or dying, lets go of it


def _build(home: Path, go: Path, provider: Path, progress: Progress) -> None:
    started = time.monotonic()
    progress("building the local Pulumi engine (once; about 8 minutes where nothing of it is cached)")
    for left in home.parent.glob("tmp-engine-*"):  # a killed build's; nobody else builds now
        shutil.rmtree(left)
    unfinished = Path(tempfile.mkdtemp(prefix="tmp-engine-", dir=home.parent))
    try:
        _build_into(unfinished, go, provider, home.parent / "logs" / home.name, progress)
        unfinished.chmod(0o755)
        unfinished.rename(home)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    progress(f"the local engine is built, in {time.monotonic() - started:.0f} s: {home}")


def _build_into(folder: Path, go: Path, provider: Path, logs: Path, progress: Progress) -> None:
    # Settings of the user must not change what is built; the user's module and build caches are used.
    own = {name: value for name, value in os.environ.items() if name not in {"GOROOT", "GOOS", "GOARCH"}}
    environ = {**own, "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-mod=readonly"}
    binaries, plugin = folder / "bin", folder / "pulumi-resource-aws"
    binaries.mkdir()
    pulumi = _pinned("cli", _SDK)
    for number, (module, package, target, flags) in enumerate(
        [
            ("cli", _CLI, binaries / "pulumi", f" -X {_SDK}/go/common/version.Version={pulumi}"),
            ("language-host", ".", binaries / "pulumi-language-python", ""),
            ("aws-provider", ".", plugin, ""),
        ],
        start=1,
    ):
        run_step(
            f"building engine/{module} ({number} of 3)",
            [go, "build", "-buildvcs=false", "-ldflags", f"-s -w{flags}", "-o", target, package],
            folder=SOURCES / module,
            environ=environ,
            log=logs / f"{module}.log",
            progress=progress,
        )
    _add_python_executor(binaries, go, environ, logs, progress)
    _install_plugin(folder, plugin, provider, logs, progress)


def _add_python_executor(
    binaries: Path, go: Path, environ: dict[str, str], logs: Path, progress: Progress
) -> None:
    """Copy Pulumi's own start of a Python program out of the sdk's module, beside the language host."""
    log = logs / "sdk.log"
    run_step(
        "looking up the Pulumi SDK's module",
        [go, "list", "-m", "-f", "{{.Dir}}", _SDK],
        folder=SOURCES / "language-host",
        environ=environ,
        log=log,
        progress=progress,
    )
    module = Path(log.read_text().splitlines()[-1])
    name = "pulumi-language-python-exec"
    shutil.copyfile(module / "python" / "cmd" / name, binaries / name)


def _install_plugin(folder: Path, plugin: Path, provider: Path, logs: Path, progress: Progress) -> None:
    """Put the provider into the plugin cache, where `pulumi` looks first, and keep its restricted schema."""
    home, schema = folder / "home", folder / "schema"
    home.mkdir()
    schema.mkdir()
    environ = {
        **os.environ,
        "PULUMI_HOME": str(home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        engine_terraform.VARIABLE: str(provider),
        "MANAGED_SERVER_SCHEMA_CACHE": str(schema),
    }
    version = engine_terraform.versions()["aws-plugin"]
    run_step(
        "installing the AWS provider as a plugin",
        [folder / "bin" / "pulumi", *("plugin", "install", "resource", "aws", version, "--file"), plugin],
        folder=folder,
        environ=environ,
        log=logs / "plugin.log",
        progress=progress,
    )
    run_step(
        "reading the Terraform provider's schema",
        [plugin, "names"],
        folder=folder,
        environ=environ,
        log=logs / "names.log",
        progress=progress,
    )
    plugin.unlink()


def _pinned(module: str, name: str) -> str:
    match = re.search(
        rf"^\s*{re.escape(name)} (v\S+)", (SOURCES / module / "go.mod").read_text(), re.MULTILINE
    )
    if match is None:
        raise engine_steps.EngineError(f"engine/{module}/go.mod pins no {name}")
    return match.group(1)


def _forget_unused(cache: Path, keep: Path) -> None:
    for other in cache.iterdir():
        is_engine = re.fullmatch(r"[0-9a-f]{16}", other.name)
        if is_engine and other != keep and time.time() - other.stat().st_mtime > _UNUSED:
            shutil.rmtree(other, ignore_errors=True)
            shutil.rmtree(cache / "logs" / other.name, ignore_errors=True)
