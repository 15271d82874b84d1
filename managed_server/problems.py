"""What is wrong with an input file, said so that the reader can put it right."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Path = tuple[str | int, ...]


@dataclass(frozen=True, order=True)
class Problem:
    """One finding: ``file:line: path: message``. A warning never stops anything."""

    file: str
    line: int
    path: str
    message: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        text = where + (f"{self.path}: " if self.path else "") + self.message
        # What a file holds must not move a terminal's cursor, or begin a line of its own.
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class InputError(Exception):
    """Input files are wrong; holds every problem of every file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        if not self.problems:  # who counts problems would take the input for right
            raise ValueError("an InputError without a problem")
        super().__init__("\n".join(str(problem) for problem in self.problems))


def dotted(path: Path) -> str:
    """Write a path as ``servers.web1.software[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def unknown_server(file: str, server: str, names: Iterable[str]) -> InputError:
    """Return the error that a stack file has no such server; it names those that there are."""
    said = f"has no server {server!r}; it has: {', '.join(sorted(names))}"
    return InputError([Problem(file, 0, "servers", said)])
