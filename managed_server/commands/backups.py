"""Commands about backups: restore, drill, and prune."""

import datetime
from typing import Annotated

import typer

from managed_server.commands.options import HERE, Json, Root, Ssh, Stack, agree, program, repository
from managed_server.problems import unknown_server


def _time(text: str | None) -> str | None:
    """Return a time that the server's program can read: it is asked when much has happened already.

    Raises:
        BadParameter: it is none.
    """
    if text is not None:
        try:
            datetime.datetime.fromisoformat(text)
        except ValueError as error:
            said = f"{text!r} is not a time; write one such as 2026-11-25T03:30 (UTC)"
            raise typer.BadParameter(said) from error
    return text


At = Annotated[str | None, typer.Option(help="The last backup at this time (UTC).", callback=_time)]


def restore(
    stack: Stack,
    server: Annotated[str, typer.Argument(help="The server.")],
    *,
    path: Annotated[
        list[str] | None, typer.Option(help="Only this file or folder, beside what stands there; repeatable.")
    ] = None,
    at: At = None,
    new_machine: Annotated[
        bool, typer.Option("--new-machine", help="The machine is lost: make a new one in its place first.")
    ] = False,
    keep_volume: Annotated[
        bool,
        typer.Option(
            "--keep-volume", help="Leave the data volume alone: it outlived the machine, and is newer."
        ),
    ] = False,
    user: Annotated[str | None, typer.Option(help="Your account on the server, if SSH doesn't know.")] = None,
    address: Annotated[
        str | None, typer.Option(help="The server's address, if its stack doesn't know.")
    ] = None,
    ssh: Ssh = "ssh",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before something is given up.")] = False,
    root: Root = HERE,
) -> None:
    """Put back a lost server's data from its off-site backup; with --path, single files beside the others."""
    from managed_server import restore as restores  # noqa: PLC0415 - commands load what they need

    here = repository(root)
    if new_machine and path:
        raise typer.BadParameter("a new machine gets everything; --path is for one that stands")
    if new_machine and address:
        raise typer.BadParameter("a new machine has the lost one's address, which its stack knows")
    if keep_volume and path:
        raise typer.BadParameter("--path restores beside what stands; --keep-volume is for all the rest")
    restores.must_be_there(here, stack, server)
    if keep_volume:
        restores.must_have_volume(here, stack, server)
    try:
        address = address or restores.address_of(here, stack, server)
        where = f"{user}@{address}" if user else address
        if new_machine:
            from managed_server import new_machine as machines  # noqa: PLC0415

            code = machines.restore(
                here, stack, server, where, at, ssh, keep_volume=keep_volume,
                agree=lambda text: agree(text, yes=yes),
                progress=lambda message: typer.echo(f"· {message}", err=True),
            )  # fmt: skip
            raise typer.Exit(code)
    except restores.RestoreError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    if path:
        typer.echo(f"To be invoiced: {restores.price(here)}", err=True)
    else:
        what = f"All data of {stack}-{server} ({address}){' but those on its volume' if keep_volume else ''}"
        agree(f"{what} go back to the backup; its services stop.", yes=yes)
    code = restores.run(where, path or [], at, ssh, whose=(stack, server), keep_volume=keep_volume)
    raise typer.Exit(code)


def drill(
    stack: Stack,
    server: Annotated[str | None, typer.Option(help="Only this server.")] = None,
    at: At = None,
    *,
    as_json: Json = False,
    root: Root = HERE,
) -> None:
    """Restore the latest backup to a fresh machine, judge it by its inventory, and record it (needs root)."""
    from managed_server.local.box import drill as drills  # noqa: PLC0415

    raise typer.Exit(drills.drill(repository(root), stack, server, at, as_json=as_json))


def prune(
    stack: Stack,
    server: Annotated[str | None, typer.Argument(help="Only this server.")] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before snapshots go.")] = False,
    restic: Annotated[
        str, typer.Option(help="The restic program and its options.", callback=program)
    ] = "restic",
    root: Root = HERE,
) -> None:
    """Let backups go that are older than the catalogue keeps, by the customer's own role for an hour."""
    from managed_server import prune as prunes  # noqa: PLC0415
    from managed_server.resolve import load_customer  # noqa: PLC0415

    here = repository(root)
    customer = load_customer(here, stack)
    names = [each.name for each in customer.servers]
    if server is not None and server not in names:
        raise unknown_server(customer.stack_file, server, names)
    try:
        kept = prunes.keep(here)
        for name in names if server is None else [server]:
            found = prunes.access(customer, name)
            there = len(prunes.look(found, restic))
            going = prunes.forget(found, kept, restic, dry_run=True)
            typer.echo(
                f"{stack}-{name}: {len(going)} of {there} snapshots go; kept are the last of {kept.daily} "
                f"days and {kept.monthly} months",
                err=True,
            )
            if going:
                agree("\n".join(going), yes=yes)
                gone = prunes.forget(found, kept, restic, dry_run=False)
                typer.echo(f"{stack}-{name}: {len(gone)} snapshots are gone", err=True)
            elif left := prunes.unused(found, restic):
                agree(f"{stack}-{name}: {left} of data go that no snapshot needs: a run was cut off", yes=yes)
                prunes.prune(found, restic)
                typer.echo(f"{stack}-{name}: {left} of data are gone", err=True)
    except prunes.PruneError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
