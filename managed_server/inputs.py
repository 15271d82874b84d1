"""Loads the whole project: provider, contract, catalogue, and the stack files."""

import re
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any, TypeVar

from managed_server.catalogue_checks import check_catalogue
from managed_server.loading import Document, missing_keys, nearest, read_yaml, validate
from managed_server.model.account import AccountAlarms
from managed_server.model.catalogue import Entry, Software, Tool
from managed_server.model.cloudwatch import CloudWatchTable
from managed_server.model.contract import Contract
from managed_server.model.customer import Customer, StackFile
from managed_server.model.exceptions import Rules
from managed_server.model.fulfilment import AwsResources, Fulfilment
from managed_server.model.limits import Limits
from managed_server.model.provider import Provider
from managed_server.model.tables import Alarms, Checks, Debian, InstanceTypes
from managed_server.problems import InputError, Problem
from managed_server.project import EntryFile, Project, UnresolvedError, substitute
from managed_server.proofs.contract_file import contradictions
from managed_server.secret_texts import problems_of

E = TypeVar("E", bound=Entry)

_STACK_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")  # Pulumi's own rule; the customer id's is narrower
_CUSTOMER = "config.managed-server:customer"

SINGLE_FILES: dict[str, tuple[str, type[Any]]] = {
    "provider": ("provider.yaml", Provider),
    "contract": ("contract/enhanced-sla.yaml", Contract),
    "fulfilment": ("contract/fulfilment.yaml", Fulfilment),
    "limits": ("contract/limits.yaml", Limits),
    "aws_resources": ("contract/aws-resources.yaml", AwsResources),
    "checks": ("catalogue/checks.yaml", Checks),
    "alarms": ("catalogue/alarms.yaml", Alarms),
    "account_alarms": ("catalogue/account-alarms.yaml", AccountAlarms),
    "cloudwatch": ("catalogue/cloudwatch.yaml", CloudWatchTable),
    "debian": ("catalogue/debian.yaml", Debian),
    "instance_types": ("catalogue/instance-types.yaml", InstanceTypes),
    "policies": ("policies/rules.yaml", Rules),
}
"""Files of which there is one: path and model, by the field of the project."""


def load_project(root: FilePath) -> Project:
    """Load provider, contract and catalogue.

    Raises:
        InputError: with every problem of every file.
    """
    problems: list[Problem] = []
    single: dict[str, Any] = {}
    documents: dict[str, Document] = {}
    _refuse_secrets(root / SINGLE_FILES["provider"][0], root)
    for name, (path, model) in SINGLE_FILES.items():
        documents[name] = read_yaml(root / path, root)
        single[name] = validate(documents[name], model) if not documents[name].problems else None
        problems += documents[name].problems
    software = _load_entries(root, "software", Software, problems)
    tools = _load_entries(root, "tools", Tool, problems)
    for twice in sorted(set(software) & set(tools)):
        problems.append(
            tools[twice].document.problem((), f"the id {twice!r} is a software as well; rename one")
        )
    if problems:
        raise InputError(problems)
    project = Project(root, software=software, tools=tools, documents=documents, **single)
    problems = [*check_catalogue(project, documents), *contradictions(project)]
    if problems:
        raise InputError(problems)
    return project


def _refuse_secrets(path: FilePath, root: FilePath) -> None:
    """Raise InputError for a file that holds what looks like a secret."""
    if problems := problems_of(path, str(path.relative_to(root))):
        raise InputError(problems)


def load_provider(root: FilePath) -> Provider:
    """Load provider.yaml alone: for what needs no catalogue.

    Raises:
        InputError: it is wrong.
    """
    path = root / SINGLE_FILES["provider"][0]
    _refuse_secrets(path, root)
    document = read_yaml(path, root)
    provider = validate(document, Provider)
    if document.problems or provider is None:
        raise InputError(document.problems)
    return provider


def _load_entries(
    root: FilePath, kind: str, model: type[E], problems: list[Problem]
) -> dict[str, EntryFile[E]]:
    entries: dict[str, EntryFile[E]] = {}
    for path in sorted((root / "catalogue" / kind).iterdir()):
        if path.suffix != ".yaml" and not path.name.startswith("."):
            name = str(path.relative_to(root))
            problems.append(Problem(name, 0, "", "is no entry: its name must end in .yaml"))
    for path in sorted((root / "catalogue" / kind).glob("*.yaml")):
        document = read_yaml(path, root)
        if not document.problems:
            checked = _checked(document, model)
            if checked:
                newest = list(checked.values())[-1]
                known = {release: entry for release, entry in checked.items() if isinstance(release, int)}
                entries[path.stem] = EntryFile(path.stem, document, model, newest, known)
        problems += document.problems
    return entries


def _checked(document: Document, model: type[E]) -> dict[Any, E]:
    """Check an entry with the facts of each of its releases; return it for each, the newest last.

    It is empty where something is wrong; an entry that names no release is under None.
    """
    data = document.data if isinstance(document.data, dict) else {}
    releases = data.get("releases")
    settings = data.get("settings")
    defaults = {
        name: setting.get("default")
        for name, setting in (settings if isinstance(settings, dict) else {}).items()
        if isinstance(setting, dict)
    }
    found: dict[Any, E] = {}
    for release in sorted(releases, key=str) if isinstance(releases, dict) and releases else [None]:
        facts = releases.get(release) if release is not None and isinstance(releases, dict) else {}
        try:
            replaced = substitute(document.data, {**(facts if isinstance(facts, dict) else {}), **defaults})
        except UnresolvedError as error:
            known = [*(facts if isinstance(facts, dict) else {}), *defaults]
            document.problems += missing_keys(document, model)  # one of which may have had it
            document.problems.append(
                document.problem(
                    error.path,
                    f"the placeholder {error.name!r} is not known for Debian {release}"
                    f"{nearest(error.name, known)}; $${{ stands for a literal ${{",
                )
            )
            return {}
        entry = validate(document, model, replaced)
        if entry is None:
            return {}
        found[release] = entry
    return found


def stack_path(root: FilePath, stack: str) -> FilePath:
    """Return where the stack file of ``stack`` is."""
    return root / "stacks" / f"Pulumi.{stack}.yaml"


def stack_names(root: FilePath) -> list[str]:
    """Return the names of all stacks, sorted."""
    return sorted(
        path.name[len("Pulumi.") : -len(".yaml")] for path in (root / "stacks").glob("Pulumi.*.yaml")
    )


def load_stack(root: FilePath, stack: str) -> tuple[Document, Customer]:
    """Load one stack file.

    Raises:
        InputError: with every problem of the file.
    """
    document, customer = read_stack(root, stack)
    if document.problems or customer is None:
        raise InputError(document.problems)
    return document, customer


def read_stack(root: FilePath, stack: str) -> tuple[Document, Customer | None]:
    """Read one stack file; what is wrong with it is in the document.

    Raises:
        InputError: if there is no such file, or it holds what looks like a secret.
    """
    path = stack_path(root, stack)
    if not _STACK_NAME.fullmatch(stack) or not path.is_file():
        message = f"there is no such stack file{nearest(stack, stack_names(root))}"
        raise InputError([Problem(str(path.relative_to(root)), 0, "", message)])
    _refuse_secrets(path, root)
    document = read_yaml(path, root)
    model = validate(document, StackFile)
    # Everything a person writes is below this one key: saying it each time says nothing.
    document.problems = [
        replace(problem, path=problem.path.removeprefix(_CUSTOMER).lstrip("."))
        for problem in document.problems
    ]
    return document, model.config.customer if model is not None else None
