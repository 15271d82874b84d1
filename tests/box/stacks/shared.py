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
from contextlib import ExitStack, contextmanager
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
    shared: bool = False
    """Whether there are others."""
    first: bool = True
    """Whether this one makes it."""
    made: Callable[[], None] = lambda: None
    """To be called once the others' copies are there: they wait for it."""


@contextmanager
def claimed(folder: Path) -> Iterator[Share]:
    """The stand itself for the first process, for each other one a copy, once there is one.

    Raises:
        RuntimeError: the first process could make none, was killed, or has ended; or each copy is taken.
    """
    first, made, ended = folder / "0", folder / "made", folder / "ended"
    with (folder / "lock").open("a") as lock, ExitStack() as ends:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if ended.exists() or (first.exists() and not made.exists()):
            raise RuntimeError("there is no stand (any more): see what the process that made it says")
        if made.exists():
            free = [each for each in copies(folder) if not each.with_suffix(".taken").exists()]
            if not free:
                raise RuntimeError(f"there are {COUNT} shares, and each has been taken")
            free[0].with_suffix(".taken").touch()
            fcntl.flock(lock, fcntl.LOCK_UN)
            ends.callback(free[0].with_suffix(".done").touch)
            ends.callback(process.stop, free[0] / "stacks/.local")
            yield Share(free[0], shared=True, first=False)
            return
        first.mkdir()

        def tell() -> None:
            made.touch()
            fcntl.flock(lock, fcntl.LOCK_UN)

        def end() -> None:
            fcntl.flock(lock, fcntl.LOCK_EX)
            ended.touch()  # who comes now comes too late
            with ExitStack() as all_of_them:
                for each in copies(folder):
                    if not each.with_suffix(".taken").exists():
                        all_of_them.callback(process.stop, each / "stacks/.local")

        ends.callback(first.with_suffix(".done").touch)
        ends.callback(end)
        yield Share(first, shared=True, made=tell)


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
