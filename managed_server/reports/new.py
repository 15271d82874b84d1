"""``managed new``: makes a stack file of what was bought, checks it, and only then puts it in its place."""

import json
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from managed_server.inputs import stack_names, stack_path
from managed_server.model.objectives import ClockObjective, WorkingDayObjective
from managed_server.problems import InputError, Problem
from managed_server.project import Project
from managed_server.rendering import RenderError, render
from managed_server.reports.check import check_stacks
from managed_server.reports.new_questions import COMMAND, Question, customer_id, flag, questions
from managed_server.reports.schema import modeline

_TEMPLATE = "stack/Pulumi.customer.yaml.j2"
_PLAIN = re.compile(r"[A-Za-z](?:[A-Za-z0-9 ._/@=+-]*[A-Za-z0-9=])?")

Ask = Callable[[Question, str | None], Any]
"""Asks a person, with a default, until the answer is right."""


def new_stack(
    project: Project, stack: str, given: Mapping[str, tuple[str, ...]], ask: Ask | None
) -> tuple[Path, tuple[Problem, ...]]:
    """Make a customer's stack file; returns where it is, and the warnings about it.

    Args:
        project: the loaded project.
        stack: the customer's id.
        given: answers that are known already, by the questions' keys.
        ask: asks for the others; None where nobody can be asked.

    Raises:
        InputError: what was given is wrong or not enough, or the file exists. No file was written.
    """
    path = stack_path(project.root, stack)
    file = str(path.relative_to(project.root))
    try:
        customer_id(stack)
    except ValueError as error:
        raise InputError([Problem(COMMAND, 0, "", str(error))]) from error
    if path.exists() or path.is_symlink():
        raise InputError([Problem(file, 0, "", "exists already; edit it, or choose another id")])
    answers = collect(questions(project, stack), given, ask)
    admins = {name for name, _ in answers["admin"]}
    for name in sorted({name for name, _ in answers["user"]} & admins):
        raise InputError([Problem(COMMAND, 0, flag("user"), f"{name!r} is an administrator already")])
    try:
        content = _content(project, stack, file, answers)
    except RenderError as error:
        raise InputError([error.problem]) from error
    problems = _check(project.root, stack, content)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise InputError(errors)
    _place(path, content)
    return path, problems


def collect(
    asked: Iterable[Question], given: Mapping[str, tuple[str, ...]], ask: Ask | None
) -> dict[str, Any]:
    """Return all answers: those given, those asked for, and where nobody is asked the defaults.

    Raises:
        InputError: with everything that is wrong or missing.
    """
    asked = list(asked)
    answers: dict[str, Any] = {}
    problems = []
    for question in asked:
        try:
            if not question.concerns(answers):
                answers[question.key] = None
                if question.key in given:
                    said = f"is for a server with {flag('hosting')} {question.hosting} alone"
                    problems.append(Problem(COMMAND, 0, question.flag, said))
            elif question.key in given:
                answers[question.key] = question.read(given[question.key])
            elif ask is None:
                answers[question.key] = question.without_asking(answers)
        except KeyError:
            continue  # its default depends on an answer that is a problem by itself
        except ValueError as error:
            problems.append(Problem(COMMAND, 0, question.flag, str(error)))
    if problems:
        raise InputError(problems)
    if ask is not None:
        for question in asked:
            if question.key not in answers:
                concerns = question.concerns(answers)
                answers[question.key] = ask(question, question.default(answers)) if concerns else None
    return answers


def command_line(stack: str, answers: Mapping[str, tuple[str, ...]]) -> str:
    """Return the command that gives these answers: for a person who would have to type them again."""
    flags = [f"{flag(key)}={text}" for key, texts in answers.items() for text in texts]
    return shlex.join([*COMMAND.split(), stack, *flags])


def _content(project: Project, stack: str, file: str, answers: dict[str, Any]) -> bytes:
    users: dict[str, dict[str, Any]] = {}
    for key, admin in (("admin", True), ("user", False)):
        for user, public_key in answers[key]:
            account = users.setdefault(user, {"admin": admin, "keys": []})
            account["keys"].append(public_key)
    settings: dict[str, dict[str, Any]] = {}
    for entry, setting, value in answers["setting"]:
        settings.setdefault(entry, {})[setting] = value
    return render(
        project.root / "templates",
        _TEMPLATE,
        bought=answers,
        stack=stack,
        modeline=modeline("stack", file),
        contract=project.contract,
        objectives=_objectives(project),
        users=users,
        settings=settings,
        text=yaml_text,
        scalar=_scalar,
        flow=lambda items: "[" + ", ".join(map(yaml_text, items)) + "]",
    )


def _objectives(project: Project) -> list[tuple[str, str, int]]:
    """Return the priorities whose objective can be agreed apart, each with its key and the terms' figure."""
    found = []
    for terms in project.contract.priorities:
        if isinstance(terms.objective, ClockObjective):
            found.append((terms.id.value, "minutes", terms.objective.minutes))
        elif isinstance(terms.objective, WorkingDayObjective):
            found.append((terms.id.value, "working_days", terms.objective.days))
    return found


def yaml_text(value: Any) -> str:
    """Write a text so that YAML reads the very same text: plainly where it can be, else in double quotes."""
    text = str(value)
    resolved = yaml.resolver.Resolver().resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    if _PLAIN.fullmatch(text) and resolved == "tag:yaml.org,2002:str":
        return text
    return json.dumps(text, ensure_ascii=False)  # JSON's strings are YAML's double-quoted ones


def _scalar(value: bool | int | str) -> str:  # noqa: FBT001 - a setting is one of these
    return yaml_text(value) if isinstance(value, str) else json.dumps(value)


def _check(root: Path, stack: str, content: bytes) -> tuple[Problem, ...]:
    """Return what ``managed check`` would say of the file, beside those that it says already.

    Only stacks whose name begins or is begun by the new one's can have a server of the same name at the hub.
    """
    near = [
        name for name in stack_names(root) if name.startswith(f"{stack}-") or stack.startswith(f"{name}-")
    ]
    known = set(check_stacks(root, near).problems) if near else set()
    with tempfile.TemporaryDirectory() as folder:
        drafts = Path(folder)
        (drafts / "stacks").mkdir()
        for name in near:
            shutil.copy(stack_path(root, name), stack_path(drafts, name))
        stack_path(drafts, stack).write_bytes(content)
        found = check_stacks(root, [], drafts)
    # There is no file to look a line up in.
    return tuple(replace(problem, line=0) for problem in found.problems if problem not in known)


def _place(path: Path, content: bytes) -> None:
    """Put the whole file in its place at once, unless somebody else has put one there meanwhile.

    Raises:
        InputError: somebody has.
    """
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        os.link(name, path)
    except FileExistsError as error:
        message = "exists already; edit it, or choose another id"
        raise InputError([Problem(str(path), 0, "", message)]) from error
    finally:
        Path(name).unlink()
