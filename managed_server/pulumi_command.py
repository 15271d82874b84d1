"""Pulumi, run as a command in the repository."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path


class PulumiError(Exception):
    """There is no Pulumi, or it failed; the message says which, and what it said."""


def pulumi(
    root: Path, arguments: list[str], environ: Mapping[str, str] | None = None, *,
    show: int | None = None, first: Callable[[], None] | None = None,
) -> str:  # fmt: skip
    """Run Pulumi, and return what it printed.

    Args:
        root: the repository.
        arguments: what it is to do.
        environ: its environment; None: this process's.
        show: where its own output goes as the progress, 1 (stdout) or 2 (stderr); nothing is returned then.
        first: called in the new process before it becomes Pulumi.

    Raises:
        PulumiError: it can't be run, or it failed.
    """
    try:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=root,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=show or subprocess.PIPE,
            stderr=None if show else subprocess.PIPE,
            text=True,
            check=False,
            preexec_fn=first,
        )
    except FileNotFoundError:
        raise PulumiError("there is no pulumi to run: install it, or set the PATH") from None
    if done.returncode:
        said = "" if show else f":\n{(done.stderr or done.stdout or '').strip()}"
        raise PulumiError(f"pulumi {' '.join(arguments[:2])} failed, exit code {done.returncode}{said}")
    return done.stdout or ""
