"""How problems of the input are told to people."""

from managed_server.problems import Problem


def report_problems(problems: tuple[Problem, ...] | list[Problem]) -> None:
    """Print problems on stderr, one a line, and how many there are."""
    from rich.console import Console  # noqa: PLC0415 - commands that print no problem start faster

    console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
    for problem in problems:
        style = "red" if problem.severity == "error" else "yellow"
        console.print(f"{problem.severity}: ", style=style, end="")
        console.print(str(problem), markup=False)
    errors = sum(problem.severity == "error" for problem in problems)
    if errors:
        noun = "error" if errors == 1 else "errors"
        console.print(f"{errors} {noun}; nothing was created or changed.", style="bold red")
