"""Software of vendors whose packages no archive here has: what the tests of its files and programs share."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from managed_server.inputs import load_project
from managed_server.local.debian.run import Result, TreeFile
from managed_server.project import Project
from managed_server.resolve import resolve_stack
from tests.conftest import ROOT
from tests.stackfile import STACK, write_stack

from .support import files_of, run_script

PEERS = """
        peers: [web2]
      web2: {instance_type: t3.small, disk_gb: 20, software: [nginx]}
"""
"""The end of a server's part of the stack file that has a peer."""

# Answers as the vendor's would, and writes down what it was asked: method, path, who asks, and what was sent.
SERVER = """
import base64, http.server, json, sys

answers = json.load(open("/opt/answers"))

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        who = base64.b64decode((self.headers.get("Authorization") or "").partition(" ")[2]).decode()
        with open("/opt/asked", "a") as log:
            print(json.dumps([self.command, self.path, who, sent]), file=log)
        asked = f"{self.command} {self.path}"
        code, text = answers.get(f"{asked} {who}") or answers.get(asked) or [404, ""]
        self.send_response(code)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())
    do_GET = do_PUT = do_POST = do_DELETE = answer
    def log_message(self, *words):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
SHELL = """
id nagios >/dev/null 2>&1 || useradd --system --no-create-home nagios
chmod 711 /opt; : >/opt/asked; chmod 666 /opt/asked
as() { setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"; }
serve() {
    python3 /opt/server.py "$1" & served=$!
    for _ in $(seq 600); do (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.1; done
    echo "nothing listens on $1"
}
stop() { kill "$served"; wait "$served" 2>/dev/null; }
asked() { cat /opt/asked; }
"""


@cache
def project() -> Project:
    """The catalogue, read once for all of these tests."""
    return load_project(ROOT)


class Vendor:
    """One server with some software, and a shell in a tree that has its files."""

    def __init__(self, folder: Path, machine: tuple[int, Path], *software: str, more: str = "") -> None:
        """``more``: lines at the end of the server, and of its customer, in the stack file."""
        self.release, self.tree = machine
        text = STACK.replace("software: [nginx, php]", f"software: [{', '.join(software)}]")
        text = text.replace("        sites: [www.acme.example]\n", more.lstrip("\n"))
        text = text.replace("disk_gb: 80", f"disk_gb: 80\n        debian: {self.release}")
        (folder / "stacks").mkdir(exist_ok=True)
        write_stack(folder, text)
        self.customer = resolve_stack(replace(project(), root=folder), "acme")[0]
        self.server = self.customer.servers[0]
        self.files = files_of(ROOT, self.customer, software)

    def run(
        self,
        script: str,
        answers: Mapping[str, list[object]] | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> list[str]:
        """Run a bash script, which has to come to its end, and return the lines it says."""
        accounts = {name for file in self.files.values() for name in (file.owner, file.group)}
        more = {
            "/opt/server.py": TreeFile(SERVER.encode()),
            "/opt/answers": TreeFile(json.dumps(answers or {}).encode()),
            **{path: TreeFile(content, mode=0o755) for path, content in (files or {}).items()},
        }
        whole = f"{SHELL}\n{script}\necho done"
        users = sorted(accounts - {"root"})
        result: Result = run_script(self.tree, whole, {**self.files, **more}, users=users)
        lines = result.stdout.splitlines()
        assert lines[-1:] == ["done"], result
        return lines[:-1]

    def check(self, name: str) -> str:
        """The shell's words that ask a check as NRPE does, and say its exit code: 0 good, 2 critical."""
        [command] = [check.command for check in self.server.checks if check.name == name]
        return f"as nagios sh -c {shlex.quote(command)} >/dev/null; echo $?"
