"""The command that makes a machine, wherever it stands, a managed server."""

from pathlib import Path
from typing import Annotated

import typer

from managed_server.commands.options import HERE, Root, Ssh, Stack, agree, repository
from managed_server.problems import InputError, Problem, unknown_server


def bootstrap(
    stack: Stack,
    server: Annotated[str, typer.Argument(help="The server; its hosting is elsewhere.")],
    *,
    user: Annotated[
        str,
        typer.Option(help="Account on the machine: root, or one with sudo and without a password for it."),
    ] = "root",
    address: Annotated[
        str | None,
        typer.Option(help="Where SSH reaches the machine now, if not at the stack file's address."),
    ] = None,
    ssh: Ssh = "ssh",
    script: Annotated[
        Path | None,
        typer.Option(help="Write a script to this file instead, to be run on the machine's own console."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before a key is given up.")] = False,
    root: Root = HERE,
) -> None:
    """Make a plain Debian the managed server that its stack file describes; again, to give it another key."""
    from managed_server import bootstrap as machines  # noqa: PLC0415 - commands load what they need
    from managed_server.resolve import load_customer  # noqa: PLC0415

    here = repository(root)
    customer = load_customer(here, stack)
    file, names = customer.stack_file, [each.name for each in customer.servers]
    if server not in names:
        raise unknown_server(file, server, names)
    wanted = customer.server(server)
    if wanted.hosting == "aws":
        said = "is on AWS, where a machine does this by itself at its first boot"
        raise InputError([Problem(file, 0, f"servers.{server}", said)])
    templates = here / "templates"
    try:
        found = machines.keys(customer, wanted)
        if script is not None:
            machines.to_file(
                templates, customer, wanted, found, script, agree=lambda text: agree(text, yes=yes)
            )
        else:
            way = machines.Way(f"{user}@{address or wanted.address}", ssh)
            machines.by_ssh(
                templates, customer, wanted, found, way,
                agree=lambda text: agree(text, yes=yes),
                progress=lambda message: typer.echo(f"· {message}", err=True),
            )  # fmt: skip
    except machines.BootstrapError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    if script is not None:
        typer.echo(
            f"Run it on the machine within a day, as root: bash {script.name}. It holds an access key, which "
            "is dead once the machine has replaced it; then remove the file, here and there."
        )
        return
    if user != "root" and user not in {each.name for each in customer.users}:
        typer.echo(f"The account {user} is in no stack file: the first converge removes it.")
    typer.echo(
        "It converges now: minutes, as it installs everything. Then log in with an account of the stack "
        "file; /var/lib/managed-server/heartbeat/converge says how it went. Its hub watches it from then on."
    )
