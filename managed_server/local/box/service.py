"""The program behind the router's addresses: `python -m managed_server.local.box.service --state FOLDER`.

One for a session, in the host's network: metadata, and a way to the local AWS, to the packages' mirror, and
from the host's loopback to the hub's pages. Its sockets are made inside the session's namespaces; no rule and
no route joins these to the host. Runs until SIGTERM, or until the session's router is gone.
"""

import argparse
import asyncio
import signal
import socket
import sys
import threading
from functools import cache, partial
from pathlib import Path

from managed_server.local.aws import process as aws
from managed_server.local.aws import state as aws_state
from managed_server.local.box import forward, namespaces, plan
from managed_server.local.box.instances import Instances, Machine
from managed_server.local.box.metadata import Metadata
from managed_server.local.box.network import Network
from managed_server.local.box.processes import record

MODULE = "managed_server.local.box.service"
OFFICE = "office"
"""Client whose address the hub's pages are asked from."""
_WEB = 80
_LOOK = 2.0  # seconds between looks at the router


class _Session:
    """The plan as it stands now: commands add machines to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._changed = 0
        self._plan = self._read()

    def _read(self) -> plan.Plan:
        changed = (self._folder / plan.FILE).stat().st_mtime_ns
        found = plan.load(self._folder)
        if found is None:
            raise FileNotFoundError(self._folder / plan.FILE)
        self._changed = changed  # last: another thread must not take the earlier plan for this one
        return found

    def now(self) -> plan.Plan:
        """The plan."""
        if (self._folder / plan.FILE).stat().st_mtime_ns != self._changed:
            self._plan = self._read()
        return self._plan

    def machine_at(self, address: str) -> Machine | None:
        """The machine with an address, if it plays an instance."""
        found = self.now().machine_at(address)
        return found if found and found.instance_id else None

    def instances(self) -> Instances:
        """Of the local AWS that runs now."""
        running = aws_state.load(Path(self.now().aws_folder))
        if running is None:
            raise ConnectionError("the local AWS doesn't run")
        return _instances(aws.LocalAws(running.endpoint, running.pid, running.boot_id))


@cache
def _instances(local: aws.LocalAws) -> Instances:
    return Instances(local)


async def _to_aws(session: _Session) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    running = aws_state.load(Path(session.now().aws_folder))
    if running is None:
        raise ConnectionError("the local AWS doesn't run")
    return await asyncio.open_connection(running.host, running.port)


async def _to_pages(session: _Session, namespace: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address = session.now().pages
    if not address:
        raise ConnectionError("no hub in this session")
    made = namespaces.inside(namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    made.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    try:
        await asyncio.get_running_loop().sock_connect(made, (address, _WEB))
        return await asyncio.open_connection(sock=made)
    except BaseException:
        made.close()
        raise


async def _until_router_is_gone(network: Network) -> None:
    while network.is_up():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(_LOOK)


async def _serve(session: _Session) -> None:
    now = session.now()
    network = Network(now.prefix)
    router = network.router
    loop = asyncio.get_running_loop()
    metadata = Metadata(
        namespaces.listener(router, plan.METADATA, _WEB), session.machine_at, session.instances
    )
    threading.Thread(target=metadata.serve_forever, daemon=True).start()
    tasks = [
        forward.serve(namespaces.listener(router, plan.AWS, _WEB), partial(_to_aws, session)),
        forward.serve(
            socket.create_server(("127.0.0.1", now.pages_port)),
            partial(_to_pages, session, network.namespace(OFFICE)),
        ),
    ]
    tasks += [
        forward.serve(namespaces.listener(router, mirror.address, port), forward.to(mirror.host, port))
        for mirror in now.mirrors
        for port in mirror.ports
    ]
    running = [loop.create_task(task) for task in tasks]
    gone = loop.create_task(_until_router_is_gone(network))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, gone.cancel)
    print("ready", flush=True)  # noqa: T201 - the log
    await asyncio.wait([gone, *running], return_when=asyncio.FIRST_COMPLETED)
    for task in running:
        if task.done():
            task.result()  # raises what ended it


def main(argv: list[str] | None = None) -> int:
    """Serve; return the exit code."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description="What lies outside the boxes.")
    parser.add_argument("--state", type=Path, required=True, help="the session's folder")
    folder: Path = parser.parse_args(argv).state
    session = _Session(folder)
    record(folder / "service.pid")
    asyncio.run(_serve(session))
    return 0


if __name__ == "__main__":
    sys.exit(main())
