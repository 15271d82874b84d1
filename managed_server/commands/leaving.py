"""``managed retire``: the end of a server, or of a customer."""

from typing import Annotated

import typer

from managed_server.commands.options import HERE, Root, Ssh, Stack, agree, repository


def retire(
    stack: Stack,
    server: Annotated[
        str | None, typer.Argument(help="The server; all of them where the customer leaves.")
    ] = None,
    *,
    without_backup: Annotated[
        list[str] | None,
        typer.Option(help="A server whose machine is dead: no last backup of it; repeatable."),
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="Your account on the servers, if SSH doesn't know.")
    ] = None,
    ssh: Ssh = "ssh",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before something is given up.")] = False,
    root: Root = HERE,
) -> None:
    """End what the stack file says is to leave: last backup, then all of it but the backups; those later."""
    from managed_server import retire as retires  # noqa: PLC0415 - commands load what they need

    try:
        retires.retire(
            repository(root), stack, server, retires.Access(ssh, user, frozenset(without_backup or ())),
            agree=lambda text: agree(text, yes=yes),
            progress=lambda message: typer.echo(f"· {message}", err=True),
        )  # fmt: skip
    except retires.RetireError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
