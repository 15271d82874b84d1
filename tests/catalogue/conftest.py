"""A tree that several modules share."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from managed_server.local.debian.tree import ensure_tree
from tests.releases import RELEASES

from .services import PACKAGES as SERVICE_PACKAGES
from .support import PACKAGES


def _machine(config: pytest.Config, release: int, packages: Sequence[str] = PACKAGES) -> tuple[int, Path]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return release, ensure_tree(release, packages, reporter.write_line if reporter else print)


@pytest.fixture(scope="session", params=RELEASES)
def machines(request: pytest.FixtureRequest) -> tuple[int, Path]:
    """A Debian release, and a tree of it: each that the catalogue has."""
    return _machine(request.config, request.param)


@pytest.fixture(scope="session")
def machine(pytestconfig: pytest.Config) -> tuple[int, Path]:
    """The newest Debian release, and a tree of it."""
    return _machine(pytestconfig, 13)


@pytest.fixture(scope="session", params=RELEASES)
def service_machines(request: pytest.FixtureRequest) -> tuple[int, Path]:
    """A Debian release, and a tree of it with the daemons that services.py names."""
    return _machine(request.config, request.param, SERVICE_PACKAGES)
