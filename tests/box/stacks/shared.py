"""One stand for several processes of pytest: the first that comes makes it, each other one gets a copy.

What takes long is the making: two machines converge from the bare image. Most tests after it wait, for
Nagios, a boot, a converge, and on one server they can't but take turns. On copies they don't (ADR 24).
.ci/test says in the environment how many processes there are and where they meet, and removes that folder.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from managed_server.local.aws import process
from managed_server.local.box.session import Session

FOLDER = os.environ.get("MANAGED_SERVER_TEST_SHARED")
"""On one file system: what the machines wrote stays in it, and is shared."""
COUNT = int(os.environ.get("MANAGED_SERVER_TEST_SHARES", "1"))
"""Processes that share a stand."""

BUSY_AT_MOST = 900
"""Seconds from their beginning in which others wait, whatever became of whom they wait for."""

_NOT_COPIED = {".local": ("aws.*",), "gnupg": ("S.*",), "mail": ("*.eml",)}
"""By folder: what is of one AWS alone, sockets of a key's agent, and mails."""


@dataclass
class Share:
    """What this process has of the stand."""

    stand: Path
    """Folder with all of it."""
    first: bool = True
    """Whether this one makes it."""
    made: Callable[[], None] = lambda: None
    """To be called once the others' copies are there: they wait for it."""


@contextmanager
def claimed(folder: Path) -> Iterator[Share]:
    """The stand itself for the first process, for each other one a copy, once there is one.

    Raises:
        RuntimeError: the first process could make none, or was killed.
    """
    first, made, failed = folder / "0", folder / "made", folder / "failed"
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if failed.exists() or (first.exists() and not made.exists()):
            raise RuntimeError("there is no stand: the report of the process that made it says why")
        if made.exists():
            mine = next(each for each in copies(folder) if not each.with_suffix(".taken").exists())
            mine.with_suffix(".taken").touch()
            fcntl.flock(lock, fcntl.LOCK_UN)
            try:
                yield Share(mine, first=False)
            finally:
                mine.with_suffix(".done").touch()
            return
        first.mkdir()

        def tell() -> None:
            made.touch()
            fcntl.flock(lock, fcntl.LOCK_UN)

        try:
            yield Share(first, made=tell)
        finally:
            if not made.exists():
                failed.touch()
            fcntl.flock(lock, fcntl.LOCK_EX)
            for each in copies(folder):
                if not each.with_suffix(".taken").exists():
                    process.stop(each / "stacks/.local")
            failed.touch()  # who comes now comes too late
            first.with_suffix(".done").touch()


def busy(folder: Path) -> bool:
    """Whether tests are at work on a stand and all of its copies: they need the processor then."""
    return (folder / "made").exists() and len(list(folder.glob("*.done"))) < COUNT


def copies(folder: Path) -> list[Path]:
    """The folders of the copies, made or not."""
    return [folder / str(number) for number in range(1, COUNT)]


def _left_out(folder: str, names: list[str]) -> set[str]:
    return shutil.ignore_patterns(*_NOT_COPIED.get(Path(folder).name, ()))(folder, names)


def copy(stand: Path, session: Session) -> None:
    """Make the copies of a stand whose machines have converged; in the end these are off."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda box: box.stop(), session.boxes().values()))
    session.settle(stand.parent / "layers")
    for target in copies(stand.parent):
        for name in ("keys", "stacks", "vendor", "mail"):
            shutil.copytree(stand / name, target / name, symlinks=True, ignore=_left_out)
        aws = target / "stacks/.local"
        process.copy(stand / "stacks/.local", aws)
        session.copy(target / "box", aws)
