"""Writes the table of rules into README.md: `python policies/table.py`."""

from collections.abc import Iterable
from pathlib import Path

from pulumi_policy import Policy
from rules import ALL  # type: ignore[import-not-found]  # this folder is the first entry of sys.path

BEGIN = "<!-- rules: begin, written by table.py -->"
END = "<!-- rules: end -->"
_ORDER = ("critical", "high", "medium", "low")


def markdown(policies: Iterable[Policy]) -> str:
    """Returns the table, the gravest rules first, with where each comes from and how to obey it."""
    rows = [
        "| Rule | Severity | Source | What must hold | How |",
        "|---|---|---|---|---|",
    ]
    for one in sorted(policies, key=lambda one: (_ORDER.index(_severity(one)), one.name)):
        control = one.framework.reference if one.framework else ""
        source = f"[{control}]({one.url})"
        rows.append(
            f"| `{one.name}` | {_severity(one)} | {source} | {one.description} | {one.remediation_steps} |"
        )
    return "\n".join(rows)


def _severity(policy: Policy) -> str:
    return policy.severity.value if policy.severity else "low"


def _write(path: Path) -> None:
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n{markdown(ALL)}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    _write(Path(__file__).with_name("README.md"))
