"""How reports get to a screen, or into a pipe."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_PIPED = 240  # columns where nobody looks at a screen: a row stays a line
_WRAPPED = 200  # rows whose cells are wrapped to fit a screen: with more, that takes seconds


def console(*, file: bool = False) -> "Console":
    """Return the console for stdout, or for a file: plain text where it is no terminal."""
    from rich.console import Console  # noqa: PLC0415 - JSON needs no Rich

    if file:
        return Console(highlight=False, emoji=False, width=_PIPED, force_terminal=False, no_color=True)
    return Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else _PIPED)


def styled(text: str, style: str) -> "Text":
    """Return text that has a style on a terminal."""
    from rich.text import Text  # noqa: PLC0415

    return Text(text, style=style)


def table(columns: Iterable[str], rows: Iterable[Iterable["str | Text"]]) -> "Table":
    """Return a table without lines; what cells hold is text, never markup."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    made = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    return made


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table that may have any number of rows: for a person, if they are few, cells are wrapped."""
    if sys.stdout.isatty() and len(rows) <= _WRAPPED:
        console().print(table(columns, rows))
        return
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())  # noqa: T201


def markdown(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""

    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    columns = list(columns)
    return "\n".join([line(columns), "|" + "---|" * len(columns), *(line(row) for row in rows)])
