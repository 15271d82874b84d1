"""One copy of the repository for all end-to-end tests, with the example on it."""

import pytest

from managed_server.local.aws import process
from tests.e2e.support import Clone, copy_repository


@pytest.fixture(scope="session")
def clone(tmp_path_factory):
    """A copy of the repository; its local AWS ends with the tests, also when they fail."""
    made = Clone(copy_repository(tmp_path_factory.mktemp("clone")), {})
    yield made
    made.managed("local", "down")
    assert process.status(made.path / ".local") is None


@pytest.fixture(scope="session")
def first_up(clone):
    """What the first ``managed local up example`` printed."""
    done = clone.managed("local", "up", "example")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    clone.point_at_local_aws()
    return done


@pytest.fixture
def stand(clone, first_up):  # noqa: ARG001 - it stands because of it
    """The copy with the example on its local AWS."""
    return clone
