"""Memcached, BIND, slapd and OpenVPN at work: what their machine tests share."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from managed_server.inputs import load_project
from managed_server.local.debian.run import Result, TreeFile
from managed_server.model.catalogue_items import Absent, MuninPlugin
from tests.conftest import ROOT
from tests.runbooks import asked_in_a_tree
from tests.validators.server import Finding, validate_server

from .support import customer, files_of, folders_of, run_script

SHELL = """
id nagios >/dev/null 2>&1 || useradd --system --no-create-home nagios
id munin >/dev/null 2>&1 || useradd --system --no-create-home munin
chmod 711 /opt
as() { setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"; }
# Sockets as the catalogue says them: protocol, address, port.
sockets() { ss -Hltnu | sed -E 's/^([a-z]+) .* ([^ ]+):([0-9]+) +[^ ]+ *$/\\1 \\2 \\3/' | sort -u; }
until_true() {
    for _ in $(seq 600); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done
    echo "never: $*"
    return 1
}
"""


class Server:
    """One server with one software of the catalogue, in a tree: its own files, and a shell to run it."""

    def __init__(
        self,
        root: Path,
        folder: Path,
        machine: tuple[int, Path],
        software: str,
        more: str = "",
        other: str = "",
    ) -> None:
        """``more``: lines of the server in the stack file; ``other``: lines of another server."""
        self.release, self.tree = machine
        changes = {
            "software: [nginx, php]": f"software: [{software}]",
            "        sites: [www.acme.example]\n": "",
            "disk_gb: 80": f"disk_gb: 80\n        debian: {self.release}{more}",
        }
        self.customer = customer(folder, changes, other)
        self.server = self.customer.servers[0]
        self.software = software
        self.looked: list[str] = []
        self.syslog = ""
        self.files: dict[str, TreeFile] = files_of(root, self.customer, [software])
        for secret in self.server.secrets:
            text = secret.text.replace("{secret}", "s3cret-_x").encode()
            self.files[secret.path] = TreeFile(text, secret.owner, secret.group, int(secret.mode, 8))

    def run(
        self, script: str, files: Mapping[str, TreeFile] | None = None, timeout: float = 120
    ) -> list[str]:
        """Run a bash script, which has to come to its end, and return the lines it says."""
        whole = f"{SHELL}\n{folders_of(self.customer, [self.software])}\n{script}\necho done"
        users = tuple(user.name for user in self.customer.users)
        result: Result = run_script(self.tree, whole, {**self.files, **(files or {})}, timeout, users=users)
        lines = result.stdout.splitlines()
        assert lines[-1:] == ["done"], result
        self.syslog = result.syslog
        self.looked = [line for line in lines if line.startswith("runbook ")]
        return [line for line in lines[:-1] if line not in self.looked]

    def check(self, name: str) -> str:
        """The shell's words that ask a check as NRPE does: the first word of what it says."""
        [command] = [check.command for check in self.server.checks if check.name == f"{self.software}-{name}"]
        return f"as nagios sh -c {shlex.quote(command)} | head -n 1"

    def looks(self) -> str:
        """The shell's lines that do what its runbook pages say to look at; `looked` has how each ended."""
        return asked_in_a_tree(self.server, [self.software])

    def own_plugins(self) -> list[MuninPlugin]:
        """The Munin plugins that the software itself brings."""
        section = load_project(ROOT).software[self.software].general.munin
        own = set() if isinstance(section, Absent) else {plugin.name for plugin in section}
        return [plugin for plugin in self.server.munin if plugin.name in own]

    def plugins(self) -> str:
        """Shell lines that run each Munin plugin: its name, its fields, and those with a figure."""
        lines = []
        for plugin in self.own_plugins():
            env = " ".join(f"{name}={shlex.quote(value)}" for name, value in plugin.env.items())
            call = f"as {plugin.user or 'munin'} env {env} /opt/munin/{plugin.name}"
            lines.append(
                f"mkdir -p /opt/munin; ln -sf {plugin.plugin} /opt/munin/{plugin.name}\n"
                f"echo {plugin.name} $({call} config | grep -c '[.]label') $({call} | grep -c 'value [0-9]')"
            )
        return "\n".join(lines)

    def drawn(self, lines: list[str]) -> dict[str, tuple[int, int]]:
        """What `plugins` said, by plugin: fields, and those with a figure."""
        found = {name: (int(labels), int(values)) for name, labels, values in map(str.split, lines)}
        assert set(found) == {plugin.name for plugin in self.own_plugins()}
        return found

    def faults(self) -> list[Finding]:
        """What the real programs find wrong in the software's files."""
        files = {path: (f.content, f.owner, f.group, f.mode) for path, f in self.files.items()}
        users = tuple(user.name for user in self.customer.users)
        found = validate_server(self.tree, files, users=users)
        assert {finding.path for finding in found} == set(files)
        secrets = {secret.path for secret in self.server.secrets}  # judged by those that include them
        return [finding for finding in found if not finding.ok and finding.path not in secrets]

    def listens(self) -> set[tuple[str, int, bool]]:
        """What the entry says: protocol, port, and whether on loopback alone."""
        return {
            (item.protocol, item.port, item.bind == "loopback")
            for item in self.server.listens
            if item.origin == self.software
        }


def as_listens(lines: list[str]) -> set[tuple[str, int, bool]]:
    """What `sockets` said, in the same form."""
    return {
        (protocol, int(port), address.strip("[]").startswith("127.") or address == "[::1]")
        for protocol, address, port in (line.split() for line in lines)
    }
