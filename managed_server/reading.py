"""Reads what bundles are made of: each time anew, or, in a run over many stacks, once.

A file that changes in the middle of such a run must not make half of a fleet differ from the other half; and
asking each time whether it did takes as long as rendering a small one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Reader:
    """Reads files, and keeps them while it is told to."""

    def __init__(self) -> None:
        self.keeps = False
        """Whether nothing is looked at twice."""
        self._files: dict[Path, bytes] = {}
        self._trees: dict[Path, dict[str, bytes]] = {}

    @contextmanager
    def once(self) -> Iterator[None]:
        """Read each file once until the end of the block."""
        self.keeps = True
        try:
            yield
        finally:
            self.keeps = False
            self._files.clear()
            self._trees.clear()

    def file(self, path: Path) -> bytes:
        """Return what is in a file.

        Raises:
            OSError: it can't be read.
        """
        content = self._files.get(path)
        if content is None:
            content = path.read_bytes()
            if self.keeps:
                self._files[path] = content
        return content

    def tree(self, folder: Path, without: frozenset[str]) -> dict[str, bytes]:
        """Return all files below a folder by their paths in it, without some suffixes."""
        found = self._trees.get(folder)
        if found is None:
            found = {
                path.relative_to(folder).as_posix(): path.read_bytes()
                for path in folder.rglob("*")
                if path.suffix not in without and path.is_file()
            }
            if self.keeps:
                self._trees[folder] = found
        return found


READER = Reader()
"""The process's own."""
