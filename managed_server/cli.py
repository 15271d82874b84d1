"""The ``managed`` command.

Exit codes: 0 all is well, 1 something failed, 2 the input is wrong (nothing was created or changed).
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from managed_server.commands import backups, leaving, machines, people
from managed_server.commands.new import new
from managed_server.commands.options import HERE, Json, Root, Stacks
from managed_server.commands.options import repository as _root
from managed_server.commands.problems import report_problems
from managed_server.problems import InputError

app = typer.Typer(
    help="Managed servers with an enhanced SLA, derived from one stack file per customer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
local = typer.Typer(help="The embedded local AWS and, where none is installed, the local Pulumi engine.")
app.add_typer(local, name="local", no_args_is_help=True)
box = typer.Typer(
    help="Real Debian machines that play the servers which stand on the local AWS (needs root)."
)
app.add_typer(box, name="box", no_args_is_help=True)

for command in (
    new,
    people.show,
    people.software,
    people.contract,
    people.schema,
    machines.bootstrap,
    backups.restore,
    backups.drill,
    backups.prune,
    leaving.retire,
):
    app.command()(command)


def main() -> None:
    """Run the command; problems of the input end it with exit code 2."""
    try:
        app()
    except InputError as error:
        report_problems(error.problems)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:  # a full disk, a folder that can't be written: no fault of this program
        typer.echo(f"error: {error.strerror or error}: {error.filename or ''}".rstrip(": "), err=True)
        sys.exit(1)


@app.command()
def check(stacks: Stacks = None, *, as_json: Json = False, root: Root = HERE) -> None:
    """Check stack files, catalogue and contract, and render everything, without touching any cloud."""
    from managed_server.reports.check import check_stacks, check_table  # noqa: PLC0415

    result = check_stacks(_root(root), stacks or [])
    if as_json:
        print(json.dumps(result.as_json(), indent=1))  # noqa: T201
    else:
        report_problems(result.problems)
        if result.stacks:
            check_table(result)
    raise typer.Exit(2 if result.errors else 0)


@app.command()
def render(
    stack: Annotated[str, typer.Argument(help="The stack (customer).")],
    server: Annotated[str | None, typer.Option(help="Only this server.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write files, manifest and bundle below this folder.")
    ] = None,
    *,
    as_json: Json = False,
    root: Root = HERE,
) -> None:
    """Render a customer's bundles and fragments, to look at or to compare."""
    from managed_server.reports.render import render_stack  # noqa: PLC0415

    render_stack(_root(root), stack, server, out, as_json=as_json)


@app.command()
def recover(
    stack: Annotated[str, typer.Argument(help="The stack (customer).")], *, root: Root = HERE
) -> None:
    """Put a stack's state right after its engine was killed; `managed local up` does it by itself."""
    from managed_server import recovery  # noqa: PLC0415

    try:
        recovery.recover(_root(root), stack, dict(os.environ), lambda message: typer.echo(f"· {message}"))
    except recovery.RecoveryError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


@local.command("up")
def local_up(stacks: Stacks = None, *, root: Root = HERE) -> None:
    """Start the local AWS and provision stacks on it; run again, it changes only what differs."""
    from managed_server.local import session  # noqa: PLC0415

    raise typer.Exit(session.up(_root(root), stacks or []))


@local.command("preview")
def local_preview(stacks: Stacks = None, *, root: Root = HERE) -> None:
    """Show what a change would do on the local AWS, judged by the policies."""
    from managed_server.local import session  # noqa: PLC0415

    raise typer.Exit(session.preview(_root(root), stacks or []))


@local.command("down")
def local_down(*, root: Root = HERE) -> None:
    """Stop the local AWS and forget what stood on it."""
    from managed_server.local import session  # noqa: PLC0415

    raise typer.Exit(session.down(_root(root)))


@local.command("status")
def local_status(*, as_json: Json = False, root: Root = HERE) -> None:
    """Show whether the local AWS runs, and what stands on it."""
    from managed_server.local import session  # noqa: PLC0415

    raise typer.Exit(session.status(_root(root), as_json=as_json))


@local.command("env")
def local_env(*, as_json: Json = False, root: Root = HERE) -> None:
    """Print the environment that points plain ``pulumi`` at the local AWS: eval "$(managed local env)"."""
    from managed_server.local import session  # noqa: PLC0415

    raise typer.Exit(session.env(_root(root), as_json=as_json))


@box.command("up")
def box_up(stacks: Stacks = None, *, root: Root = HERE) -> None:
    """Start a machine for each server that stands on the local AWS, and wait until they have booted."""
    from managed_server.local.box import commands  # noqa: PLC0415

    raise typer.Exit(commands.up(_root(root), stacks or []))


@box.command("down")
def box_down(*, root: Root = HERE) -> None:
    """Switch all machines off, and remove them with all that they wrote."""
    from managed_server.local.box import commands  # noqa: PLC0415

    raise typer.Exit(commands.down(_root(root)))


@box.command("status")
def box_status(*, as_json: Json = False, root: Root = HERE) -> None:
    """Show the machines."""
    from managed_server.local.box import commands  # noqa: PLC0415

    raise typer.Exit(commands.status(_root(root), as_json=as_json))


@box.command("shell")
def box_shell(
    machine: Annotated[str, typer.Argument(help="The machine: customer-server.")],
    command: Annotated[list[str] | None, typer.Argument(help="A program, after --; a shell if none.")] = None,
    *,
    root: Root = HERE,
) -> None:
    """Run a shell, or a program, on a machine, as root."""
    from managed_server.local.box import commands  # noqa: PLC0415

    raise typer.Exit(commands.shell(_root(root), machine, command or []))


@box.command("logs")
def box_logs(
    machine: Annotated[str, typer.Argument(help="The machine: customer-server.")],
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows.")] = False,
    root: Root = HERE,
) -> None:
    """Print a machine's journal."""
    from managed_server.local.box import commands  # noqa: PLC0415

    raise typer.Exit(commands.logs(_root(root), machine, follow=follow))


if __name__ == "__main__":
    main()
