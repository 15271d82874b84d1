"""The Debian 13 tree with everything that a validator of the table needs."""

from pathlib import Path

import pytest

from tests import trees


@pytest.fixture(scope="session")
def tree(pytestconfig: pytest.Config) -> Path:
    return trees.tree(13, pytestconfig)
