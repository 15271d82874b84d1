"""Started by run.py as the first process of new namespaces: mounts, writes files, runs commands.

Standard library only, run by path: the request comes as JSON on stdin, the answer goes to stdout.
Everything it mounts lives in its mount namespace, on a tmpfs: when it ends, nothing is left.
"""

import base64
import contextlib
import fcntl
import json
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

_OUTPUT_LIMIT = 262144  # bytes of each output that are handed back
_UPPER_LIMIT = "1g"  # what a run may write
_DEVICES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
}
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1  # netdevice(7)
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root", "LC_ALL": "C.UTF-8", "TERM": "dumb",
}  # fmt: skip


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, stdin=subprocess.DEVNULL)


def _mount_tree(lower: str, place: str) -> Path:
    """An overlay on the tree, with what is written kept in memory; returns its root."""
    _mount("-t", "tmpfs", "-o", f"size={_UPPER_LIMIT},mode=0755", "tmpfs", place)
    os.chdir(place)
    for name in ("lower", "upper", "work", "root"):
        Path(name).mkdir()
    _mount("--bind", lower, "lower")
    # Relative names, since the option's value can't hold every character of a path.
    _mount("-t", "overlay", "overlay", "-o", "lowerdir=lower,upperdir=upper,workdir=work", "root")
    root = Path(place, "root")
    _mount("-t", "proc", "proc", str(root / "proc"))
    _mount("-t", "tmpfs", "-o", "size=16m,mode=0755", "tmpfs", str(root / "dev"))
    for name, (major, minor) in _DEVICES.items():
        os.mknod(root / "dev" / name, stat.S_IFCHR, os.makedev(major, minor))
        (root / "dev" / name).chmod(0o666)
    for name, target in {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}.items():
        (root / "dev" / name).symlink_to(target)
    (root / "dev" / "shm").mkdir(mode=0o1777)
    return root


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(sock, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def _populate(request: dict[str, Any]) -> None:
    """Removes, writes and links files; called after the change of root, so no link leads out of it."""
    os.umask(0)
    for path in request["absent"]:
        with contextlib.suppress(FileNotFoundError):
            Path(path).unlink()
    for entry in request["files"]:
        path = Path(entry["path"])
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        if path.is_symlink():
            path.unlink()  # a file of the machine replaces a link of the package
        path.write_bytes(base64.b64decode(entry["content"]))
        os.chown(path, entry["uid"], entry["gid"])
        path.chmod(entry["mode"])
    for link, target in request["links"].items():
        Path(link).parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        Path(link).unlink(missing_ok=True)
        Path(link).symlink_to(target)


def _populate_in(root: Path, request: dict[str, Any]) -> None:
    child = os.fork()
    if child == 0:
        try:
            os.chroot(root)
            os.chdir("/")
            _populate(request)
            os._exit(0)
        except BaseException as error:  # noqa: BLE001  the child must not run on in the parent's code
            sys.stderr.write(f"writing the files: {error}\n")
            sys.stderr.flush()
            os._exit(1)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        raise SystemExit(1)


class _Syslog:
    """Listens on /dev/log: many daemons say what is wrong with a file nowhere else."""

    def __init__(self, root: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("root/dev/log")  # relative: the length of such a name is limited to 107 bytes
        (root / "dev" / "log").chmod(0o666)
        self._lines: list[str] = []
        self._said = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            line = self._socket.recv(65536)
            if line == b"\0":
                self._said.set()
            else:
                self._lines.append(line.decode("utf-8", "replace").rstrip("\n\0"))

    def take(self) -> str:
        """What was said since the last time."""
        self._said.clear()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mark:
            mark.sendto(b"\0", "root/dev/log")  # what came before it has then been read
        self._said.wait(5)
        lines, self._lines = self._lines, []
        return "\n".join(lines)


def _end_all_others() -> None:
    """Ends whatever a command has left running: this is the first process of its namespace."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _run(root: Path, command: dict[str, Any], number: int, syslog: _Syslog) -> dict[str, Any]:
    started = time.monotonic()
    argv = ["chroot", str(root), *command["argv"]]
    names = [Path(f"out{number}"), Path(f"err{number}")]
    # Files, not pipes: a daemon that keeps its output open must not hold us up.
    with names[0].open("wb") as out, names[1].open("wb") as err:
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=out, stderr=err, env={**_ENVIRONMENT, **command["env"]},
            start_new_session=True,
        )  # fmt: skip
        try:
            process.communicate(base64.b64decode(command["input"]), timeout=command["timeout"])
            timed_out = False
        except subprocess.TimeoutExpired:
            timed_out = True
            process.kill()
            process.wait()
    _end_all_others()
    texts = []
    for name in names:
        with name.open("rb") as text:
            texts.append(text.read(_OUTPUT_LIMIT).decode("utf-8", "replace"))
        name.unlink()
    return {
        "code": process.returncode, "timed_out": timed_out, "stdout": texts[0], "stderr": texts[1],
        "syslog": syslog.take(), "seconds": time.monotonic() - started,
    }  # fmt: skip


def main() -> None:
    """Serves one request."""
    request = json.load(sys.stdin)
    socket.sethostname(request["hostname"])
    _loopback_up()
    root = _mount_tree(request["lower"], request["place"])
    _populate_in(root, request)
    syslog = _Syslog(root)
    answers = [_run(root, command, number, syslog) for number, command in enumerate(request["commands"])]
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
