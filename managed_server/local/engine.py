"""The Pulumi engine to use: the official one where it is installed, else one built from engine/.

`python -m managed_server.local.engine` finds or builds it, and says where it is.
MANAGED_SERVER_ENGINE=local takes the local one although the official one is installed.
"""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from managed_server.local import engine_terraform
from managed_server.local.engine_build import ensure_engine
from managed_server.local.engine_steps import EngineError, Progress, cache_directory

__all__ = ["Engine", "EngineError", "backend_url", "environment", "find_or_build"]

_PULUMI, _HOST = "pulumi", "pulumi-language-python"


@dataclass(frozen=True)
class Engine:
    """An engine; of the official one, nothing needs to be known, since it is on PATH already."""

    official: bool
    bin_dir: Path | None
    pulumi_home: Path | None
    description: str
    terraform_provider: Path | None = None


def find_or_build(progress: Progress) -> Engine:
    """Return the official engine if it is installed, else the local one, built if it isn't in the cache.

    Args:
        progress: told what happens, in single lines; never called where nothing is built.

    Raises:
        EngineError: something that the local engine needs is missing, or its build failed.
    """
    official = None if os.environ.get("MANAGED_SERVER_ENGINE") == "local" else _official()
    if official:
        return Engine(official=True, bin_dir=None, pulumi_home=None, description=f"Pulumi at {official}")
    home, provider = ensure_engine(progress)
    return Engine(
        official=False,
        bin_dir=home / "bin",
        pulumi_home=home / "home",
        description=f"the local engine at {home}",
        terraform_provider=provider,
    )


def environment(engine: Engine) -> dict[str, str]:
    """Return the variables that make `pulumi` on PATH this engine; it looks for no update and no plugin."""
    shared = {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    if engine.bin_dir is None or engine.pulumi_home is None:
        return shared
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    own = str(engine.bin_dir)
    found = {
        **shared,
        "PATH": os.pathsep.join([own, *(folder for folder in path if folder != own)]),
        "PULUMI_HOME": str(engine.pulumi_home),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SUPPRESS_NEO_LINK": "true",
        engine_terraform.VARIABLE: str(engine.terraform_provider),
        "MANAGED_SERVER_PYTHON_EXEC": str(engine.bin_dir / "pulumi-language-python-exec"),
        "MANAGED_SERVER_SCHEMA_CACHE": str(engine.bin_dir.parent / "schema"),
    }
    if sys.prefix != sys.base_prefix:  # programs run in this virtual environment unless Pulumi.yaml names one
        found["VIRTUAL_ENV"] = sys.prefix
    return found


def backend_url(folder: Path) -> str:
    """Return PULUMI_BACKEND_URL for state in a folder of this machine.

    Pulumi replaces a state file in one step, but not the file of attributes beside it: a kill at
    that moment leaves an empty one, and every later command fails with "failed to load checkpoint: EOF".
    Nothing needs those attributes, and `metadata=skip` leaves them out.
    """
    return f"file://{folder}?metadata=skip"


def _official() -> Path | None:
    """The `pulumi` on PATH that can run Python programs: its language host is beside it or on PATH."""
    cache = cache_directory()
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        found = Path(folder or ".") / _PULUMI
        if not found.is_file() or not os.access(found, os.X_OK) or cache in found.resolve().parents:
            continue
        host = shutil.which(_HOST, path=os.pathsep.join([str(found.resolve().parent), _path_without(cache)]))
        return found if host else None
    return None


def _path_without(cache: Path) -> str:
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if cache not in Path(folder or ".").resolve().parents)


def main() -> int:
    """Find or build the engine, and print what it is."""
    try:
        engine = find_or_build(lambda line: print(f"· {line}", file=sys.stderr, flush=True))  # noqa: T201
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(engine.description)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
