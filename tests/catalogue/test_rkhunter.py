"""The nightly search: what becomes of what rkhunter says. The box runs it for real, on a whole machine."""

# ruff: noqa: E501  lines of the shell

import pytest

from .support import customer, files_of, run_script

pytestmark = pytest.mark.machine

SCAN = "/usr/local/lib/managed-server/rkhunter-scan"

# The real one takes minutes; its exit codes and its text are those of a real run.
FAKE = """
cat >/usr/local/bin/rkhunter <<'END'
#!/bin/sh
echo "$*" >>/tmp/asked
case $1 in
    --propupd) echo Pkgmgr:DPKG >/var/lib/rkhunter/db/rkhunter.dat; exit $(cat /tmp/propupd) ;;
esac
cat /tmp/says
exit $(cat /tmp/code)
END
chmod 755 /usr/local/bin/rkhunter; export PATH=/usr/local/bin:$PATH
printf '#!/bin/sh\\nexit $(cat /tmp/container)\\n' >/usr/local/bin/systemd-detect-virt; chmod 755 /usr/local/bin/systemd-detect-virt
mkdir -p /run/sshd; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
cd /tmp; echo 0 >propupd; echo 0 >code; : >says; echo 1 >container; : >asked
scan() { """ + SCAN + """ >/dev/null 2>&1; echo $?; cat /var/lib/managed-server/heartbeat/rkhunter-result; ls /var/lib/managed-server/heartbeat; cat asked; : >asked; }
"""  # fmt: skip


@pytest.fixture
def server(root, tmp_path, machine):
    # The search asks sshd whether it refuses root: by what the tool of SSH says.
    files = files_of(root, customer(tmp_path), ["rkhunter", "ssh"])

    def run(script):
        result = run_script(machine[1], f"{script}\necho done", files)
        lines = result.stdout.splitlines()
        assert lines[-1:] == ["done"], result
        return lines[:-1]

    return run


CHECK = "--check --skip-keypress --report-warnings-only --nocolors"


def test_a_clean_server_and_one_that_is_not(server):
    said = server(
        FAKE
        + """
scan
echo 'Warning: The command /usr/bin/x has been replaced by a script' >says; echo 1 >code; scan
"""
    )
    both = ["rkhunter", "rkhunter-result"]
    assert said == [
        "0", "ok nothing found", *both, "--propupd --nolog", CHECK,
        "0", "critical 1 warnings; Warning: The command /usr/bin/x has been replaced by a script", *both, CHECK,
    ]  # fmt: skip


def test_an_error_is_no_clean_server(server):
    said = server(FAKE + "echo 2 >code; scan")
    assert said[1].startswith("critical it ended with an error (exit 2)")
    assert said[2] == "rkhunter-result", "and no heartbeat"
    said = server(FAKE + "echo 1 >code; scan")
    assert said[1].startswith("critical it ended with an error (exit 1)")
    said = server(FAKE + "echo 1 >propupd; scan")
    assert said[0] == "1"
    assert said[1].startswith("critical the files' properties can't be read")
    assert CHECK not in said


def test_sshd_is_asked_whether_it_refuses_root(server):
    """Not its file: Debian's cloud image lets root in there, and what it includes does not."""
    sshd = "printf '#!/bin/sh\\necho port 22; echo permitrootlogin %s\\n' {} >/usr/sbin/sshd; chmod 755 /usr/sbin/sshd\n"
    said = server(FAKE + sshd.format("no") + "scan\n" + sshd.format("without-password") + "scan")
    results = [line for line in said if line.startswith(("ok", "critical"))]
    assert results == ["ok nothing found", "critical 1 warnings; Warning: sshd doesn't refuse root"]


def test_properties_are_learned_anew_after_packages_have_changed_and_only_then(server):
    said = server(FAKE + "scan; scan; sleep 1; touch /var/lib/dpkg/status; scan")
    assert said.count("--propupd --nolog") == 2


def test_only_a_container_is_not_asked_for_its_kernel(server):
    said = server(FAKE + "echo 0 >container; scan")
    assert said[-1].startswith(f"{CHECK} --disable suspscan,")
    assert said[-1].endswith(",os_specific")
