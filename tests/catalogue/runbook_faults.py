"""What is wrong with a command, a path or a setting that a runbook page names."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
import typer
from botocore import xform_name

from managed_server.cli import app
from managed_server.model.customer import Access, Customer, Server, User
from tests.catalogue.runbook_facts import EVERY_DEBIAN, PATHS, TABLE, Facts
from tests.runbooks import PLACEHOLDER, commands

_PATH = re.compile(r"(?<![\w.:/@-])/(?:[\w.@*?%{}-]+/?)*")
_URL = re.compile(r"(?:(?:https?|telnet)://)?127\.0\.0\.1:(\d+)([/\w.-]*)")


def command_faults(facts: Facts, command: list[str], *, desk: bool) -> Iterator[str]:
    """Yield what is wrong with a command."""
    program, arguments = command[0], command[1:]
    known = set(TABLE["desk"]) if desk else EVERY_DEBIAN | facts.programs
    rendered = program.startswith("/usr/local/") and facts.has_path(program)
    named = facts.says(rf"/usr/local/s?bin/{re.escape(program)}(?![\w-])")
    if not (program in known or rendered or named) or (desk and (rendered or named)):
        yield f"{program}: no package of these servers has it"
    if program == "managed":
        yield from _managed(arguments)
    elif program == "aws":
        yield from _aws(arguments)
    elif program == "pulumi" and arguments[:1] == ["up"] and "--policy-pack" not in arguments:
        yield "pulumi up without the policies"
    if desk:
        return
    yield from _units(facts, program, arguments)
    if program == "awk":  # its own language; files come after
        arguments = [word for word in arguments if not word.startswith("-")][1:]
    for argument in arguments:
        yield from _words(facts, argument)
    if program == "nft":
        for name in re.findall(r"\binet (\w+)(?: (\w+))?", " ".join(arguments)):
            for part in filter(None, name):
                if not facts.says(rf"\b(table inet|set|chain) {part}\b"):
                    yield f"nft: no {part} in the rules"


def _units(facts: Facts, program: str, arguments: list[str]) -> Iterator[str]:
    named: list[str] = []
    if program == "systemctl":
        named = [word for word in arguments[1:] if not word.startswith("-")]
    elif program == "journalctl":
        named = [arguments[index + 1] for index, word in enumerate(arguments) if word == "-u"]
    for name in named:
        if not facts.has_unit(name):
            yield f"{program}: there is no unit {name}"


def _words(facts: Facts, argument: str) -> Iterator[str]:
    for port, path in _URL.findall(argument):
        if int(port) not in facts.ports:
            yield f"nothing listens on {port}"
        known = path in ("", "/") or path in PATHS or PLACEHOLDER.search(path)
        if not known and not facts.says(rf"{re.escape(path)}(?![\w-])"):
            yield f"no entry or template has {path}"
    for port in re.findall(r"[sd]port =? ?:?(\d+)", argument):
        if int(port) not in facts.ports | {123}:
            yield f"nothing listens on {port}"
    bare = _URL.sub("", re.sub(r"\w+://\S*", "", argument))
    for path in _PATH.findall(bare):
        if not PLACEHOLDER.search(path) and not facts.has_path(path):
            yield f"no entry or template has {path}"


def _managed(arguments: list[str]) -> Iterator[str]:
    command: Any = typer.main.get_command(app)
    words, names = list(arguments), ["managed"]
    while hasattr(command, "commands"):
        names.append(words.pop(0) if words else "")
        if names[-1] not in command.commands:
            yield f"{' '.join(names)}: there is no such command"
            return
        command = command.commands[names[-1]]
    try:
        command.make_context(names[-1], words)
    except Exception as error:  # Typer has a copy of Click of its own, whose errors have no public name
        if not hasattr(error, "format_message"):
            raise
        yield f"{' '.join(names)}: {error.format_message()}"


_AWS_GLOBAL = {"--output", "--profile", "--query", "--region"}
_AWS_OWN = {("s3", "ls"): {"--recursive"}, ("s3", "cp"): set()}
"""Commands of the tool itself, with their options."""


@cache
def _service(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


def _aws(arguments: list[str]) -> Iterator[str]:
    name, verb = arguments[:2]
    options = {word for word in arguments if word.startswith("--")}
    if (name, verb) in _AWS_OWN:
        known = _AWS_OWN[name, verb]
    else:
        model = _service("s3" if name == "s3api" else name)
        operations = {xform_name(operation, "-"): operation for operation in model.operation_names}
        if verb not in operations:
            yield f"aws: {name} has no {verb}"
            return
        shape = model.operation_model(operations[verb]).input_shape
        known = {f"--{xform_name(member, '-')}" for member in shape.members} if shape else set()
    for option in sorted(options - known - _AWS_GLOBAL):
        yield f"aws: {name} {verb} has no {option}"


def line_faults(facts: Facts, text: str, *, desk: bool) -> list[str]:
    """What is wrong with a line of the shell."""
    return [fault for command in commands(text) for fault in command_faults(facts, command, desk=desk)]


STACK_FIELDS = {name for model in (Customer, Server, User, Access) for name in model.model_fields}
_SETTING = re.compile(r"([a-z_]+(?:\.[a-z_]+)*)(: ?\S*)?")
AT_THE_DESK = {"managed", "pulumi", "scp", "ssh"}


def span_faults(facts: Facts, span: str) -> list[str]:
    """What is wrong with code between words: a command, options of one, a path, or a setting."""
    if span.startswith("/") and " " not in span:
        return [] if facts.has_path(span) else [f"no entry or template has {span}"]
    if span.startswith("-"):
        return list(_words(facts, span))
    setting = _SETTING.fullmatch(span)
    if setting and set(setting[1].split(".")) <= STACK_FIELDS | facts.settings:
        return []
    return line_faults(facts, span, desk=span.split(maxsplit=1)[0] in AT_THE_DESK)
