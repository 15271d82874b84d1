"""Software that speaks HTTP, started in a tree as its units start it, with the rendered files of one server."""

# ruff: noqa: E501  lines of the shell

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from managed_server.local.debian.run import TreeFile
from managed_server.spec import CustomerSpec, ServerSpec

from .support import customer, files_of, folders_of, run_script

SITE = "www.acme.example"
BALANCER = """\
      zlb1:
        instance_type: t3.large
        disk_gb: 40
        software: [haproxy]
"""

# Orphans become children of this shell, which buries them: a dead process that stays would count as one.
REAPER = """[ -n "${REAPER-}" ] || REAPER=1 exec python3 -c '
import ctypes, os, sys
ctypes.CDLL(None).prctl(36, 1)
os.execvp("bash", ["bash", sys.argv[1]])' "$0"
"""
# Starts what a unit says, as its account. No systemd runs in a tree.
SHELL = """
useradd --system nagios 2>/dev/null
chmod 711 /opt
ip address add 192.0.2.9/32 dev lo
as() { setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"; }
command_of() { sed -n 's/^ExecStart=\\(.\\)/\\1/p' "$1" | tail -n 1; }
wait_for() { for _ in $(seq 600); do curl -s -o /dev/null --max-time 2 "$1"; case $? in 0 | 52 | 56) return ;; esac; sleep 0.2; done; echo "not up: $1"; }
chmod 1777 /dev/shm
bound=(--inh-caps +net_bind_service --ambient-caps +net_bind_service)
get() { curl -s -k --max-time 10 -w ' %{http_code}\\n' --resolve SITE:80:127.0.0.1 --resolve SITE:443:127.0.0.1 "$@"; }
""".replace("SITE", SITE)

START = {
    "apache": "mkdir -p /run/apache2; apache2ctl start",
    # As the package's socket unit hands it over.
    "fastcgi": """
rm -f /run/fcgiwrap.socket
python3 -c 'import os, shutil, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind("/run/fcgiwrap.socket")
shutil.chown("/run/fcgiwrap.socket", "www-data", "www-data")
os.chmod("/run/fcgiwrap.socket", 0o660)
listener.listen()
os.dup2(listener.fileno(), 0)
os.execvp("setpriv", ["setpriv", "--reuid", "www-data", "--regid", "www-data", "--clear-groups", *sys.argv[1:]])
' $(command_of /etc/systemd/system/fcgiwrap.service.d/managed.conf) &""",
    "haproxy": """
mkdir -p /run/haproxy /var/lib/haproxy/dev
. /etc/default/haproxy
haproxy -Ws -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid $EXTRAOPTS >/tmp/haproxy 2>&1 &""",
    "nginx": "nginx",
    "nodejs": """
cd /srv/nodejs; as www-data "${bound[@]}" $(command_of /etc/systemd/system/nodejs-application.service) &""",
    "php": 'mkdir -p /run/php; "php-fpm$php" --daemonize',
    "python": """
cd /srv/python
$(sed -n 's/^ExecStartPre=+//p' /etc/systemd/system/python-application.service)
as www-data "${bound[@]}" $(command_of /etc/systemd/system/python-application.service) >/tmp/python 2>&1 &""",
    "tomcat": """
export CATALINA_HOME=/usr/share/$tomcat CATALINA_BASE=/var/lib/$tomcat CATALINA_TMPDIR=/tmp
install -d -o tomcat -g tomcat /var/cache/$tomcat /var/log/$tomcat
as tomcat "${bound[@]}" /bin/sh /usr/libexec/$tomcat/tomcat-start.sh >/tmp/tomcat 2>&1 &""",
    "varnish": """
$(command_of /etc/systemd/system/varnish.service.d/managed.conf) >/tmp/varnish 2>&1 &""",
}
STOP = "pkill -KILL -x 'apache2|fcgiwrap|haproxy|nginx|node|MainThread|php-fpm.*|python|java|varnishd|cache-main|gunicorn'; sleep 1"


@dataclass(frozen=True)
class Stand:
    """A server's software in a tree."""

    tree: Path
    spec: CustomerSpec
    files: dict[str, TreeFile]
    software: tuple[str, ...]

    @property
    def server(self) -> ServerSpec:
        """The server."""
        return self.spec.servers[0]

    def run(self, script: str) -> list[str]:
        """Start the software, run a script, and return its lines."""
        facts = {entry.id: entry.facts for entry in self.server.entries}
        links = [
            f"ln -sfn {link.target} {link.path}" for link in self.server.links if link.origin in self.software
        ]
        gone = [f"rm -f {gone.path}" for gone in self.server.removed if gone.origin in self.software]
        named = [f"{name}={facts[name][name]}" for name in ("php", "tomcat") if name in facts]
        starts = [START[name] for name in self.software]
        waits = [f"wait_for http://127.0.0.1:{port}/" for port in self.http_ports()]
        whole = "\n".join(
            [
                REAPER,
                folders_of(self.spec, self.software),
                *links,
                *gone,
                *named,
                SHELL,
                *starts,
                *waits,
                script,
                "echo done",
            ]
        )
        result = run_script(self.tree, whole, self.files)
        lines = result.stdout.splitlines()
        assert lines[-1:] == ["done"], result
        return lines[:-1]

    def http_ports(self) -> list[int]:
        """Ports that answer over HTTP without TLS."""
        return sorted(
            listen.port
            for listen in self.server.listens
            if listen.origin in self.software and listen.port != 443 and "varnishadm" not in listen.purpose
        )

    def sockets(self) -> set[str]:
        """Where the entries say that it listens."""
        found = set()
        for listen in self.server.listens:
            if listen.origin in self.software:
                hosts = ["127.0.0.1"] if listen.bind == "loopback" else ["0.0.0.0", "[::]"]  # noqa: S104
                found |= {f"{host}:{listen.port}" for host in hosts}
        return found


def stand(
    release: int,
    tree: Path,
    folder: Path,
    root: Path,
    software: Sequence[str],
    settings: dict[str, object] | None = None,
    *,
    served_by: str = "",
    behind: bool = False,
) -> Stand:
    """Resolve and render a server with this software."""
    more = f"\n        debian: {release}"
    if settings:
        more += f"\n        settings: {json.dumps(settings)}"
    if behind:
        more += "\n        behind: [zlb1]"
    if served_by:
        more += f"\n        served_by: [{served_by}]"
    changes = {
        "software: [nginx, php]": f"software: [{', '.join(software)}]",
        "disk_gb: 80": f"disk_gb: 80{more}",
    }
    spec = customer(folder, changes, BALANCER if behind else "")
    plugins = {path: file for path, file in files_of(root, spec, ["nrpe"]).items() if "/plugins/" in path}
    return Stand(tree, spec, {**plugins, **files_of(root, spec, software)}, tuple(software))


# `ss` shows a socket for both families as one.
SOCKETS = """ss -Hltn | awk '{print $4}' | sed 's/^\\[::ffff:127.0.0.1\\]/127.0.0.1/' | while IFS= read -r at; do
    case $at in \\*:*) echo "0.0.0.0:${at#*:}"; echo "[::]:${at#*:}" ;; *) echo "$at" ;; esac
done | sort -u | sed 's/^/listens /'
"""
