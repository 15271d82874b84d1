"""The provisioned stacks as real machines: what tests do with them."""

import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from managed_server import spec
from managed_server.bundle import Bundle, build
from managed_server.delivery_keys import bundle_key, pointer_key
from managed_server.inputs import load_project, stack_path
from managed_server.local.aws.client import session as clients
from managed_server.local.aws.process import LocalAws
from managed_server.local.box.machine import Box
from managed_server.local.box.session import Session
from managed_server.project import Project
from managed_server.resolve import resolve_stack

HEARTBEATS = "/var/lib/managed-server/heartbeat"
CONVERGE_TIMEOUT = 1500  # seconds; a first run downloads and installs everything, and all machines do at once


def until(what: Callable[[], Any], timeout: float, said: str, every: float = 0.5) -> Any:
    """Wait until `what` returns something true, and return it."""
    deadline = time.monotonic() + timeout
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < deadline, f"{said}: not within {timeout:.0f} s"
        time.sleep(every)


@dataclass
class Server:
    """A machine, and what its stack says of it."""

    fleet: "Fleet"
    customer: spec.CustomerSpec
    spec: spec.ServerSpec
    box: Box
    bundle: Bundle

    def heartbeat(self, name: str = "converge") -> str:
        """The text of a heartbeat; empty without one."""
        return self.box.run(["cat", f"{HEARTBEATS}/{name}"]).stdout.strip()

    def wait(self, ended: threading.Event) -> None:
        """Wait for the first converge, or until the tests have ended."""
        wanted = f"ok bundle {self.bundle.sha256[:12]}"

        def done() -> bool:
            if ended.is_set():
                return True
            said = self.heartbeat()
            assert not said.startswith("critical"), f"{said}\n{self.journal()[-6000:]}"
            return said == wanted

        until(done, CONVERGE_TIMEOUT, f"{self.box.name} has not converged")

    def converge(self) -> subprocess.CompletedProcess[str]:
        """Bring it to its bundle now, as a person does."""
        return self.box.run(["managed-converge"], timeout=600)

    def changes(self) -> list[str]:
        """What the last run of Puppet changed, by its own report."""
        script = "ls -1 /var/lib/managed-server/reports/server/*.yaml | tail -n 1 | xargs cat"
        text = self.box.run(script, check=True).stdout

        class Loader(yaml.SafeLoader):
            """Puppet's reports hold Ruby objects."""

        Loader.add_multi_constructor(
            "!ruby", lambda loader, _, node: loader.construct_mapping(node, deep=True)
        )
        report = yaml.load(text, Loader)  # noqa: S506 - a SafeLoader
        return [name for name, status in report["resource_statuses"].items() if status["changed"]]

    def journal(self) -> str:
        """What runs of fetching and converging said."""
        return self.box.run(["journalctl", "-u", "managed-fetch", "-o", "cat", "--no-pager"]).stdout

    def deliver(self, change: Callable[[dict[str, Any]], None]) -> Bundle:
        """Put a bundle of a changed stack file into the bucket, and point at it, as a deploy does."""
        customer = self.fleet.changed(self.customer.id, change)
        bundle = build(self.fleet.root / "templates", customer, customer.server(self.spec.name))
        self.put(bundle.content, bundle.sha256)
        return bundle

    def put(self, content: bytes, sha256: str) -> None:
        """Put a bundle into the bucket, and point at it."""
        s3, bucket = self.s3(), self.customer.delivery_bucket
        s3.put_object(Bucket=bucket, Key=bundle_key(self.spec.name, sha256), Body=content)
        self.point(json.dumps({"key": bundle_key(self.spec.name, sha256), "sha256": sha256}))

    def point(self, text: str) -> None:
        """Write the pointer."""
        self.s3().put_object(
            Bucket=self.customer.delivery_bucket, Key=pointer_key(self.spec.name), Body=text.encode()
        )

    def back(self) -> None:
        """Bring it back to the bundle that it was provisioned with."""
        self.put(self.bundle.content, self.bundle.sha256)
        done = self.converge()
        assert done.returncode == 0, done.stdout + done.stderr

    def s3(self) -> Any:
        """The local AWS' S3 in the server's account and region."""
        return self.fleet.client("s3", self.customer.account_id, self.customer.region)


