"""A plain moto server, a project on it, and a watch on the network."""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from tests.engine.local import Project, built

START_TIMEOUT = 30  # seconds


@pytest.fixture(scope="session")
def moto():
    """The address of a moto server as it comes: these tests don't depend on our additions to it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()  # it keeps nothing; told to end, it may take its time
        process.wait()


def _wait(port, process):
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/moto-api/data.json")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return
        finally:
            connection.close()
    pytest.fail("moto does not start")


@pytest.fixture(scope="session")
def outside():
    """A proxy that answers nothing and counts who asks: whatever wants to leave this machine comes here."""
    asked = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                asked.append(connection.recv(200))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


@pytest.fixture(scope="session")
def settings(moto, outside):
    """The environment that all projects here run in."""
    proxy, _ = outside
    return {
        "MANAGED_SERVER_AWS_ENDPOINT": moto,
        "HTTP_PROXY": proxy,
        "HTTPS_PROXY": proxy,
        "NO_PROXY": "127.0.0.1,localhost",
    }


@pytest.fixture
def project(tmp_path, settings):
    """An empty project; it must leave no process behind."""
    built()
    made = Project(tmp_path, settings)
    yield made
    deadline = time.monotonic() + 60
    while (left := made.processes()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
