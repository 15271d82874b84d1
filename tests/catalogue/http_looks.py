"""How HTTP software is looked at in a tree: sockets, processes, checks and graphs, against what its entries say."""

# ruff: noqa: E501  lines of the shell

import re

from tests.runbooks import asked_in_a_tree, ended_badly

from .http_stand import SITE, SOCKETS, STOP

CERTIFICATE = f"""openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /tmp/k -out /tmp/c -days 1 -subj /CN={SITE} 2>/dev/null
"""
FORGED = "-H 'Proxy: evil' -H 'X-Forwarded-For: 198.51.100.7'"

APPLICATION = """
const http = require("node:http");
const server = http.createServer((request, response) => {
    const { host, proxy } = request.headers;
    const [client, scheme] = ["x-forwarded-for", "x-forwarded-proto"].map((name) => request.headers[name]);
    response.end(["node", request.url, host, (client ?? "").split(", ").pop(), scheme, proxy].join(" "));
});
server.on("upgrade", (request, socket) => {
    socket.end("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\nhello\\n");
});
server.listen(process.env.PORT, process.env.HOST);
"""
"""A customer's own, which says what it was asked and by whom."""


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def asked(server, software):
    """Shell that says of each check how it ends. Those of units need systemd, which runs in no tree."""
    return "\n".join(
        f"as nagios sh -c {quoted(check.command)} >/tmp/said 2>&1; echo check {check.name} $? $(head -n 1 /tmp/said)"
        for check in server.checks
        if check.origin in software and "check-unit" not in check.command
    )


def drawn(server, software):
    """Shell that says of each Munin plugin of these entries how many labels and figures it has."""
    named = "|".join(software).replace("nodejs", "node").replace("php", "phpfpm")
    return "\n".join(
        f"ln -s {plugin.plugin} /opt/{plugin.name}\n"
        f"draw() {{ setpriv --reuid nobody --regid {plugin.group or 'nogroup'} --clear-groups env MUNIN_CAP_MULTIGRAPH=1 MUNIN_LIBDIR=/usr/share/munin"
        f" {' '.join(f'{name}={quoted(value)}' for name, value in plugin.env.items())} /opt/{plugin.name} ${{1-}}; }}\n"
        f"echo draws {plugin.name} $(draw config | grep -c '[.]label') $(draw | grep -cE '[.]value [0-9]')"
        for plugin in server.munin
        if re.search(f"(^|_)({named})", plugin.name)
    )


def looked_at(here, script):
    """Run a script on what was started; hold the server's sockets, processes, checks and graphs against its entries."""
    said = here.run(
        f"{script}\necho looked\n{SOCKETS}\nps -eo user:20=,comm= | sort -u | sed 's/^/runs /'\n"
        f"{asked(here.server, here.software)}\n{drawn(here.server, here.software)}\n"
        f"{asked_in_a_tree(here.server, here.software)}\n{STOP}\necho stopped\n"
        f"{asked(here.server, here.software)}"
    )
    cut, end = said.index("looked"), said.index("stopped")
    facts = [line.split(" ", 3) for line in said[cut:end]]
    assert {line[1] for line in facts if line[0] == "listens"} == here.sockets(), said
    running = {tuple(" ".join(line[1:]).split()) for line in facts if line[0] == "runs"}
    wanted = {
        (process.user, process.name) for process in here.server.processes if process.origin in here.software
    }
    assert wanted - running - {("varnishlog", "varnishncsa")} == set(), running
    checks = [line for line in facts if line[0] == "check"]
    assert checks
    assert [line for line in checks if line[2] != "0"] == []
    missed = [line.split()[1:3] for line in said[end + 1 :] if "-runtime " not in line]
    assert [name for name, code in missed if code != "2"] == []
    assert ended_badly(said) == []
    drawings = [line for line in facts if line[0] == "draws"]
    assert len(drawings) >= 1
    assert [line for line in drawings if "0" in " ".join(line[2:]).split()] == []
    return said[:cut]
