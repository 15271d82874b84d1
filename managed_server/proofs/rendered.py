"""Proofs on the files of a server as they were rendered: what a template says is read back."""

from collections.abc import Iterator, Mapping

from managed_server import spec
from managed_server.loading import read_yaml
from managed_server.problems import Path, Problem, dotted
from managed_server.project import Project
from managed_server.proofs import figures, lockout, parity, retention, schedule
from managed_server.proofs.packet_filter import parse

CUSTOMER = ("config", "managed-server:customer")


def problems(
    project: Project, customer: spec.CustomerSpec, server: spec.ServerSpec, files: Mapping[str, bytes]
) -> Iterator[Problem]:
    """Yield what the rendered files of a server contradict; ``files`` are contents by path."""
    who = f"{customer.id}-{server.name}"
    for path, message in _in_files(project, customer, server, files):
        yield Problem(_source(server, path), 0, path, f"{message} ({who})")
    at = ("servers", server.name, "maintenance")
    for message in schedule.rendered_clashes(project, server, files):
        yield problem_of(project, customer, at, message)


def problem_of(project: Project, customer: spec.CustomerSpec, at: Path, message: str) -> Problem:
    """Return a problem that points into a stack file, of which only the spec is left."""
    root = project.drafts or project.root
    line = read_yaml(root / customer.stack_file, root).line((*CUSTOMER, *at))
    return Problem(customer.stack_file, line, dotted(at), message)


def _in_files(
    project: Project, customer: spec.CustomerSpec, server: spec.ServerSpec, files: Mapping[str, bytes]
) -> Iterator[tuple[str, str]]:
    """Yield (path, what is wrong)."""
    limits = project.limits
    path = limits.parity.chains.path
    try:
        tables = parse(files.get(path, b"").decode())
    except ValueError as error:
        yield path, str(error)
    else:
        yield from ((path, said) for said in parity.differences(limits.parity, customer, server, tables))
        yield from (
            (limits.lockout.blocks.path, said)
            for said in lockout.reachable_by_blocks(limits.lockout, customer, tables)
        )
    manager = limits.lockout.manager
    if any(entry.id == manager.entry for entry in server.entries):
        text = files.get(manager.path, b"").decode()
        yield from ((manager.path, said) for said in lockout.not_exempt(manager, customer, text))
    yield from retention.unbounded(project, server, files)
    yield from figures.differences(limits.figures, server, files)


def _source(server: spec.ServerSpec, path: str) -> str:
    """Return the template of a file, or the catalogue if the server has no such file."""
    for file in server.files:
        if file.path == path:
            return file.copy_of or f"templates/{file.template}"
    return "catalogue"
