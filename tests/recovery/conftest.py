"""One local AWS for all tests of recovery."""

import os
from collections.abc import Iterator

import pytest

from managed_server.local.aws import cures, process
from tests.recovery.support import Account


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.LocalAws]:
    folder = tmp_path_factory.mktemp("aws")
    assert cures.OFF_VARIABLE not in os.environ, "another test left the cures switched off"
    try:
        yield process.start(folder, lambda _: None)
    finally:
        process.stop(folder)


@pytest.fixture
def account(local_aws) -> Account:
    return Account(local_aws)


@pytest.fixture(scope="session")
def shared(local_aws) -> Account:
    """One account for tests that tell their things apart by name: clients take longer to make than to ask."""
    account = Account(local_aws)
    account.client("sts")
    return account


@pytest.fixture(scope="session")
def stranger(local_aws) -> Account:
    """An account in which nothing is ever made."""
    return Account(local_aws)
