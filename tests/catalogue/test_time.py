"""chronyd at work: a second one is its time server."""

# ruff: noqa: E501  lines of the shell

from dataclasses import replace

import pytest

from .support import customer, files_of, run_script

pytestmark = pytest.mark.machine

# The clock itself is left alone (-x), as in a container. The server that it asks is 127.0.0.2, an hour's drive away.
START = """
install -d -o _chrony -g _chrony -m 0750 /run/chrony /run/other
mkdir -p /etc/other
printf 'port 123\\nallow\\nbindaddress 127.0.0.2\\nlocal stratum 3\\ncmdport 0\\nbindcmdaddress /run/other/sock\\npidfile /run/other/pid\\ndriftfile /run/other/drift\\n' >/etc/other/chrony.conf
sed -i -E 's/^server .*/server 127.0.0.2 iburst minpoll 0 maxpoll 0/; /^pool/d' /etc/chrony/chrony.conf
other() { chronyd -x -f /etc/other/chrony.conf; }
chronyd -x -f /etc/chrony/chrony.conf || exit 1
useradd --system nagios 2>/dev/null
check() { setpriv --reuid nagios --clear-groups /usr/local/lib/managed-server/plugins/check-clock ${1-500} ${2-1000}; echo $?; }
synchronised() { for _ in $(seq 600); do chronyc -c tracking | grep -q Normal && break; sleep 0.2; done; }
"""


@pytest.fixture
def server(root, tmp_path, machines):
    release, tree = machines
    spec = customer(tmp_path, {"disk_gb: 80": f"disk_gb: 80\n        debian: {release}"})
    files = files_of(root, spec, ["time"])

    def run(script):
        result = run_script(tree, f"{START}\n{script}\necho done", files)
        lines = result.stdout.splitlines()
        assert lines[-1:] == ["done"], result
        return lines[:-1]

    return run


def test_the_check_says_what_chronyd_knows(server):
    said = server(
        """
check
other; synchronised; check
check 0 1000000 | cut -d ' ' -f 1
/usr/local/lib/munin/plugins/chrony | grep -c 'value [-0-9]'
/usr/local/lib/munin/plugins/chrony config | grep -c "[.]label"
ss -Hlun | awk '{print $4}' | grep -v ':123$' | sort
kill $(cat /run/chrony/chronyd.pid); sleep 1; check
"""
    )
    assert said[:2] == ["CRITICAL - no time server has been reached yet", "2"]
    assert said[2].startswith("OK - ")
    assert said[3:8] == ["0", "WARNING", "1", "2", "2"]
    assert "127.0.0.1:323" in said
    assert said[-2].startswith("CRITICAL - chronyd doesn't answer")


def test_it_asks_amazon_first_and_only_there(root, tmp_path):
    spec = customer(tmp_path)
    path = "/etc/chrony/chrony.conf"
    assert b"server 169.254.169.123 prefer" in files_of(root, spec, ["time"])[path].content
    moved = replace(spec, servers=(replace(spec.servers[0], hosting="elsewhere"),))
    assert b"169.254" not in files_of(root, moved, ["time"])[path].content
