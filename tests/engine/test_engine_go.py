"""Go's own checks of the engine's modules: tests, vet, format."""

import os
import subprocess

import pytest

from managed_server.local import toolchain
from managed_server.local.engine_steps import SOURCES

pytestmark = pytest.mark.engine

MODULES = ("language-host", "aws-provider")


@pytest.fixture(scope="module")
def go():
    return toolchain.install_go(toolchain.find_go(), print)


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize(
    "check",
    [
        # It looks at all that a module is made of: a minute of a processor, once.
        pytest.param(("vet",), id="vet", marks=pytest.mark.soak),
        pytest.param(("test", "-vet=off"), id="test"),
    ],
)
def test_go(go, module, check):
    environ = {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-mod=readonly"}
    done = subprocess.run(
        [go, *check, "./..."], cwd=SOURCES / module, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", MODULES)
def test_format(go, module):
    files = sorted((SOURCES / module).glob("*.go"))
    assert files
    done = subprocess.run([go.with_name("gofmt"), "-l", *files], capture_output=True, text=True, check=True)
    assert done.stdout == ""
