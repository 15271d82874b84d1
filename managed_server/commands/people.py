"""Commands for people who sell, look up and edit: what there is, what a customer has, a new customer."""

import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from managed_server.commands.options import HERE, Json, Root, Stack, repository


def today() -> datetime.date:
    """Return the date by which reports judge: UTC, as on the servers."""
    return datetime.datetime.now(tz=datetime.UTC).date()


def show(stack: Stack, *, as_json: Json = False, root: Root = HERE) -> None:
    """Show a customer: servers and coverage, who may connect, cost, response times, when to phone, term."""
    from managed_server.reports.show import show_customer  # noqa: PLC0415 - commands load what they need

    show_customer(repository(root), stack, today(), as_json=as_json)


def software(
    *,
    as_json: Json = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for documents.")] = False,
    root: Root = HERE,
) -> None:
    """Show what a customer can choose: coverage by the SLA, releases, packages, end of life, ports."""
    from managed_server.inputs import load_project  # noqa: PLC0415
    from managed_server.reports.software import print_software  # noqa: PLC0415

    if as_json and as_markdown:
        raise typer.BadParameter("choose one of --json and --markdown")
    form = "json" if as_json else "markdown" if as_markdown else "text"
    print_software(load_project(repository(root)), today(), form)


def schema(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="stack, software, tool, contract, provider …; all unless named."),
    ] = None,
    *,
    out: Annotated[Path | None, typer.Option(help="Write <name>.json files into this folder.")] = None,
) -> None:
    """Make the JSON Schemas by which editors complete and check input files while one types."""
    from managed_server.reports import schema as schemas  # noqa: PLC0415

    if out is not None:
        for path in schemas.write_schemas(names or [], out):
            typer.echo(path)
        return
    typer.echo(schemas.schemas_json(names or []), nl=False)


def contract(
    stack: Annotated[str | None, typer.Argument(help="The stack (customer).")] = None,
    *,
    form: Annotated[
        Literal["text", "markdown", "html", "json"], typer.Option("--format", help="Of the report.")
    ] = "text",
    out: Annotated[Path | None, typer.Option(help="Write it into this file.")] = None,
    terms: Annotated[
        bool, typer.Option("--terms", help="Of the terms themselves, for docs/terms.md.")
    ] = False,
    reporting: Annotated[
        bool, typer.Option("--reporting", help="The page for customers: how to report a problem.")
    ] = False,
    root: Root = HERE,
) -> None:
    """Show what fulfils each line of the contract on each server, who does the rest, and what is missing."""
    if terms + (stack is not None) > 1 or terms + reporting > 1 or not (terms or reporting or stack):
        raise typer.BadParameter("name a stack, or write --terms, or --reporting with or without a stack")
    if (terms or reporting) and form != "text":
        raise typer.BadParameter("--format is of a customer's lines; the other reports are Markdown")
    if reporting:
        from managed_server.reports.reporting import print_reporting  # noqa: PLC0415

        print_reporting(repository(root), stack, out)
        return
    if stack is None:
        from managed_server.reports.contract_terms import print_terms  # noqa: PLC0415

        print_terms(repository(root), out)
        return
    from managed_server.reports.contract import print_contract  # noqa: PLC0415

    if not print_contract(repository(root), stack, form, out):
        raise typer.Exit(2)
