"""What a case is. The tables are in cases_*.py, the meta-test in test_policy_pack.py."""

from dataclasses import dataclass
from typing import Any

from policy_judge import Thing


@dataclass(frozen=True)
class Case:
    """Resources, a rule, and every message that it must give, in order."""

    rule: str
    kind: str  # pass, fail, missing
    things: tuple[Thing, ...]
    says: tuple[str, ...] = ()
    config: dict[str, Any] | None = None
    about: str = ""

    def __str__(self) -> str:
        return f"{self.rule}-{self.kind}-{self.about}".rstrip("-")


def passes(rule: str, *things: Thing, about: str = "", config: dict[str, Any] | None = None) -> Case:
    return Case(rule, "pass", things, about=about, config=config)


def fails(
    rule: str, *things: Thing, says: str, about: str = "", config: dict[str, Any] | None = None
) -> Case:
    return Case(rule, "fail", things, (says,), config, about)


def lacks(rule: str, *things: Thing, says: str | None, about: str = "") -> Case:
    """The property is missing: says what the rule answers, None where missing is right."""
    return Case(rule, "missing", things, (says,) if says else (), about=about)
