"""`make bench`: how long things take, as medians of whole processes. It asserts nothing; it measures.

python tests/bench.py            the offline part (up to 1,000 customers), the no-op preview, and a warm `up`
python tests/bench.py --offline  without the engine
"""

import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.conftest import copy_inputs  # noqa: E402 - the path is set just above
from tests.e2e.support import Clone, copy_repository  # noqa: E402
from tests.fleet import write_fleet  # noqa: E402

_CUSTOMERS = (10, 100, 1000)
_LOOKS_S = 0.2


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


def fleet(customers: int, managed: list[str], folder: Path) -> None:
    """Check so many customers of three servers each, once, and print seconds and memory."""
    inputs = copy_inputs(folder / f"fleet-{customers}")
    for path in (inputs / "stacks").glob("*.yaml"):
        path.unlink()
    write_fleet(inputs / "stacks", customers)
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = subprocess.Popen([*managed, "check", "--root", str(inputs)], stdout=out, stderr=err)
        most = 0
        while process.poll() is None:
            most = max(most, together(process.pid))
            time.sleep(_LOOKS_S)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"check of {customers} customers failed:\n{(folder / 'err').read_text()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    computed = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(  # noqa: T201
        f"{f'check and render of {customers} customers':<44} {seconds:8.2f} s  "
        f"(processors: {computed:.2f} s; all its processes: {most / 1024:.0f} MB at most)",
        flush=True,
    )
    shutil.rmtree(inputs)


def together(pid: int) -> int:
    """Return the kB of a process and of those that it started: what several share counts once (PSS)."""
    try:
        started = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return 0
    found = re.search(r"^Pss: +([0-9]+) kB$", text, re.MULTILINE)
    return int(found[1] if found else 0) + sum(together(int(child)) for child in started)


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
        for customers in _CUSTOMERS:
            fleet(customers, managed, folder)
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
