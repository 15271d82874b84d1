"""A tree that several modules share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from managed_server.inputs import load_project
from managed_server.project import Project
from managed_server.resolve import resolve_stack
from managed_server.spec import CustomerSpec, ServerSpec
from tests import trees
from tests.releases import RELEASES

from .http_stand import Stand, stand
from .vendors import Vendor


@pytest.fixture(scope="session", params=RELEASES)
def machines(request: pytest.FixtureRequest) -> tuple[int, Path]:
    """A Debian release, and a tree of it: each that the catalogue has."""
    return request.param, trees.tree(request.param, request.config)


@pytest.fixture
def http(machines: tuple[int, Path], root: Path, tmp_path: Path) -> Callable[..., Stand]:
    """Makes a server with a chain of HTTP software, such as ``nginx, php``."""

    def made(
        chain: str, settings: dict[str, Any] | None = None, served_by: str = "", *, behind: bool = False
    ) -> Stand:
        return stand(
            *machines, tmp_path, root, chain.split(", "), settings, served_by=served_by, behind=behind
        )

    return made


@pytest.fixture(scope="session")
def machine(pytestconfig: pytest.Config) -> tuple[int, Path]:
    """The newest Debian release, and a tree of it."""
    return 13, trees.tree(13, pytestconfig)


@pytest.fixture(scope="session", params=RELEASES)
def service_machines(request: pytest.FixtureRequest) -> tuple[int, Path]:
    """A Debian release, and a tree of it with the daemons that services.py names."""
    return request.param, trees.tree(request.param, request.config)


@pytest.fixture(scope="module")
def project(root: Path) -> Project:
    """The repository's own project."""
    return load_project(root)


@pytest.fixture(scope="module")
def customer(project: Project) -> CustomerSpec:
    """The example."""
    return resolve_stack(project, "example")[0]


@pytest.fixture(scope="module")
def server(customer: CustomerSpec) -> ServerSpec:
    """The example's server."""
    return customer.servers[0]


@pytest.fixture(scope="module", params=RELEASES)
def vendor_machine(request: pytest.FixtureRequest) -> tuple[int, Path]:
    """A Debian release, and a tree of it with what the vendors' software is tried by."""
    return request.param, trees.tree(request.param, request.config)


@pytest.fixture
def vendor(tmp_path: Path, vendor_machine: tuple[int, Path]) -> Callable[..., Vendor]:
    """Makes a server with some software of vendors."""

    def made(*software: str, more: str = "") -> Vendor:
        return Vendor(tmp_path, vendor_machine, *software, more=more)

    return made
