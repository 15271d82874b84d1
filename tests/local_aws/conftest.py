"""One local AWS with every cure, one without any."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from managed_server.local.aws import cures, process

from .support import ACCOUNT_TEMPLATE, Aws, running


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


@pytest.fixture(scope="module")
def made(cured: process.LocalAws) -> Iterator[Aws]:
    """An account with the roles of docs/by-hand/account.yaml."""
    aws = Aws(cured)
    aws.client("cloudformation").create_stack(**ACCOUNT_TEMPLATE)
    yield aws
    aws.client("cloudformation").delete_stack(StackName=ACCOUNT_TEMPLATE["StackName"])


@pytest.fixture
def aws(cured: process.LocalAws) -> Aws:
    return Aws(cured)
