"""Reads what bundles are made of: each time anew, or, in a run over many stacks, once.

A file that changes in the middle of such a run must not make half of a fleet differ from the other half; and
asking whether it did takes longer than rendering most files.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Reader:
    """Reads files, and keeps them while it is told to."""

    def __init__(self) -> None:
        self._kept: dict[Path, bytes] = {}
        self._trees: dict[Path, dict[str, bytes]] = {}
        self.keeps = False
        """Whether nothing is looked at twice."""

    @contextmanager
    def once(self) -> Iterator[None]:
        """Read each file once until the end of the block."""
        before, self.keeps = self.keeps, True
        try:
            yield
        finally:
            self.keeps = before
            if not before:
                self._kept.clear()
                self._trees.clear()

    def file(self, path: Path) -> bytes:
        """Return what is in a file.

        Raises:
            OSError: it can't be read.
        """
        if path in self._kept:
            return self._kept[path]
        content = path.read_bytes()
        if self.keeps:
            self._kept[path] = content
        return content

    def tree(self, folder: Path, without: frozenset[str]) -> dict[str, bytes]:
        """Return all files below a folder by their paths in it, without some suffixes."""
        if folder in self._trees:
            return self._trees[folder]
        found = {
            path.relative_to(folder).as_posix(): self.file(path)
            for path in folder.rglob("*")
            if path.suffix not in without and path.is_file()
        }
        if self.keeps:
            self._trees[folder] = found
        return found


READER = Reader()
"""The process's own."""
