"""Judges all rendered files of a server together, in one overlay of a Debian tree."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from managed_server.local.debian.host import DebianError
from managed_server.local.debian.run import Command, Layout, Result, TreeFile, run_all

from . import cloudwatch_agent, ossec
from .table import HERE, Table, Validator, load

_PYTHON_CHECKS = {"cloudwatch_agent": cloudwatch_agent.problems, "ossec_options": ossec.problems}
_PROGRAMS = "/validators"
_TIMEOUT = 60  # seconds for one run of a validator; the slowest takes about 5


@dataclass(frozen=True)
class Finding:
    """What one validator said of one file."""

    path: str
    validator: str
    ok: bool
    output: str


@dataclass(frozen=True)
class _Job:
    validator: Validator
    variables: tuple[tuple[str, str], ...]
    paths: tuple[str, ...]


def validate_server(
    tree: Path,
    manifest_files: Mapping[str, tuple[bytes, str, str, int]],
    *,
    links: Mapping[str, str] | None = None,
    absent: Sequence[str] = (),
    users: Sequence[str] = (),
    hostname: str = "localhost",
    table: Table | None = None,
) -> list[Finding]:
    """Installs a server's files together, and runs every validator that one of them needs.

    Args:
        tree: root of a Debian tree with the server's packages and `table.packages()`.
        manifest_files: content, owner, group, mode by absolute path.
        links: target by path; a link whose target isn't there is a finding.
        absent: paths of the packages' files that the server removes.
        users: accounts that the packages don't bring.
        hostname: of the server.
        table: instead of validators.yaml.

    Returns:
        For each file one finding a validator; a file that no entry of the table claims has one
        that isn't ok. Sorted by path.
    """
    table = table or load()
    files = {path: TreeFile(*entry) for path, entry in manifest_files.items()}
    findings: list[Finding] = []
    grouped: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
    by_name = {validator.name: validator for validator in table.validators}
    for path, file in files.items():
        claimed = False
        for validator in table.validators:
            variables = validator.variables(path, file.content)
            if variables is None:
                continue
            claimed = True
            if validator.named and not re.fullmatch(validator.named, PurePosixPath(path).name):
                said = f"its program reads only files named {validator.named}"
                findings.append(Finding(path, validator.name, ok=False, output=said))
            elif validator.python:
                found = _PYTHON_CHECKS[validator.python](path, file.content)
                findings.append(Finding(path, validator.name, ok=not found, output="\n".join(found)))
            else:
                grouped.setdefault((validator.name, tuple(sorted(variables.items()))), []).append(path)
        if not claimed:
            reason = table.reason(path)
            said = (
                reason
                or "no validator claims it: add one to validators.yaml, or the reason why there is none"
            )
            findings.append(Finding(path, "none", ok=reason is not None, output=said))
    jobs = [_Job(by_name[name], variables, tuple(paths)) for (name, variables), paths in grouped.items()]
    layout = Layout({**files, **_programs()}, links or {}, absent, users, hostname)
    findings += _run(tree, table, jobs, layout)
    return sorted(findings, key=lambda finding: (finding.path, finding.validator))


def _programs() -> dict[str, TreeFile]:
    found = sorted((HERE / "programs").iterdir())
    return {f"{_PROGRAMS}/{path.name}": TreeFile(path.read_bytes(), mode=0o755) for path in found}


def _run(tree: Path, table: Table, jobs: list[_Job], layout: Layout) -> list[Finding]:
    links = [Command(["test", "-e", link], _TIMEOUT) for link in layout.links]
    commands = [
        Command(["bash", "-c", "\n".join(["set -e", *table.prepare])], _TIMEOUT),
        *links,
        *(
            Command(["bash", "-o", "pipefail", "-c", job.validator.run], _TIMEOUT, dict(job.variables))
            for job in jobs
        ),
    ]
    prepared, *results = run_all(tree, commands, layout)
    if prepared.code != 0:
        raise DebianError(f"preparing the tree failed ({prepared.code}): {_said(prepared)}")
    findings = []
    for (link, target), result in zip(layout.links.items(), results, strict=False):
        said = "" if result.code == 0 else f"leads nowhere: {target}"
        findings.append(Finding(link, "link", ok=result.code == 0, output=said))
    for job, result in zip(jobs, results[len(links) :], strict=True):
        ok = _good(job.validator, result)
        said = _said(result) + ("\n(took too long)" if result.timed_out else f"\n(exit {result.code})")
        findings += [Finding(path, job.validator.name, ok=ok, output=said.strip()) for path in job.paths]
    return findings


def _good(validator: Validator, result: Result) -> bool:
    bad = validator.bad_output and re.search(validator.bad_output, _said(result), re.MULTILINE)
    return result.code == 0 and not result.timed_out and not bad


def _said(result: Result) -> str:
    return "\n".join(part for part in (result.stdout.strip(), result.stderr.strip(), result.syslog) if part)
