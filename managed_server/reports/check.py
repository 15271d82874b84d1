"""``managed check``: everything that can be known to be right or wrong without a cloud."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from managed_server import spec
from managed_server.boundary import outside
from managed_server.bundle import Bundle
from managed_server.inputs import load_project, stack_names
from managed_server.problems import InputError, Problem
from managed_server.proven import proven
from managed_server.resolve import problems_of_stacks

_PIPED = 240  # columns where nobody looks at a screen: a row stays a line


@dataclass(frozen=True)
class CheckResult:
    """What was checked, and what was found."""

    customers: tuple[tuple[spec.CustomerSpec, tuple[Bundle, ...]], ...]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> int:
        """How many problems are errors."""
        return sum(problem.severity == "error" for problem in self.problems)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "customers": {
                customer.id: {
                    "servers": {
                        bundle.server: {
                            "bundle": bundle.sha256,
                            "files": len(bundle.files),
                            "outside_sla": [entry.as_json() for entry in outside(server)],
                        }
                        for server, bundle in zip(customer.servers, bundles, strict=True)
                    }
                }
                for customer, bundles in self.customers
            },
            "problems": [
                {
                    "severity": problem.severity,
                    "file": problem.file,
                    "line": problem.line,
                    "path": problem.path,
                    "message": problem.message,
                }
                for problem in self.problems
            ],
        }


def check_stacks(root: Path, stacks: list[str], drafts: Path | None = None) -> CheckResult:
    """Load, resolve and render the named stacks, or all, and collect every problem of every file.

    ``drafts``: a folder whose ``stacks`` is looked at in place of the repository's.
    """
    problems: list[Problem] = []
    customers: list[tuple[spec.CustomerSpec, tuple[Bundle, ...]]] = []
    try:
        project = replace(load_project(root), drafts=drafts)
    except InputError as error:
        return CheckResult((), tuple(sorted({*error.problems, *problems_of_stacks(drafts or root, stacks)})))
    if not stacks and not stack_names(drafts or root):
        problems.append(Problem("stacks", 0, "", "there is no stack file; add stacks/Pulumi.<customer>.yaml"))
    for stack in stacks or stack_names(drafts or root):
        try:
            customer, bundles, warnings = proven(project, stack)
            problems += warnings
            customers.append((customer, bundles))
        except InputError as error:
            problems += error.problems
    problems += _same_host_names([customer for customer, _ in customers])
    problems += _same_settings([customer for customer, _ in customers])
    return CheckResult(tuple(customers), tuple(sorted(set(problems))))


def _same_host_names(customers: list[spec.CustomerSpec]) -> list[Problem]:
    """Refuse two servers that the hub would know by one name: a-b of customer c, and b of customer c-a."""
    first: dict[str, spec.CustomerSpec] = {}
    problems = []
    for customer in customers:
        for server in customer.servers:
            other = first.setdefault(server.host_name, customer)
            if other is not customer:
                message = (
                    f"the hub would know it as {server.host_name}, as it does a server of "
                    f"{other.stack_file}; rename it"
                )
                problems.append(Problem(customer.stack_file, 0, f"servers.{server.name}", message))
    return problems


def _same_settings(customers: list[spec.CustomerSpec]) -> list[Problem]:
    """Refuse two stacks that set the same of one account: those that share it, in regions of their own."""
    first: dict[tuple[str, str, str], spec.CustomerSpec] = {}
    problems = []
    for customer in customers:
        for part, place in customer.baseline.parts:
            other = first.setdefault((customer.account_id, part, place), customer)
            if other is not customer:
                message = (
                    f"{other.stack_file} sets it as well, for the same account in {place}; write "
                    f"{part}: false in one of the two"
                )
                problems.append(Problem(customer.stack_file, 0, f"aws.baseline.{part}", message))
    return problems


def check_table(result: CheckResult) -> None:
    """Print a line for each server, and what on it is outside the service level agreement."""
    from rich.console import Console  # noqa: PLC0415 - JSON needs no Rich
    from rich.table import Table  # noqa: PLC0415

    table = Table(
        "customer", "server", "software", "opens to", "checks", "alarms", "files", "bundle", box=None
    )
    for customer, bundles in result.customers:
        for server, bundle in zip(customer.servers, bundles, strict=True):
            opens = sorted({f"{i.reach} {i.port}/{i.protocol}" for i in server.listens if i.reach != "local"})
            table.add_row(
                customer.id,
                server.name,
                ", ".join(server.software),
                ", ".join(opens),
                str(len(server.checks)),
                str(len(server.alarms)),
                str(len(bundle.files)),
                bundle.sha256[:12],
            )
    console = Console(soft_wrap=True, emoji=False, width=None if sys.stdout.isatty() else _PIPED)
    console.print(table)
    for customer, _ in result.customers:
        for server in customer.servers:
            if names := [str(entry) for entry in outside(server)]:
                said = f"outside the SLA on {server.host_name}: {', '.join(names)}"
                console.print(said, markup=False, highlight=False)
