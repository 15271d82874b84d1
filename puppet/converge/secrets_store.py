"""Secrets: fetched from the parameter store, and laid out in memory for Puppet to put in place.

None is in a bundle, a report or a log. Where one can't be had, the file that stands stays as it is.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

STAGE = Path("/run/managed-server/secrets")
AT_ONCE = 10  # names that one call of GetParameters takes
TIMEOUT = 60  # seconds


def stage(wanted: list[dict[str, Any]], region: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Fetch the manifest's secrets.

    Returns:
        Those that were had, each with the `source` of its file; the names of those that can't be had, and
        that the machine has never had.
    """
    clear()
    if not wanted:
        return [], []
    found = fetch(sorted({secret["parameter"] for secret in wanted}), region)
    had, missing = [], []
    STAGE.mkdir(mode=0o700, parents=True)
    for number, secret in enumerate(wanted):
        value = found.get(secret["parameter"])
        if value is not None:
            source = STAGE / str(number)
            with open(source, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(secret["text"].replace("{secret}", value))
            had.append({**secret, "source": str(source)})
        elif not Path(secret["path"]).exists():
            missing.append(secret["parameter"])
        else:
            print(f"converge: can't fetch {secret['parameter']}: {secret['path']} stays", file=sys.stderr)
    return had, missing


def fetch(names: list[str], region: str) -> dict[str, str]:
    """Return the secrets that can be had, by their names."""
    found: dict[str, str] = {}
    for first in range(0, len(names), AT_ONCE):
        some = names[first : first + AT_ONCE]
        argv = ["aws", "--region", region, "--output", "json", "ssm", "get-parameters"]
        argv += ["--with-decryption", "--names", *some]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=TIMEOUT)
        except (OSError, subprocess.TimeoutExpired) as error:
            print(f"converge: secrets: {error}", file=sys.stderr)
            continue
        if done.returncode != 0:
            print(f"converge: secrets: {done.stderr.strip()}", file=sys.stderr)
            continue
        found |= {each["Name"]: each["Value"] for each in json.loads(done.stdout)["Parameters"]}
    return found


def clear() -> None:
    """Remove what was laid out."""
    shutil.rmtree(STAGE, ignore_errors=True)
