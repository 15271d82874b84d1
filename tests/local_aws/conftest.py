"""One local AWS with every cure, one without any."""

from collections.abc import Iterator

import pytest

from managed_server.local.aws import cures, process

from .support import Aws, running


@pytest.fixture(scope="session")
def cured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.LocalAws]:
    with running(tmp_path_factory.mktemp("cured")) as local:
        yield local


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.LocalAws]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cures.OFF_VARIABLE, "all")
        with running(tmp_path_factory.mktemp("bare")) as local:
            yield local


@pytest.fixture
def aws(cured: process.LocalAws) -> Aws:
    return Aws(cured)
