"""Apache's limits over reloads: old processes leave room for new ones, and a changed limit comes by a restart."""

# ruff: noqa: E501  lines of the shell

import pytest

from .http_stand import SITE, stand

pytestmark = pytest.mark.machine

LIMITS = "/etc/apache2/conf-enabled/zz-managed-limits.conf"


def limits(root, at, folder, workers):
    return stand(*at, folder, root, ["apache"], {"apache": {"max_workers": workers}})


def test_old_processes_leave_room_after_reloads(root, machine, tmp_path):
    """A slow download each keeps the process of before the reload."""
    said = limits(root, machine, tmp_path, 50).run(
        f"""
head -c 60000000 /dev/zero >/var/www/{SITE}/public/big; echo hello >/var/www/{SITE}/public/index.html
for turn in 1 2 3; do
    for k in 1 2 3 4 5 6; do get --max-time 60 --limit-rate 2k http://{SITE}/big -o /dev/null >/dev/null & done
    sleep 1; apache2ctl graceful; sleep 2
    get http://{SITE}/
done
grep -c AH03490 /var/log/apache2/error.log
pkill curl
"""
    )
    assert [line for line in said if line] == [*["hello", " 200"] * 3, "0"]


def test_a_changed_limit_restarts_it_and_nothing_else_does(root, machine, tmp_path):
    here = limits(root, machine, tmp_path, 400)
    (step,) = (step for step in here.server.setup if step.origin == "apache")
    more = limits(root, machine, tmp_path, 1000).files[LIMITS].content.decode()
    said = here.run(
        f"""
printf '#!/bin/sh\npgrep -xo apache2 || echo 0\n' >/usr/local/bin/systemctl; chmod 755 /usr/local/bin/systemctl
export PATH=/usr/local/bin:$PATH
done_() {{ {step.unless} && echo "$1: done" || echo "$1: to do"; }}
places() {{ get 'http://127.0.0.1:8192/server-status?auto' | sed -n 's/^Scoreboard: //p' | tr -d '\\n' | wc -c; }}
sleep 1
done_ started
touch /etc/apache2/conf-enabled/zz-managed.conf; apache2ctl graceful; sleep 1
done_ other
cat >{LIMITS} <<'END'
{more}
END
apache2ctl graceful; sleep 2
done_ reloaded
places
apache2ctl stop; while pgrep -x apache2 >/dev/null; do sleep 0.2; done
done_ stopped
apache2ctl start; wait_for http://127.0.0.1:8192/
sleep 1
done_ restarted
places
"""
    )
    assert said == [
        "started: done", "other: done", "reloaded: to do", "800", "stopped: done", "restarted: done", "1000",
    ]  # fmt: skip
    assert step.command == "systemctl restart apache2.service"
