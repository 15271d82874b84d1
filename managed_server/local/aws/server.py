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

from managed_server.local.aws import copying, cures, state
from managed_server.local.aws.application import LocalAwsApplication
from managed_server.local.aws.faults import FILE, Faults

_IN_MEMORY = 1 << 30
"""Bytes of an object that isn't in a file: a copy of this process would share it, and where it is read."""


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


def _serve(
    state_dir: Path, host: str, port: int, application: LocalAwsApplication, boot_id: str, copy_in: str = ""
) -> int:
    """Serve until SIGTERM or SIGINT, in a copy as in the first one; return the exit code."""
    try:
        server = _bind(host, port, application)
    except SystemExit:  # werkzeug's way to say that the port is taken
        return state.EXIT_PORT
    port = int(server.server_address[1])
    os.environ["MOTO_PORT"] = str(port)  # moto puts it into URLs that it hands out

    def serve_copy(target: Path) -> int:
        server.socket.close()
        return _serve(target, host, 0, application.copy(Faults(target / FILE)), boot_id, str(target))

    copying.allow(state_dir, application.alone, serve_copy)
    pid = os.getpid()
    ticks = state.start_ticks(pid) or 0
    state.save(state_dir, state.Running(host, port, pid, ticks, boot_id, copy_in))
    print(f"local AWS on {host}:{port}, boot {boot_id}", flush=True)  # noqa: T201
    server.serve_forever()
    return 0


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    arguments = _arguments(argv)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    state_dir = arguments.state.resolve()
    os.chdir("/")  # it outlives the folder that it was started in
    os.environ["MOTO_S3_DEFAULT_KEY_BUFFER_SIZE"] = str(_IN_MEMORY)
    cures.apply_all()
    boot_id = uuid.uuid4().hex
    # What is loaded by now stays: no need to look through it again at every collection.
    gc.collect()
    gc.freeze()
    application = _application(boot_id, Faults(state_dir / FILE))
    return _serve(state_dir, arguments.host, arguments.port, application, boot_id)


if __name__ == "__main__":
    sys.exit(main())
