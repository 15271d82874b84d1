"""A Debian 13 tree with everything that a validator of the table needs."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from managed_server.local.debian.tree import ensure_tree

from .table import load

# What the cases configure besides: a package per PHP release, and a hub's web side isn't needed.
_MORE = ("php8.4-fpm", "php8.4-cli", "clamav-freshclam", "monitoring-plugins-basic")


@pytest.fixture(scope="session")
def tree(pytestconfig: pytest.Config) -> Path:
    reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")

    def progress(line: str) -> None:
        if reporter:
            reporter.write_line(line)

    packages: Sequence[str] = [*load().packages(), *_MORE]
    return ensure_tree(13, packages, progress)
