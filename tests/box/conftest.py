"""A local AWS with small instances of its own, and a box session of its own that plays them."""

import os
from collections.abc import Callable, Iterator

import pytest

from managed_server.local.aws import process
from managed_server.local.box.session import PROGRAMS, Session
from managed_server.local.debian.host import DebianError, check_host

from .support import Cloud


@pytest.fixture(scope="session", autouse=True)
def _possible() -> None:
    """Machines need root and some programs; without them nothing here can be shown."""
    try:
        check_host(PROGRAMS)
    except DebianError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def progress(pytestconfig: pytest.Config) -> Callable[[str], None]:
    reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")

    def say(line: str) -> None:
        if reporter:
            reporter.write_line(line)

    return say


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("cloud")
    try:
        yield Cloud(folder, process.start(folder, lambda _: None))
    finally:
        process.stop(folder)


@pytest.fixture(scope="session")
def new_session(
    tmp_path_factory: pytest.TempPathFactory, cloud: Cloud, progress
) -> Iterator[Callable[[], Session]]:
    """Makes box sessions; whatever a test does to one, it is removed in the end."""
    made: list[Session] = []

    def make() -> Session:
        folder = tmp_path_factory.mktemp("session") / "box"
        made.append(Session(folder, cloud.folder, progress))
        return made[-1]

    yield make
    for session in made:
        session.down()


@pytest.fixture(scope="session")
def session(new_session, cloud: Cloud) -> Session:
    """One with two machines, `one` and `two`, for tests that leave them as they were."""
    made = new_session()
    machines = [cloud.machine("one"), cloud.machine("two")]
    before = os.umask(0o077)  # a careful person's: it must not get into a machine
    try:
        made.up(
            machines,
            hub=machines[0].addresses[0],
            office="203.0.113.1",
            aliases={"mail.hosting.example": "203.0.113.100"},
        )
    finally:
        os.umask(before)
    return made


@pytest.fixture
def one(session: Session):
    return session.box("one")


@pytest.fixture
def two(session: Session):
    return session.box("two")
