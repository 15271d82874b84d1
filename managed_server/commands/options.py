"""Arguments and options that many commands have."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from managed_server.problems import InputError, Problem


def program(text: str) -> str:
    """Return a program with its options, of an option that may name another one.

    Raises:
        BadParameter: it isn't one, as a shell would read it.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} can't be read: {error}; write it as for a shell") from error
    if not words:
        raise typer.BadParameter("is empty; write a program and its options, as for a shell")
    return text


Stack = Annotated[str, typer.Argument(help="The stack (customer).")]
Stacks = Annotated[list[str] | None, typer.Argument(help="Stacks (customers); all of them unless named.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Root = Annotated[
    Path, typer.Option("--root", envvar="MANAGED_SERVER_ROOT", help="The repository.", show_default="here")
]
Ssh = Annotated[str, typer.Option(help="The SSH program and its options.", callback=program)]
HERE = Path()


def agree(text: str, *, yes: bool) -> None:
    """Say what is about to happen, and end here unless somebody says yes, or has said it before."""
    typer.echo(text, err=True)
    if not yes:
        typer.confirm("Go on?", abort=True, err=True)


def repository(root: Path) -> Path:
    """Return the repository that a command works on.

    Raises:
        InputError: there is none.
    """
    found = root.resolve()
    if not (found / "catalogue").is_dir() or not (found / "stacks").is_dir():
        raise InputError([Problem(str(found), 0, "", "is not the repository; use --root, or run it there")])
    return found
