"""Network namespaces by name: made and removed by ip(8), and sockets that live in one."""

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

FOLDER = Path("/run/netns")
_CLONE_NEWNET = 0x40000000  # linux/sched.h
T = TypeVar("T")


class NetworkError(Exception):
    """A step on a network failed; the message is ip's own."""


def run(*argv: str) -> str:
    """Run a program, and return what it printed.

    Raises:
        NetworkError: it failed.
    """
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise NetworkError(f"{' '.join(argv)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def ip(namespace: str, *arguments: str) -> str:
    """Run the program of that name on a namespace."""
    return run("ip", "-n", namespace, *arguments)


def sysctl(namespace: str, *settings: str) -> None:
    """Set kernel parameters, as `name=value`, of a namespace."""
    run("ip", "netns", "exec", namespace, "sysctl", "-qw", *settings)


def names(prefix: str) -> list[str]:
    """The namespaces whose name starts so."""
    return sorted(path.name for path in FOLDER.glob(prefix + "*")) if FOLDER.is_dir() else []


def add(name: str) -> None:
    """Make a namespace, with its loopback up."""
    run("ip", "netns", "add", name)
    ip(name, "link", "set", "lo", "up")


def unlink(namespace: str, link: str) -> None:
    """Remove a link of a namespace, both its ends, if it is there; when this returns, it is gone."""
    try:
        ip(namespace, "link", "delete", link)
    except NetworkError as error:
        if "Cannot find device" not in str(error):
            raise


def delete(name: str) -> None:
    """Remove a namespace; the kernel removes its links some time after that."""
    run("ip", "netns", "delete", name)


def inside(namespace: str, make: Callable[[], T]) -> T:
    """Call `make` in a thread of its own that has entered the namespace; a socket it makes stays in there."""
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            descriptor = os.open(FOLDER / namespace, os.O_RDONLY)
            try:
                if libc.setns(descriptor, _CLONE_NEWNET):
                    code = ctypes.get_errno()
                    raise OSError(code, f"can't enter the network namespace {namespace}: {os.strerror(code)}")
            finally:
                os.close(descriptor)
            results.append(make())
        except BaseException as error:  # noqa: BLE001 - it is raised again below, in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=work)  # the namespace is this thread's alone, and ends with it
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def listener(namespace: str, address: str, port: int) -> socket.socket:
    """A TCP socket that listens in the namespace."""
    return inside(namespace, lambda: socket.create_server((address, port), backlog=128))
