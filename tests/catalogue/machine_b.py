"""What ran where in the machine tests of the monitoring and protection tools."""

from pathlib import Path

from managed_server.local.debian.run import Command, Layout, Result, TreeFile, run_all
from managed_server.rendering import render_server

ORIGINS = ("clamav", "munin-node", "nrpe", "ossec")
PACKAGES = (
    "clamav", "clamav-daemon", "clamdscan", "iproute2", "monitoring-plugins-basic", "munin-node",
    "munin-plugins-core", "nagios-nrpe-plugin", "nagios-nrpe-server", "openssl", "procps", "python3",
    "systemd",
)  # fmt: skip


def own_files(templates: Path, customer, server) -> dict[str, TreeFile]:
    """The rendered files of the four tools, as they stand on a server."""
    paths = {file.path for file in server.files if file.origin in ORIGINS}
    return {
        file.path: TreeFile(file.content, file.owner, file.group, int(file.mode, 8))
        for file in render_server(templates, customer, server)
        if file.path in paths
    }


def run_script(tree: Path, files: dict[str, TreeFile], script: str, timeout: float = 180) -> Result:
    """Run a bash script in a throw-away copy of the tree with these files in it."""
    script = "set -u\nip link set lo up\nmkdir -p /var/lib/managed-server/heartbeat\n" + script
    files = {**files, "/opt/script": TreeFile(script.encode())}
    return run_all(tree, [Command(["bash", "/opt/script"], timeout)], Layout(files, users=("ossec",)))[0]
