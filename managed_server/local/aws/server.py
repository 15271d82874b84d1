"""The program: `python -m managed_server.local.aws.server --host 127.0.0.1 --port N --state DIR`.

Runs moto's server with the cures until SIGTERM. Its state folder must exist; resources live in memory alone.
"""

import argparse
import gc
import ipaddress
import os
import signal
import sys
import uuid
from pathlib import Path
from types import FrameType

from moto.moto_server import werkzeug_app
from werkzeug.serving import BaseWSGIServer, make_server

from managed_server.local.aws import cures, state
from managed_server.local.aws.application import LocalAwsApplication
from managed_server.local.aws.faults import FILE, Faults


class _Handler(werkzeug_app.MotoRequestHandler):  # type: ignore[misc]  # moto carries no types
    """moto's, with a time limit on a silent connection: a thread must not wait for ever."""

    timeout = 60  # seconds


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m {state.SERVER_MODULE}", description="The local AWS.")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder that the run is recorded in")
    arguments = parser.parse_args(argv)
    if not _is_loopback(arguments.host):
        parser.error(f"--host: {arguments.host} is not a loopback address, and no password protects it")
    return arguments


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _application(boot_id: str, faults: Faults) -> LocalAwsApplication:
    # Looked up now, after the cures: one replaces it.
    moto = werkzeug_app.DomainDispatcherApplication(werkzeug_app.create_backend_app)
    return LocalAwsApplication(moto, boot_id, faults)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _bind(host: str, port: int, application: LocalAwsApplication) -> BaseWSGIServer:
    return make_server(host, port, application, threaded=True, request_handler=_Handler)


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    arguments = _arguments(argv)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    state_dir = arguments.state.resolve()
    os.chdir("/")  # it outlives the folder that it was started in
    os.environ["MOTO_PORT"] = str(arguments.port)  # moto puts it into URLs that it hands out
    applied = cures.apply_all()
    boot_id = uuid.uuid4().hex
    # What is loaded by now stays: no need to look through it again at every collection.
    gc.collect()
    gc.freeze()
    try:
        server = _bind(arguments.host, arguments.port, _application(boot_id, Faults(state_dir / FILE)))
    except SystemExit:  # werkzeug's way to say that the port is taken
        return state.EXIT_PORT
    pid = os.getpid()
    state.save(
        state_dir,
        state.Running(arguments.host, arguments.port, pid, state.start_ticks(pid) or 0, boot_id),
    )
    print(f"local AWS on {arguments.host}:{arguments.port}, boot {boot_id}, {len(applied)} cures", flush=True)  # noqa: T201
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
