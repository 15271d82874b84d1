"""The same state by Ansible, for `make bench`: a playbook made of a bundle's manifest, in a venv thrown away.

As fast as Ansible is without an add-on: one SSH connection that stays, pipelining, no facts, lists where a
module takes them. It is spared what it has no module for: keys of archives, set-up steps, accounts and files
that are there and shouldn't be.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import yaml

VERSION = "2.19.14"
CONFIGURATION = """
[defaults]
host_key_checking = false
[ssh_connection]
pipelining = true
ssh_args = -F none -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=/dev/null
"""


class Ansible:
    """A control machine: in the administrator's network, with his key."""

    def __init__(self, server, place) -> None:
        self.server, self.place = server, place
        self.folder = Path(tempfile.mkdtemp(prefix="ms-"))  # short: a socket's path is limited

    def __enter__(self) -> Self:
        venv = self.folder / "venv"
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        pip = [venv / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, f"ansible-core=={VERSION}"], check=True)
        files = self.folder / "files"
        for file in self.server.bundle.files:
            path = files / file.path.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
        (self.folder / "site.yaml").write_text(yaml.safe_dump(self.playbook(files), sort_keys=False))
        key = self.place.keys / "alice"
        (self.folder / "ansible.cfg").write_text(CONFIGURATION)
        (self.folder / "hosts").write_text(
            f"{self.server.box.machine.addresses[0]} ansible_user=alice ansible_become=true "
            f"ansible_python_interpreter=/usr/bin/python3 ansible_ssh_private_key_file={key}\n"
        )
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder)

    def check(self) -> subprocess.CompletedProcess[str]:
        """Ask what would change; a run that would change something has failed."""
        command = ["ansible-playbook", "-i", self.folder / "hosts", "--check", self.folder / "site.yaml"]
        done = self.place.run(
            [self.folder / "venv" / "bin" / command[0], *command[1:]],
            timeout=900,
            cwd=self.folder,
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
                "ANSIBLE_HOME": str(self.folder / "home"),
                "ANSIBLE_NOCOLOR": "1",
                "LC_ALL": "C.UTF-8",
            },
        )
        assert "changed=0 " in done.stdout, done.stdout[-5000:] + done.stderr
        return done

    def playbook(self, files: Path) -> list[dict]:
        """What the manifest says, in Ansible's words."""
        manifest = json.loads(json.dumps(self.server.bundle.manifest))

        def present(name):  # as converge leaves out what needs a package that only a person can install
            return [it for it in manifest[name] if not it.get("needs")]

        units = [
            {"name": it["name"], "running": it["state"] == "running"}
            for it in present("units")
            if it["state"] == "running" or self.knows(it["name"])
        ]
        units += [{"name": it["name"], "running": True} for it in present("timers")]
        owned = {"owner": "{{ item.owner }}", "group": "{{ item.group }}", "mode": "{{ item.mode }}"}
        account = {"append": False, "shell": "/bin/bash", "expires": "{{ item.expires }}"}
        copied = {"src": f"{files}{{{{ item.path }}}}", "force": "{{ not item.once }}", **owned}
        unit = {
            "state": "{{ 'started' if item.running else 'stopped' }}",
            "enabled": "{{ item.running }}",
        }
        packages = {"name": manifest["packages"], "state": "present", "install_recommends": False}
        groups = [{"name": it} for it in manifest["groups"]]
        users = [{**it, "expires": epoch(it["expires"])} for it in manifest["users"]]
        folders = [it for it in present("directories") if not it["once"]]
        name, path = {"name": "{{ item.name }}"}, {"path": "{{ item.path }}"}
        tasks = [
            {"name": "packages", "ansible.builtin.apt": packages},
            each("group", groups, name),
            each("user", users, {**name, **account, "groups": "{{ item.groups }}"}),
            each("file", folders, {**path, "state": "directory", **owned}),
            each("copy", present("files"), {**copied, "dest": "{{ item.path }}"}),
            each("file", present("links"), {**path, "src": "{{ item.target }}", "state": "link"}),
            each("file", present("removed"), {**path, "state": "absent"}),
            each("systemd_service", units, {**name, **unit}),
        ]
        return [{"hosts": "all", "gather_facts": False, "tasks": tasks}]

    def knows(self, unit: str) -> bool:
        """Whether systemd knows a unit."""
        return self.server.box.run(["systemctl", "cat", unit]).returncode == 0


def each(module: str, items: list[dict], arguments: dict[str, Any]) -> dict:
    """A task that goes through items."""
    label = {"label": "{{ item.path | default(item.name) }}"}
    return {f"ansible.builtin.{module}": arguments, "loop": items, "loop_control": label}


def epoch(last_day: str | None) -> float:
    """When an account is locked, as Ansible's module wants it: the day after its last; negative for never."""
    if last_day is None:
        return -1.0
    return (datetime.fromisoformat(last_day).replace(tzinfo=UTC) + timedelta(days=1)).timestamp()
