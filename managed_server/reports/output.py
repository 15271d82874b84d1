"""How reports get to a screen, or into a pipe."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_PIPED = 240  # columns where nobody looks at a screen: a row stays a line


def console() -> "Console":
    """Return the console for stdout: plain text where it is no terminal."""
    from rich.console import Console  # noqa: PLC0415 - JSON needs no Rich

    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED)


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> "Table":
    """Return a table without lines; what cells hold is text, never markup."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    made = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


def markdown(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""

    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    columns = list(columns)
    return "\n".join([line(columns), "|" + "---|" * len(columns), *(line(row) for row in rows)])
