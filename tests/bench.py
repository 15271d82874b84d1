"""`make bench`: how long things take, as medians of whole processes. It asserts nothing; it measures.

python tests/bench.py            the offline part, the no-op preview, and a warm `up`
python tests/bench.py --offline  without the engine
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.e2e.support import Clone, copy_repository  # noqa: E402 - the path is set just above


def timed(name: str, command: list[str], runs: int, cwd: Path, environ: dict[str, str]) -> None:
    """Run a command several times, and print the median, the fastest and the slowest, in seconds."""
    seconds = []
    for _ in range(runs + 1):  # the first one warms caches, and does not count
        start = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds.append(time.perf_counter() - start)
        if done.returncode:
            raise SystemExit(f"{name} failed:\n{done.stdout}{done.stderr}")
    report(name, seconds[1:])


def report(name: str, seconds: list[float]) -> None:
    """Print one row."""
    low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
    print(f"{name:<44} {middle:8.2f} s  ({low:.2f} to {high:.2f}, {len(seconds)} runs)", flush=True)  # noqa: T201


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offline", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="managed-server-bench-"))
    clone = Clone(copy_repository(folder / "clone"), {})
    python = str(clone.path / ".venv" / "bin" / "python")
    managed = [python, "-m", "managed_server.cli"]
    try:
        timed(
            "check and render of the example", [*managed, "check", "example"], 7, clone.path, dict(os.environ)
        )
        if not options.offline:
            start = time.perf_counter()
            done = clone.managed("local", "up", "example")
            if done.returncode:
                raise SystemExit(done.stdout + done.stderr)
            report("warm `up`, local AWS started, from nothing", [time.perf_counter() - start])
            clone.point_at_local_aws()
            policies = ["--policy-pack", "policies"]
            preview = ["pulumi", "preview", "-s", "example", "--non-interactive", "--expect-no-changes"]
            timed("no-op preview", preview, 5, clone.path, clone.environ)
            timed("no-op preview with policies", [*preview, *policies], 5, clone.path, clone.environ)
            refresh = ["pulumi", "refresh", "-s", "example", "--yes", "--non-interactive"]
            timed("refresh", refresh, 3, clone.path, clone.environ)
            timed("second `up`", [*managed, "local", "up", "example"], 3, clone.path, dict(os.environ))
    finally:
        clone.managed("local", "down")
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