@dataclass
class Fleet:
    """All machines of the stacks, and places to try them from."""

    root: Path
    work: Path
    local: LocalAws
    session: Session
    keys: Path
    """Folder of the users' SSH keys."""
    servers: dict[str, Server] = field(default_factory=dict)
    """Those that tests may look at: of the first stacks, and once the fixture `whole` is there, all."""
    others: Future[list["Server"]] | None = None
    """The servers of the stacks that come up beside the first tests."""
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def know(self, servers: Iterable[Server]) -> None:
        """Let tests look at these servers."""
        self.servers.update((server.spec.host_name, server) for server in servers)

    def client(self, service: str, account: str, region: str) -> Any:
        """A client of the local AWS."""
        known = self._clients.setdefault((account, region), clients(self.local, account, region))
        return known.client(service)

    def changed(self, stack: str, change: Callable[[dict[str, Any]], None]) -> spec.CustomerSpec:
        """What a stack file says with a change, by the catalogue as it is."""
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            path = stack_path(Path(folder), stack)
            path.parent.mkdir()
            data = yaml.safe_load(stack_path(self.root, stack).read_text())
            change(data["config"]["managed-server:customer"])
            path.write_text(yaml.safe_dump(data, sort_keys=False))
            return resolve_stack(replace(self.project, drafts=Path(folder)), stack)[0]

    @cached_property
    def project(self) -> Project:
        """Provider, contract and catalogue, which no test changes."""
        return load_project(self.root)

    def at(self, name: str, *addresses: str) -> "Place":
        """A place without a machine, at these addresses."""
        return Place.of(self.session, self.keys, name, *addresses)


@dataclass
class Place:
    """A network namespace: somebody on the internet."""

    namespace: str
    keys: Path
    addresses: tuple[str, ...]

    @classmethod
    def of(cls, session: Session, keys: Path, name: str, *addresses: str) -> "Place":
        """A place without a machine, at these addresses."""
        return cls(session.client(name, *addresses), keys, addresses)

    @contextmanager
    def started(self, argv: Iterable[str]) -> Iterator[subprocess.Popen[str]]:
        """Run a program of the host there beside the test, from its first line of output on."""
        command = ["ip", "netns", "exec", self.namespace, *argv]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline(), f"{command} didn't start"
                yield process
            finally:
                process.kill()

    def run(self, argv: Iterable[str], timeout: float = 60, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run a program of the host there."""
        command = ["ip", "netns", "exec", self.namespace, *argv]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            **more,
        )

    def reaches(self, address: str, ports: Iterable[int], timeout: float = 2) -> set[int]:
        """The TCP ports of an address that accept a connection; all are tried at once."""
        return self.connects({address: ports}, timeout)[address]

    def connects(self, ports: Mapping[str, Iterable[int]], timeout: float = 2) -> dict[str, set[int]]:
        """The TCP ports of each address, of those named, that accept a connection; all are tried at once."""
        script = (
            "import concurrent.futures as f, json, socket, sys\n"
            "def go(pair):\n"
            "    try: socket.create_connection(pair, float(sys.argv[1])).close()\n"
            "    except OSError: return None\n"
            "    return pair\n"
            "pairs = [(a, p) for a, found in json.loads(sys.argv[2]).items() for p in found]\n"
            "with f.ThreadPoolExecutor(1000) as pool: found = list(filter(None, pool.map(go, pairs)))\n"
            "print(json.dumps(found))\n"
        )
        wanted = json.dumps({address: sorted(set(found)) for address, found in ports.items()})
        done = self.run(["python3", "-I", "-c", script, str(timeout), wanted])
        assert done.returncode == 0, done.stderr
        found: dict[str, set[int]] = {address: set() for address in ports}
        for address, port in json.loads(done.stdout):
            found[address].add(port)
        return found

    def ssh(self, user: str, address: str, *command: str, key: str | None = None, timeout: float = 60) -> Any:
        """Log in with a user's key, and run a command."""
        options = [
            *("-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
            *("-o", "ConnectTimeout=10", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR"),
        ]
        identity = ["-i", str(self.keys / (key or user))]
        return self.run(["ssh", "-F", "none", *options, *identity, f"{user}@{address}", *command], timeout)
