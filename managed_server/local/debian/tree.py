"""Builds a Debian tree with a list of packages, once, into a cache.

`MANAGED_SERVER_CACHE` names the cache (else `XDG_CACHE_HOME`/managed-server, else ~/.cache/managed-server).
A tree's key is made of its release, its packages and this builder's source: change one, and a
tree of its own is built. Nothing is refreshed in place; remove the directory to build anew.
"""

import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from managed_server.local.debian import host
from managed_server.local.debian.host import DebianError

KEPT_TREES = 10
BUILD_TIMEOUT = 1800  # seconds; measured: about 40 on 2 cores with a near mirror
_TAIL = 15  # lines of the log in an error

# Runs as soon as the package index is there: the builder itself looks for the packages last of all.
_LOOK_UP = """
set -e
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
known=$(apt-cache show --no-all-versions {packages} | sed -n 's/^Package: //p')
for package in {packages}; do
    printf '%s\\n' "$known" | grep -qxF -- "$package" || {{ echo "E: no package $package" >&2; exit 1; }}
done
"""

# Runs in the tree at the end of the build. No machine's identity may be in what is copied for many.
_FINISH = """
set -e
if [ -d "{certificates}" ] && [ -d "$1/etc/ssl/certs" ]; then
    mkdir -p "$1{certificates}"
    cp -r "{certificates}/." "$1{certificates}/"
    if [ -x "$1/usr/sbin/update-ca-certificates" ]; then chroot "$1" update-ca-certificates >/dev/null; fi
fi
rm -f "$1"/etc/ssh/ssh_host_* "$1/etc/resolv.conf" "$1/var/lib/dbus/machine-id" "$1/etc/hostname"
: > "$1/etc/machine-id"
"""


def cache_directory() -> Path:
    """Where trees are kept."""
    own = os.environ.get("MANAGED_SERVER_CACHE")
    if own:
        return Path(own).expanduser().resolve() / "debian"
    shared = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(shared).resolve() / "managed-server" / "debian"


def tree_key(release: int, packages: Sequence[str]) -> str:
    """Name of the tree with these packages: the release and 16 hex digits."""
    digest = hashlib.sha256(repr((release, sorted(set(packages)))).encode())
    for name in ("tree.py", "host.py", "releases.txt"):
        digest.update((host.HERE / name).read_bytes())
    return f"{release}-{digest.hexdigest()[:16]}"


def ensure_tree(release: int, packages: Sequence[str], progress: Callable[[str], None]) -> Path:
    """The root directory of a Debian tree with these packages, built if it isn't there.

    Args:
        release: Debian release number, one of releases.txt.
        packages: names of Debian packages; recommended ones are not added.
        progress: told one line at each step; never called when the tree is there.

    Returns:
        The tree's root. Treat it as read-only: `run.run_in_tree` puts an overlay on it.

    Raises:
        DebianError: the release is unknown, the host lacks something, or the build failed.
    """
    if release not in host.codenames():
        known = ", ".join(str(number) for number in host.codenames())
        raise DebianError(f"Debian {release} is unknown here; known: {known}")
    home = cache_directory() / tree_key(release, packages)
    root = home / "root"
    host.check_host([program for program in host.PROGRAMS if program != "mmdebstrap"])
    if root.is_dir():
        os.utime(home)
        return root
    host.check_host()
    home.parent.mkdir(parents=True, exist_ok=True)
    with _locked(home, fcntl.LOCK_EX, progress):
        if not root.is_dir():
            _build(home, release, sorted(set(packages)), progress)
    _forget_old(release, home)
    return root


@contextmanager
def in_use(root: Path) -> Iterator[None]:
    """Keeps a tree from being removed while a program runs in it."""
    with _locked(root.parent, fcntl.LOCK_SH):
        yield


@contextmanager
def _locked(home: Path, how: int, progress: Callable[[str], None] | None = None) -> Iterator[None]:
    with home.with_name(home.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if progress:
                progress("another process builds the same Debian tree: waiting for it")
            fcntl.flock(lock, how)
        yield  # closing the file, or dying, releases the lock


def _build(home: Path, release: int, packages: list[str], progress: Callable[[str], None]) -> None:
    codename = host.codenames()[release]
    unfinished = home.with_name(home.name + ".unfinished")
    log = home.with_name(home.name + ".log")
    shutil.rmtree(unfinished, ignore_errors=True)  # of a build that was killed
    (unfinished / "mnt").mkdir(parents=True)
    progress(f"building a Debian {release} ({codename}) tree with {len(packages)} packages; log: {log}")
    started = time.monotonic()
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as options:
        options.write(host.host_apt_options())
        options.flush()
        argv = _command(unfinished / "root", codename, packages, Path(options.name))
        code = _run_logged(argv, log, progress)
    if code != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:])
        raise DebianError(f"building the Debian {release} tree failed ({code}); the whole log: {log}\n{tail}")
    unfinished.rename(home)
    progress(f"Debian {release} tree built in {time.monotonic() - started:.0f} s")


def _command(root: Path, codename: str, packages: list[str], options: Path) -> list[str]:
    builder = [
        "mmdebstrap", "--mode=root", "--variant=apt", "--skip=check/empty",
        f"--aptopt={options}",
        f"--customize-hook={_FINISH.format(certificates=host.CERTIFICATES)}",
    ]  # fmt: skip
    if packages:
        builder.append("--include=" + ",".join(packages))
        builder.append("--extract-hook=" + _LOOK_UP.format(packages=shlex.join(packages)))
    builder += [codename, str(root), *host.host_sources(codename)]
    # In namespaces of its own, so that nothing stays mounted or running, even after a kill.
    return [*isolated("--mount-proc"), *builder]


def isolated(*more: str) -> list[str]:
    """The start of a command line whose whole process tree and mounts end with this process."""
    return [
        "setpriv", "--pdeathsig", "KILL", "--",
        "unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", *more, "--",
    ]  # fmt: skip


def _run_logged(argv: list[str], log: Path, progress: Callable[[str], None]) -> int:
    env = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    # In a session of its own, an interrupt from the keyboard reaches us first, and we end it.
    with log.open("w", encoding="utf-8") as sink, subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", env=env, start_new_session=True,
    ) as process:  # fmt: skip
        limit = threading.Timer(BUILD_TIMEOUT, process.kill)
        limit.start()
        try:
            for line in process.stdout or ():
                sink.write(line)
                sink.flush()
                if line.startswith("I: "):
                    progress(line[3:].strip())
            return process.wait()
        finally:
            limit.cancel()
            process.kill()  # does nothing to one that has ended


def _forget_old(release: int, current: Path) -> None:
    """Removes trees beyond the `KEPT_TREES` last used ones of a release, and killed builds, unless in use."""
    homes = [
        path for path in current.parent.glob(f"{release}-*") if (path / "root").is_dir() and path.suffix == ""
    ]
    unused = sorted(homes, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT_TREES:]
    for old in (*unused, *current.parent.glob("*.unfinished")):
        with old.with_name(old.name.removesuffix(".unfinished") + ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(old, ignore_errors=True)
