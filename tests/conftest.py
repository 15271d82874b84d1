"""Fixtures that all tests share."""

import datetime
import functools
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from managed_server import resolve
from tests import in_memory

ROOT = Path(__file__).resolve().parent.parent
INPUTS = (
    *("catalogue", "contract", "templates", "stacks", "puppet", "policies", "docs/runbooks", "hub"),
    "managed_server",
)

A_DAY = datetime.date(2026, 12, 1)
"""When nothing of the catalogue was near the end of its fixes."""

# Thousands of tests read the catalogue: each text of it is parsed once a process. Nothing changes a node.
yaml.compose = functools.lru_cache(maxsize=2000)(yaml.compose)

_IN_MEMORY = pytest.StashKey[Path | None]()
_STARTED = time.monotonic()
_told_to_end = 0


def _end(signum, frame):
    """Once: .ci/test says it again where a terminal is lost; the second mustn't end what the first began."""
    global _told_to_end  # noqa: PLW0603 - a signal's handler has nowhere else
    if not _told_to_end:
        _told_to_end = signum
        signal.default_int_handler(signum, frame)


def pytest_configure():
    """A run that is told to end, or loses its terminal, takes its machines down, as if interrupted."""
    signal.signal(signal.SIGTERM, _end)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGHUP, _end)


def pytest_sessionstart(session):
    """What tests write is in memory, where there is enough of it."""
    session.config.stash[_IN_MEMORY] = in_memory.use()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol():
    """Between two tests, where nothing of theirs can run out of time, leave the processor to who needs it."""
    if os.environ.get("MANAGED_SERVER_TEST_YIELDS"):
        from tests.box.stacks import shared  # noqa: PLC0415 - a run of single tests needs nothing of machines

        deadline = _STARTED + shared.BUSY_AT_MOST
        while shared.FOLDER and shared.busy(Path(shared.FOLDER)) and time.monotonic() < deadline:
            time.sleep(1)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """What failed may be looked at, until the next run."""
    folder = session.config.stash[_IN_MEMORY]
    if folder is not None and exitstatus != pytest.ExitCode.TESTS_FAILED:
        shutil.rmtree(folder, ignore_errors=True)


def pytest_runtest_logfinish():
    """Nor does it go on where a test took the interruption for a fault of its own: Pulumi's mocks do."""
    if _told_to_end:
        pytest.exit("told to end", returncode=128 + _told_to_end)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """In CI a skipped test is a failed one: what it would prove was not proven."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("MANAGED_SERVER_REQUIRE_ALL"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} would be skipped: {report.longrepr}"


@pytest.fixture(autouse=True)
def same_umask():
    """Programs of the templates set one, and some tests run them in their own process."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="module")
def a_day() -> Iterator[None]:
    """Warnings are those of `A_DAY`, for tests that name each: with the years an end of life adds its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resolve, "_today", lambda: A_DAY)
        yield


def copy_inputs(target: Path) -> Path:
    """Copy every input file, so that a test may break them."""
    for name in INPUTS:
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, target / name, symlinks=True, ignore=ignore)
    shutil.copy(ROOT / "provider.yaml", target)
    return target


@pytest.fixture
def inputs(tmp_path) -> Path:
    """A copy of every input file."""
    return copy_inputs(tmp_path / "inputs")
