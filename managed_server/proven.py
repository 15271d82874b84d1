"""One stack, resolved, rendered and proven: what `managed check` looks at and `pulumi up` delivers."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from managed_server import spec
from managed_server.bundle import Bundle, build
from managed_server.fragment import build_fragment
from managed_server.inputs import load_project
from managed_server.problems import InputError, Problem, dotted
from managed_server.project import Project
from managed_server.proofs import rendered
from managed_server.proofs.lines import unfulfilled
from managed_server.proofs.rendered import problem_of
from managed_server.rendering import RenderError
from managed_server.resolve import problems_of_stacks, resolve_stack


def proven(project: Project, stack: str) -> tuple[spec.CustomerSpec, tuple[Bundle, ...], tuple[Problem, ...]]:
    """Return a customer, the bundles of its servers in their order, and the warnings.

    Raises:
        InputError: with every problem of the stack file, of templates, and of what was rendered.
    """
    customer, warnings = resolve_stack(project, stack)
    bundles: list[Bundle] = []
    problems = list(unfulfilled(project, customer))
    for server in customer.servers:
        try:
            bundle = build(project.root / "templates", customer, server)
        except RenderError as error:
            problems.append(error.problem)
            continue
        bundles.append(bundle)
        files = {file.path: file.content for file in bundle.files}
        problems += rendered.problems(project, customer, server, files)
        problems += _for_its_hub(project, customer, server)
    if problems:
        raise InputError(problems)
    return customer, tuple(bundles), warnings


def _for_its_hub(project: Project, customer: spec.CustomerSpec, server: spec.ServerSpec) -> Iterator[Problem]:
    """Yield why the hub would not take a server."""
    try:
        build_fragment(customer, server)
    except ValidationError as errors:
        for error in errors.errors(include_url=False):
            message = f"the hub would not take it: {dotted(error['loc'])}: {error['msg']}"
            yield problem_of(project, customer, ("servers", server.name), message)


def load_proven(root: Path, stack: str) -> tuple[spec.CustomerSpec, dict[str, Bundle]]:
    """Load everything, and return a customer with the bundle of each of its servers by name.

    Raises:
        InputError: with every problem of every file.
    """
    try:
        project = load_project(root)
    except InputError as error:
        raise InputError([*error.problems, *problems_of_stacks(root, [stack])]) from error
    customer, bundles, _ = proven(project, stack)
    return customer, {bundle.server: bundle for bundle in bundles}
