"""Writes what follows from the rules: the tables of README.md, and rules.yaml: `python policies/table.py`."""

import json
from collections.abc import Iterable
from pathlib import Path

import yaml
from pulumi_policy import Policy
from rules import ALL  # type: ignore[import-not-found]  # this folder is the first entry of sys.path

HERE = Path(__file__).parent
_ORDER = ("critical", "high", "medium", "low")
_LISTED = """\
# yaml-language-server: $schema=../docs/schemas/policies.json
# Written by `python policies/table.py` from rules/: what exceptions of stack files may name.
rules:
"""


def begin(table: str) -> str:
    """Returns the line before a table of README.md."""
    return f"<!-- {table}: begin, written by table.py -->"


def end(table: str) -> str:
    """Returns the line behind it."""
    return f"<!-- {table}: end -->"


def markdown(policies: Iterable[Policy]) -> str:
    """Returns the table, the gravest rules first, with where each comes from and how to obey it."""
    rows = [
        "| Rule | Severity | Source | What must hold | How |",
        "|---|---|---|---|---|",
    ]
    for one in sorted(policies, key=lambda one: (_ORDER.index(_severity(one)), one.name)):
        reference = one.framework.reference if one.framework else ""
        source = f"[{reference}]({one.url})"
        rows.append(
            f"| `{one.name}` | {_severity(one)} | {source} | {one.description} | {one.remediation_steps} |"
        )
    return "\n".join(rows)


def left_out() -> str:
    """Returns the table of controls that no rule judges, with the reason of each."""
    rows = ["| Control | What it asks | Why no rule judges it |", "|---|---|---|"]
    data = yaml.safe_load((HERE / "left-out.yaml").read_text(encoding="utf-8"))
    rows += [f"| {one['control']} | {one['asks']} | {one['why']} |" for one in data]
    return "\n".join(rows)


def listed() -> str:
    """Returns rules.yaml."""
    lines = [
        f"  {rule.name}: {{severity: {_severity(rule)}, controls: {_flow(rule.source.controls)}, "
        f"types: {_flow(short_type(kind) for kind in rule.types if kind.startswith('aws:'))}}}\n"
        for rule in sorted(ALL, key=lambda rule: str(rule.name))
    ]
    return _LISTED + "".join(lines)


def short_type(kind: str) -> str:
    """Returns a type as contract/aws-resources.yaml has it: `aws:s3/bucket:Bucket` is `s3.Bucket` there."""
    if kind == "aws:*":
        return "*"
    _, module, name = kind.split(":")
    return f"{module.partition('/')[0]}.{name}"


def _flow(values: Iterable[str]) -> str:
    return f"[{', '.join(json.dumps(value) if value == '*' else value for value in values)}]"


def _severity(policy: Policy) -> str:
    return policy.severity.value if policy.severity else "low"


def _write() -> None:
    path = HERE / "README.md"
    text = path.read_text(encoding="utf-8")
    for table, made in (("rules", markdown(ALL)), ("left-out", left_out())):
        before, _, rest = text.partition(begin(table))
        text = f"{before}{begin(table)}\n{made}\n{end(table)}{rest.partition(end(table))[2]}"
    path.write_text(text, encoding="utf-8")
    (HERE / "rules.yaml").write_text(listed(), encoding="utf-8")


if __name__ == "__main__":
    _write()
