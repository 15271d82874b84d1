"""Who is told to end, or loses the terminal, takes down what stands, however often that is said."""

import os
import signal
import subprocess
import sys

import pytest

from managed_server.local.box import drill
from tests.conftest import ROOT

SIGNALS = [signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def _terminal():
    """As with a terminal, even where these tests run with nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


TEST = """
import os, signal, time
import pytest
from tests.conftest import pytest_configure, pytest_runtest_logfinish

@pytest.fixture(scope="session")
def machine():
    pytest_configure()
    yield
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.1)
    print("taken down")

def test_stands(machine):
    os.kill(os.getpid(), signal.{name})
    time.sleep(0.1)
    print("went on")
"""


def run(folder, name, *before):
    path = folder / "test_it.py"
    path.write_text(TEST.replace("{name}", name))
    return subprocess.run(
        [
            *before,
            sys.executable,
            "-m",
            "pytest",
            "-s",
            "-q",
            "-c",
            "/dev/null",
            "-p",
            "no:cacheprovider",
            path,
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("number", SIGNALS)
def test_a_run_of_tests(tmp_path, number):
    done = run(tmp_path, number.name)
    assert done.returncode == 2
    assert ("taken down" in done.stdout, "went on" in done.stdout) == (True, False)


def test_a_run_without_a_terminal_goes_on(tmp_path):
    done = run(tmp_path, "SIGHUP", "nohup")
    assert "went on" in done.stdout


@pytest.mark.parametrize("number", SIGNALS)
def test_a_drill(tmp_path, number):
    (tmp_path / ".local").mkdir()
    before = [signal.getsignal(each) for each in SIGNALS]
    gone = []

    def do():
        with drill._alone(tmp_path):
            try:
                os.kill(os.getpid(), number)
            finally:
                for each in SIGNALS:
                    os.kill(os.getpid(), each)
                gone.append("its machine")

    with pytest.raises(SystemExit):
        do()
    assert gone == ["its machine"]
    assert [signal.getsignal(each) for each in SIGNALS] == before
