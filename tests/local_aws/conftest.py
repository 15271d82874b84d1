"""One local AWS with every cure, one without any."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from managed_server.local.aws import cures, process

from .support import Aws, running


@pytest.fixture(scope="session")
def cured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.LocalAws]:
    with running(tmp_path_factory.mktemp("cured")) as local:
        yield local


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.LocalAws]:
    with ExitStack() as stack:
        # Set for this start alone: what other tests start later is cured.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(cures.OFF_VARIABLE, "all")
            local = stack.enter_context(running(tmp_path_factory.mktemp("bare")))
        yield local


@pytest.fixture
def aws(cured: process.LocalAws) -> Aws:
    return Aws(cured)
