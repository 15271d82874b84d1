"""What is installed when a package can't be had: nothing, or on a machine's first converge all the others."""

import os
import signal
import subprocess
import time

import pytest

from tests.conftest import ROOT

SCRIPT = ROOT / "puppet" / "install-packages"

# As apt-get ends: it knows nothing of `unknown`, and can't download `late`. What it installs goes to a list.
FAKE_APT = """#!/bin/bash
words=() simulate=false fix=false
for word; do
    case $word in
        --simulate) simulate=true ;;
        --fix-missing) fix=true ;;
        -* | *::*=*) ;;
        *) words+=("$word") ;;
    esac
done
echo "$(IFS=' '; echo "${words[*]}")" >>"$FAKE/asked"
if [[ ${words[0]} == update ]]; then exit "$(cat "$FAKE/update")"; fi
names=" ${words[*]:1} "
if [[ $names == *" unknown "* ]]; then exit 100; fi
if $simulate; then exit 0; fi
if [[ $names == *" slow "* ]]; then touch "$FAKE/slow"; exec sleep 600; fi
if [[ $names == *" late "* ]]; then
    if ! $fix; then exit 100; fi
    names=${names/ late / }
fi
tr ' ' '\\n' <<<"$names" | grep . >>"$FAKE/installed"
[[ " ${words[*]:1} " != *" late "* ]]
"""


@pytest.fixture
def install(tmp_path):
    """Runs the script with that apt-get; says how it ended, and what is installed."""
    (tmp_path / "apt-get").write_text(FAKE_APT)
    (tmp_path / "dpkg").write_text("#!/bin/sh\n")
    for name in ("apt-get", "dpkg"):
        (tmp_path / name).chmod(0o755)
    text = (
        SCRIPT.read_text().replace("/run/managed-server", str(tmp_path)).replace("/usr/sbin", str(tmp_path))
    )

    def run(*arguments, update=0, ended=False):
        (tmp_path / "update").write_text(f"{update}\n")
        environ = {**os.environ, "FAKE": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        with subprocess.Popen(
            ["sh", "-c", text, "install-packages", *arguments],
            env=environ,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as done:
            if ended:  # as systemd ends a service: all its processes at once
                deadline = time.monotonic() + 60
                while not (tmp_path / "slow").exists() and time.monotonic() < deadline:
                    time.sleep(0.05)
                assert (tmp_path / "no-start").exists()
                os.killpg(done.pid, signal.SIGTERM)
            _, stderr = done.communicate(timeout=60)
        assert not (tmp_path / "no-start").exists(), "services start again"
        assert (tmp_path / "policy-rc.d").exists()
        listed = tmp_path / "installed"
        return (
            done.returncode,
            sorted(set(listed.read_text().split())) if listed.exists() else [],
            stderr,
        )

    return run


def test_all_at_once(install):
    assert install("one", "two") == (0, ["one", "two"], b"")
    assert install("--what-can-be-had", "one", "two") == (0, ["one", "two"], b"")


@pytest.mark.parametrize("bad", ["unknown", "late"])
def test_a_package_that_can_not_be_had_keeps_all_others_away(install, bad):
    code, installed, _ = install("one", bad, "two")
    assert (code, installed) == (1, [])


@pytest.mark.parametrize("bad", [("unknown",), ("late",), ("late", "unknown")])
def test_or_no_other_where_that_is_asked_for(install, bad):
    code, installed, said = install("--what-can-be-had", "one", *bad, "two")
    assert (code, installed) == (1, ["one", "two"]), "it says that something is missing"
    assert all(name.encode() in said for name in bad)


def test_lists_that_can_not_be_fetched_are_no_reason_either(install):
    assert install("one", update=100)[:2] == (1, [])
    assert install("--what-can-be-had", "one", update=100)[:2] == (0, ["one"])


def test_services_start_again_also_when_it_is_ended(install):
    assert install("one", "slow", ended=True)[:2] == (143, [])
