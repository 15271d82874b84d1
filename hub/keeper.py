"""Keeps the files that the hub's daemons read: only what their own programs accept is ever put in place."""

import hashlib
import logging
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from hub.members import Member
from hub.render import RenderError, render
from hub.settings import Part
from hub.tree import Tree, write

_PROGRAM_TIMEOUT = 120  # seconds
_SAID = 200  # characters of a program's complaint

log = logging.getLogger("managed-fleet")


class RefusedError(Exception):
    """A part's program doesn't accept the files, or a template can't be rendered."""


class Keeper:
    """The files that the daemons of the hub read."""

    def __init__(self, root: Path, parts: Sequence[Part]) -> None:
        """`root`: of the hub's state."""
        self._parts, self._tree, self._machines = parts, Tree(root), root / "machines"

    def accept(
        self, wanted: Mapping[str, Member], last: Mapping[str, Member], refused: dict[str, str]
    ) -> dict[str, Member]:
        """Put in use what can be used of `wanted`, and the last good one of what can't.

        Returns:
            The members that are in use now, by host.

        Raises:
            RefusedError: not even what was good is accepted any more; nothing was changed.
        """
        try:
            try:
                folder = self._checked(wanted)
            except RefusedError:
                wanted = self._sorted_out(wanted, last, refused)
                folder = self._checked(wanted)
            self._show_certificates(wanted)
            if folder is not None:
                self._tree.use(folder)
        finally:
            self._tree.tidy()
        for path in self._machines.glob("*.pem"):
            if path.stem not in wanted:
                path.unlink()
        return dict(wanted)

    def _sorted_out(
        self, wanted: Mapping[str, Member], last: Mapping[str, Member], refused: dict[str, str]
    ) -> dict[str, Member]:
        """Add one change at a time to what was good."""
        good = {host: member for host, member in last.items() if host in wanted}
        self._checked(good, always=True)
        for host, member in sorted(wanted.items()):
            if good.get(host) != member:
                try:
                    self._checked({**good, host: member})
                except RefusedError as error:
                    refused["/".join(member.owner)] = str(error)
                else:
                    good[host] = member
        return good

    def _checked(self, members: Mapping[str, Member], *, always: bool = False) -> Path | None:
        """Render, and have each part's program look at it; None if that is in use (unless `always`)."""
        try:
            files = render(self._parts, members.values())
        except RenderError as error:
            raise RefusedError(str(error)) from error
        if files == self._tree.current() and not always:
            return None
        folder = self._tree.stage(files, tuple(part.name for part in self._parts))
        for part in self._parts:
            if part.verify:
                _run([word.format(tree=folder) for word in part.verify])
        return folder

    def _show_certificates(self, members: Mapping[str, Member]) -> None:
        """Before the files that need them."""
        for host, member in members.items():
            path = self._machines / f"{host}.pem"
            if not path.is_file() or path.read_text(encoding="ascii") != member.certificate:
                write(path, member.certificate)

    def start(self) -> None:
        """See to it that there is something to read, so that the daemons can start before the first round."""
        if self._tree.current() is None:
            files = render(self._parts, ())
            self._tree.use(self._tree.stage(files, tuple(part.name for part in self._parts)))

    def tell(self, told: dict[str, str]) -> list[str]:
        """Tell the program of each part that it has other files; returns the parts where that failed.

        Args:
            told: sha256 of what each was told of last; changed here: a round that was cut off lost nothing.
        """
        files, failed = self._tree.current() or {}, []
        for part in self._parts:
            own = sorted(
                (name, content) for name, content in files.items() if name.startswith(f"{part.name}/")
            )
            digest = hashlib.sha256(repr(own).encode()).hexdigest()
            if told.get(part.name) == digest:
                continue
            try:
                if part.changed:
                    _run(part.changed)
                told[part.name] = digest
            except RefusedError as error:
                log.warning("%s: %s", part.name, error)
                failed.append(part.name)
        return failed


def _run(argv: Sequence[str]) -> None:
    """Run a program; what it complains of is the error.

    Raises:
        RefusedError: it said no, or didn't answer.
    """
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PROGRAM_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RefusedError(f"{argv[0]}: {error}"[:_SAID]) from error
    if done.returncode:
        said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        wrong = [line for line in said if line.startswith("Error")] or said[-1:]
        raise RefusedError(wrong[0][:_SAID] if wrong else f"{argv[0]}: exit code {done.returncode}")
