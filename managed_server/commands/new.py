"""``managed new``: asks for what was bought, or takes it as options, and makes the customer's stack file."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from managed_server.commands.options import HERE, Root, repository
from managed_server.commands.problems import report_problems
from managed_server.problems import InputError

if TYPE_CHECKING:
    from managed_server.reports.new import Ask
    from managed_server.reports.new_questions import Question

_LIST = "commas between several"
TEXTS = {
    "name": "Name of the customer",
    "start": "First day of the contract (2026-12-01)",
    "term_months": "Length of the contract in months",
    "hub": "Hub that watches the servers",
    "account_id": "AWS account of the customer (12 digits)",
    "region": "AWS region of the servers",
    "backup_region": "AWS region of the off-site backups: another one",
    "contact_name": "Who is told about incidents",
    "contact_email": "E-mail address of that person",
    "contact_phone": "Telephone number of that person, international",
    "ssh_from": f"Networks of the customer's administrators; {_LIST}",
    "admin": "Administrator (full sudo) as name=public key",
    "user": "User as name=public key",
    "server": "Name of the server, such as web1",
    "hosting": "Where it is: aws, or elsewhere (another cloud, a rack, a private cloud)",
    "instance_type": "EC2 instance type (catalogue/instance-types.yaml)",
    "address": "Hosted elsewhere: IPv4 address or name by which the hub and administrators reach it",
    "private_address": "Hosted elsewhere: IPv4 address by which the customer's other servers know it",
    "vcpus": "Hosted elsewhere: processors of the machine",
    "memory_mb": "Hosted elsewhere: memory of the machine, MiB",
    "architecture": "Hosted elsewhere: amd64 or arm64",
    "disk_gb": "Size of the disk, GB",
    "data_gb": "On AWS: size of a volume of its own for data, GB; none: all is on the disk",
    "debian": "Debian release",
    "software": f"Software; {_LIST}",
    "setting": "What differs from the catalogue, as entry.setting=value",
    "site": f"Host names of the web sites; {_LIST}",
    "unsupported_package": f"Debian packages outside the SLA; {_LIST}",
    "maintenance_day": "Day of the weekly window for upgrades",
    "maintenance_time": "Time of that window (UTC)",
    "maintenance_reboot": "Reboot then: if-needed or never",
}
"""What each question means: the prompt, and the help of its option."""


def _one(key: str) -> Any:
    return typer.Option(help=TEXTS[key] + ".", show_default=False)


def _many(key: str) -> Any:
    return typer.Option(help=TEXTS[key] + "; repeatable.", show_default=False)


def new(
    customer: Annotated[
        str, typer.Argument(help="The customer's id: the stack's name, and part of many others.")
    ],
    *,
    name: Annotated[str | None, _one("name")] = None,
    start: Annotated[str | None, _one("start")] = None,
    term_months: Annotated[str | None, _one("term_months")] = None,
    hub: Annotated[str | None, _one("hub")] = None,
    account_id: Annotated[str | None, _one("account_id")] = None,
    region: Annotated[str | None, _one("region")] = None,
    backup_region: Annotated[str | None, _one("backup_region")] = None,
    contact_name: Annotated[str | None, _one("contact_name")] = None,
    contact_email: Annotated[str | None, _one("contact_email")] = None,
    contact_phone: Annotated[str | None, _one("contact_phone")] = None,
    ssh_from: Annotated[list[str] | None, _many("ssh_from")] = None,
    admin: Annotated[list[str] | None, _many("admin")] = None,
    user: Annotated[list[str] | None, _many("user")] = None,
    server: Annotated[str | None, _one("server")] = None,
    hosting: Annotated[str | None, _one("hosting")] = None,
    instance_type: Annotated[str | None, _one("instance_type")] = None,
    address: Annotated[str | None, _one("address")] = None,
    private_address: Annotated[str | None, _one("private_address")] = None,
    vcpus: Annotated[str | None, _one("vcpus")] = None,
    memory_mb: Annotated[str | None, _one("memory_mb")] = None,
    architecture: Annotated[str | None, _one("architecture")] = None,
    disk_gb: Annotated[str | None, _one("disk_gb")] = None,
    data_gb: Annotated[str | None, _one("data_gb")] = None,
    debian: Annotated[str | None, _one("debian")] = None,
    software: Annotated[list[str] | None, _many("software")] = None,
    setting: Annotated[list[str] | None, _many("setting")] = None,
    site: Annotated[list[str] | None, _many("site")] = None,
    unsupported_package: Annotated[list[str] | None, _many("unsupported_package")] = None,
    maintenance_day: Annotated[str | None, _one("maintenance_day")] = None,
    maintenance_time: Annotated[str | None, _one("maintenance_time")] = None,
    maintenance_reboot: Annotated[str | None, _one("maintenance_reboot")] = None,
    ask: Annotated[
        bool,
        typer.Option(help="Ask for what no option says; --no-ask takes the defaults, and so does a script."),
    ] = True,
    root: Root = HERE,
) -> None:
    """Make the stack file of a new customer with one server: by questions, or from options alone."""
    options = {key: value for key, value in locals().items() if key in TEXTS and value is not None}
    given = {key: tuple([value] if isinstance(value, str) else value) for key, value in options.items()}
    make(customer, given, root, ask=ask and sys.stdin.isatty())


def make(customer: str, given: dict[str, tuple[str, ...]], root: Path, *, ask: bool) -> None:
    """Make the file, and say what to do next.

    Raises:
        InputError: what was given or answered is wrong; no file was written.
    """
    from managed_server.inputs import load_project  # noqa: PLC0415 - commands load what they need
    from managed_server.reports.new import command_line, new_stack  # noqa: PLC0415

    here = repository(root)
    typed: dict[str, tuple[str, ...]] = {}
    try:
        path, warnings = new_stack(load_project(here), customer, given, _asking(typed) if ask else None)
    except InputError:
        if typed:
            again = command_line(customer, {**given, **typed})
            typer.echo(f"Your answers, to be put right:\n  {again}\n", err=True)
        raise
    report_problems(warnings)
    typer.echo(f"{path.relative_to(here)} is written, and right as far as can be seen without a cloud. Now:")
    for step in (
        f"managed show {customer}: what the customer has, and what it costs",
        f"managed render {customer} --out build: every file of the servers",
        f"make up STACKS={customer}: provision it on the local AWS, judged by the policies",
        "then open a merge request (docs/onboard-customer.md)",
    ):
        typer.echo(f"  - {step}")


def _asking(typed: dict[str, tuple[str, ...]]) -> "Ask":
    """Return what asks a question at the terminal until its answer is right; keeps what was typed."""

    def ask(question: "Question", default: str | None) -> Any:
        while True:
            texts = tuple(_typed(question, default))
            try:
                value = question.read(texts)
            except ValueError as error:
                typer.echo(f"  {error}", err=True)
            else:
                typed[question.key] = texts
                return value

    return ask


def _typed(question: "Question", default: str | None) -> Iterator[str]:
    text = TEXTS[question.key]
    if question.known:
        text += f" ({', '.join(question.known)})"
    if not question.needed:
        text += ", if any"
    while True:
        line = typer.prompt(text, default=default or "", show_default=bool(default), err=True)
        if line.strip():
            yield line.strip()
        if question.many != "lines" or not line.strip():
            return
        text = "And the next, if any"
