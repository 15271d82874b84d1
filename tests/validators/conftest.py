"""A Debian 13 tree with everything that a validator of the table needs."""

from pathlib import Path

import pytest

from managed_server.local.debian.tree import ensure_tree

from .table import load

# What the cases configure besides; a server's own packages come from its bundle.
_MORE = ("php8.4-fpm", "php8.4-cli", "clamav-freshclam", "monitoring-plugins-basic", "tomcat11")


@pytest.fixture(scope="session")
def tree(pytestconfig: pytest.Config) -> Path:
    reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")

    def progress(line: str) -> None:
        if reporter:
            reporter.write_line(line)

    return ensure_tree(13, [*load().packages(), *_MORE], progress)
