"""Another process, with another hash seed, that renders the same stack files: for comparing bytes.

python -m tests.generated.other FOLDER: reads names of stacks, a line each; answers each with a line of JSON.
"""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from managed_server.fragment import build_fragment, fragment_json
from managed_server.inputs import load_project
from managed_server.problems import InputError
from managed_server.proven import proven
from tests.conftest import ROOT


def hashes(project, stack):
    """What a stack comes to: the sha256 of each server's bundle and fragment, or what is wrong with it."""
    try:
        customer, bundles, _ = proven(project, stack)
    except InputError as error:
        return [str(problem) for problem in error.problems]
    return [
        [
            server.name,
            bundle.sha256,
            hashlib.sha256(fragment_json(build_fragment(customer, server)).encode()).hexdigest(),
        ]
        for server, bundle in zip(customer.servers, bundles, strict=True)
    ]


class Other:
    """The other process, asked from a test."""

    def __init__(self, folder):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.generated.other", folder],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": "4711"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, stack):
        """Begin to render a stack."""
        self._process.stdin.write(f"{stack}\n")
        self._process.stdin.flush()

    def answer(self):
        """Return what it came to."""
        return json.loads(self._process.stdout.readline())

    def end(self):
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()


def main():
    project = replace(load_project(ROOT), drafts=Path(sys.argv[1]))
    for line in sys.stdin:
        print(json.dumps(hashes(project, line.strip())), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
