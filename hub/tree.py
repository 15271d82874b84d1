"""The files that the daemons read: each round's in a folder of its own, put in place by one rename."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

CURRENT = "current"
_PREFIX = "files-"


class Tree:
    """Folders below one place, and the link ``current`` to the one that is in use."""

    def __init__(self, root: Path) -> None:
        """`root`: where they lie; made if it isn't there."""
        self._root = root
        root.mkdir(parents=True, exist_ok=True)

    @property
    def _link(self) -> Path:
        return self._root / CURRENT

    def current(self) -> dict[str, bytes] | None:
        """The files in use, by path; None before the first round."""
        if not self._link.is_dir():
            return None
        folder = self._link.resolve()
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    def stage(self, files: Mapping[str, bytes], folders: tuple[str, ...]) -> Path:
        """Write files into a new folder, which nobody reads yet; returns it.

        Args:
            files: by path below the folder.
            folders: to be there even if nothing is in them.
        """
        folder = Path(tempfile.mkdtemp(dir=self._root, prefix=_PREFIX))
        folder.chmod(0o755)
        for name in folders:
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        return folder

    def use(self, folder: Path) -> None:
        """Put a staged folder in place of the one in use, in one step."""
        new = self._root / f".{CURRENT}"
        new.unlink(missing_ok=True)
        new.symlink_to(folder.name)
        new.replace(self._link)

    def tidy(self) -> None:
        """Remove every folder that is not in use, also those of a round that was cut off."""
        used = self._link.resolve() if self._link.is_dir() else None
        for folder in self._root.glob(f"{_PREFIX}*"):
            if folder != used:
                shutil.rmtree(folder)


def write(path: Path, content: str, mode: int = 0o644) -> None:
    """Write a file in one step: whoever reads it sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(content, encoding="utf-8")
    new.chmod(mode)
    new.replace(path)
