"""`make bench`: how a customer's commands grow with its servers, and where the time goes. It asserts nothing.

python tests/bench_servers.py            1, 5 and 20 servers
python tests/bench_servers.py 1 5        these numbers
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.e2e.accounts import end_logs  # noqa: E402 - the path is set just above
from tests.e2e.support import UP, Clone, copy_repository  # noqa: E402
from tests.stackfile import STACK, write_stack  # noqa: E402

_DONE = re.compile(r"^ [+-]\s+(aws:\S+) \S+ (?:created|deleted) \((\d+(?:\.\d+)?)s\)", re.MULTILINE)
_SLOWEST = 5


def stack_file(servers: int) -> str:
    """Return the stack file of a customer with so many servers, all alike."""
    head, server = STACK.split("      web1:\n")
    return head + "".join(
        f"      web{number}:\n{server.replace('www.acme', f'www{number}.acme')}"
        for number in range(1, servers + 1)
    )


def timed(name: str, clone: Clone, *command: str) -> str:
    """Run Pulumi once, and print how long it took, in seconds; return what it said."""
    start = time.perf_counter()
    done = clone.pulumi(*command, timeout=3600)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stdout}{done.stderr}")
    print(f"  {name:<34} {seconds:8.2f} s", flush=True)  # noqa: T201
    return done.stdout


def slowest(said: str) -> None:
    """Print which kinds took longest; what waits at the same time is counted each time."""
    kinds: dict[str, list[float]] = defaultdict(list)
    for kind, seconds in _DONE.findall(said):
        kinds[kind].append(float(seconds))
    for kind, each in sorted(kinds.items(), key=lambda item: -max(item[1]))[:_SLOWEST]:
        print(f"    {kind:<40} {len(each):4} x, longest {max(each):6.2f} s, together {sum(each):8.2f} s")  # noqa: T201


def measure(servers: int) -> None:
    """Measure a customer of so many servers, from nothing to nothing."""
    folder = Path(tempfile.mkdtemp(prefix="managed-server-bench-"))
    clone = Clone(copy_repository(folder / "clone"), {}, "acme")
    write_stack(clone.path, stack_file(servers))
    try:
        done = clone.managed("local", "up", "hub")
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        clone.point_at_local_aws()
        clone.pulumi("stack", "init")
        print(f"{servers} servers", flush=True)  # noqa: T201
        start = time.perf_counter()
        subprocess.run(
            [clone.path / ".venv/bin/python", "-m", "managed_server.cli", "check", "acme"],
            cwd=clone.path, check=True, capture_output=True,
        )  # fmt: skip
        print(f"  {'check (loads, resolves, renders)':<34} {time.perf_counter() - start:8.2f} s")  # noqa: T201
        slowest(timed("up, from nothing", clone, *UP, "--yes"))
        timed(
            "no-op preview, with policies",
            clone,
            "preview",
            "--expect-no-changes",
            "--policy-pack",
            "policies",
        )
        timed("no-op preview", clone, "preview", "--expect-no-changes")
        timed("refresh", clone, "refresh", "--yes", "--skip-preview", "--expect-no-changes")
        clone.pulumi("state", "unprotect", "--all", "--yes")
        end_logs(clone, "acme")
        slowest(timed("destroy", clone, "destroy", "--yes", "--skip-preview"))
    finally:
        clone.managed("local", "down")
        shutil.rmtree(folder)


def main() -> None:
    """Measure."""
    for servers in [int(number) for number in sys.argv[1:]] or [1, 5, 20]:
        measure(servers)


if __name__ == "__main__":
    main()
