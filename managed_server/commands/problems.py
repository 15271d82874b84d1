"""How problems of the input are told to people."""

import sys

from managed_server.problems import Problem


def report_problems(problems: tuple[Problem, ...] | list[Problem]) -> None:
    """Print problems on stderr, one a line, and how many there are; in colours where a person looks on."""
    errors = sum(problem.severity == "error" for problem in problems)
    ending = f"{errors} {'error' if errors == 1 else 'errors'}; nothing was created or changed."
    if not sys.stderr.isatty():
        lines = [f"{problem.severity}: {problem}" for problem in problems] + ([ending] if errors else [])
        sys.stderr.write("".join(f"{line}\n" for line in lines))
        return
    from rich.console import Console  # noqa: PLC0415 - nobody else waits for it

    console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
    for problem in problems:
        style = "red" if problem.severity == "error" else "yellow"
        console.print(f"{problem.severity}: ", style=style, end="")
        console.print(str(problem), markup=False)
    if errors:
        console.print(ending, style="bold red")
