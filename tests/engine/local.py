"""The local engine for these tests: its environment, its provider, and small projects that run through it."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from managed_server.local import engine, engine_terraform
from managed_server.local.engine_build import ensure_engine

REGION = "eu-west-2"
TIMEOUT = 120  # seconds; no command here takes a third of it

WITHOUT = pytest.mark.soak
"""For tests that a fault still shows without its cure: with the versions as pinned, the answer is known."""

DEFAULT_TAGS = 'default_tags=aws.ProviderDefaultTagsArgs(tags={"Stack": "t"})'

HEAD = f"""
import pulumi
import pulumi_aws as aws

provider = aws.Provider("main", region="{REGION}", {DEFAULT_TAGS})
here = pulumi.ResourceOptions(provider=provider)
ask = pulumi.InvokeOptions(provider=provider)
"""


@cache
def built() -> engine.Engine:
    """The local engine, also where the official one is installed: it is what is tested here."""
    home, provider = ensure_engine(sys.stderr.write)
    return engine.Engine(
        official=False,
        bin_dir=home / "bin",
        pulumi_home=home / "home",
        description="the local engine",
        terraform_provider=provider,
    )


def environment() -> dict[str, str]:
    """This process's environment with the engine's, and without settings of the user's."""
    foreign = ("AWS_", "MANAGED_SERVER_", "PULUMI_")
    own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**own, **engine.environment(built())}


def plugin() -> Path:
    """The provider's program in the engine's plugin cache."""
    home = built().pulumi_home
    assert home is not None
    version = engine_terraform.versions()["aws-plugin"]
    return home / "plugins" / f"resource-aws-v{version}" / "pulumi-resource-aws"


@dataclass
class Project:
    """A Pulumi project in a folder of its own, with its state."""

    folder: Path
    extra: Mapping[str, str] = field(default_factory=dict)

    def write(self, program: str, *, head: str = HEAD) -> "Project":
        """Write the program; `head` gives it the provider `provider`, and `here` and `ask` as options."""
        (self.folder / "state").mkdir(parents=True, exist_ok=True)
        (self.folder / "Pulumi.yaml").write_text("name: trial\nruntime: python\n")
        (self.folder / "__main__.py").write_text(head + textwrap.dedent(program))
        return self

    def environment(self, *off: str, **extra: str) -> dict[str, str]:
        """The environment of a command, with cures switched off."""
        return {
            **environment(),
            "PULUMI_BACKEND_URL": engine.backend_url(self.folder / "state"),
            "PULUMI_CONFIG_PASSPHRASE": "trial",
            "MANAGED_SERVER_CURES_OFF": ",".join(off),
            **self.extra,
            **extra,
        }

    def start(self, *arguments: str, off: tuple[str, ...] = (), **extra: str) -> subprocess.Popen[str]:
        """Start `pulumi` on the stack 't'."""
        return subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.folder,
            env=self.environment(*off, **extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(
        self, *arguments: str, off: tuple[str, ...] = (), **extra: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `pulumi` to its end; its output, errors with it, is in `stdout`."""
        with self.start(*arguments, off=off, **extra) as process:
            output, _ = process.communicate(timeout=TIMEOUT)
        return subprocess.CompletedProcess(arguments, process.returncode, output)

    def ok(self, *arguments: str, off: tuple[str, ...] = (), **extra: str) -> str:
        """Run `pulumi`, which must succeed, and return what it printed."""
        done = self.run(*arguments, off=off, **extra)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def up(self, *, off: tuple[str, ...] = (), **extra: str) -> subprocess.CompletedProcess[str]:
        """Run `pulumi up` without asking."""
        if not list((self.folder / "state").rglob("t.json")):
            self.ok("stack", "init", "t")
        return self.run("up", "--yes", "--skip-preview", "--stack", "t", off=off, **extra)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        return dict(json.loads(self.ok("stack", "output", "--json", "--stack", "t")))

    def state(self) -> str:
        """The stack's state as text."""
        return next((self.folder / "state").rglob("stacks/**/t.json")).read_text()

    def _running(self) -> Iterator[tuple[int, str]]:
        """Processes that work on this project: by the environment that they were started with."""
        mark = f"PULUMI_BACKEND_URL={engine.backend_url(self.folder / 'state')}".encode()
        for path in Path("/proc").glob("[0-9]*"):
            try:
                ours = mark in (path / "environ").read_bytes().split(b"\0")
                line = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:  # it ended meanwhile
                continue
            if ours and line:
                yield int(path.name), line

    def processes(self) -> list[str]:
        """Command lines of the processes that work on this project."""
        return [line for _, line in self._running()]

    def end_processes(self) -> None:
        """End what a test without a cure left behind."""
        for pid, _ in self._running():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
