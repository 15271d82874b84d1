"""``managed check``: everything that can be known to be right or wrong without a cloud."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from managed_server.inputs import load_project, stack_names
from managed_server.problems import InputError, Problem
from managed_server.reports.fleet import CheckedStack, check_each
from managed_server.reports.output import print_table
from managed_server.resolve import problems_of_stacks


@dataclass(frozen=True)
class CheckResult:
    """What was checked, and what was found."""

    stacks: tuple[CheckedStack, ...]
    """Those with which nothing is wrong."""
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> int:
        """How many problems are errors."""
        return sum(problem.severity == "error" for problem in self.problems)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "customers": {
                stack.id: {
                    "servers": {
                        server.name: {
                            "bundle": server.sha256,
                            "files": server.files,
                            "outside_sla": [entry.as_json() for entry in server.outside],
                        }
                        for server in stack.servers
                    }
                }
                for stack in self.stacks
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

    Raises:
        OSError: many were checked, and a process that helped was killed.
    """
    try:
        project = replace(load_project(root), drafts=drafts)
    except InputError as error:
        return CheckResult((), tuple(sorted({*error.problems, *problems_of_stacks(drafts or root, stacks)})))
    problems: set[Problem] = set()
    names = stacks or stack_names(drafts or root)
    if not names:
        problems.add(Problem("stacks", 0, "", "there is no stack file; add stacks/Pulumi.<customer>.yaml"))
    found: list[CheckedStack] = []
    for checked in check_each(project, names):
        problems.update(checked.problems)
        if checked.stack is not None:
            found.append(checked.stack)
    problems.update(_same_host_names(found))
    problems.update(_same_settings(found))
    return CheckResult(tuple(found), tuple(sorted(problems)))


def _same_host_names(stacks: list[CheckedStack]) -> Iterable[Problem]:
    """Refuse two servers that the hub would know by one name: a-b of customer c, and b of customer c-a."""
    first: dict[str, CheckedStack] = {}
    for stack in stacks:
        for server in stack.servers:
            other = first.setdefault(server.host_name, stack)
            if other is not stack:
                message = (
                    f"the hub would know it as {server.host_name}, as it does a server of "
                    f"{other.stack_file}; rename it"
                )
                yield Problem(stack.stack_file, 0, f"servers.{server.name}", message)


def _same_settings(stacks: list[CheckedStack]) -> Iterable[Problem]:
    """Refuse two stacks that set the same of one account: those that share it, in regions of their own."""
    first: dict[tuple[str, str, str], CheckedStack] = {}
    for stack in stacks:
        for part, place in stack.sets:
            other = first.setdefault((stack.account_id, part, place), stack)
            if other is not stack:
                message = (
                    f"{other.stack_file} sets it as well, for the same account in {place}; write "
                    f"{part}: false in one of the two"
                )
                yield Problem(stack.stack_file, 0, f"aws.baseline.{part}", message)


def check_table(result: CheckResult) -> None:
    """Print a line for each server, and what on it is outside the service level agreement."""
    rows = [
        (
            stack.id,
            server.name,
            ", ".join(server.software),
            ", ".join(server.opens),
            str(server.checks),
            str(server.alarms),
            str(server.files),
            server.sha256[:12],
        )
        for stack in result.stacks
        for server in stack.servers
    ]
    print_table(("customer", "server", "software", "opens to", "checks", "alarms", "files", "bundle"), rows)
    for stack in result.stacks:
        for server in stack.servers:
            if names := [str(entry) for entry in server.outside]:
                print(f"outside the SLA on {server.host_name}: {', '.join(names)}")  # noqa: T201
