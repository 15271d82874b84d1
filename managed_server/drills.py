"""Judges a drill: a restore of the latest backup to a fresh machine, by what the restore has shown.

What isn't there counts as bad: a drill without checksums, without rows, or without an age has failed.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Drill:
    """One drill, as it is recorded."""

    customer: str
    server: str
    time: str
    """When it began, UTC."""
    snapshot: str
    age_hours: float | None
    """Of the backup, at the time that was asked for."""
    minutes: float
    """From nothing to a machine with everything on it, and judged."""
    files: int
    """Whose sha256 is that of the inventory."""
    changed: int
    """Which were written to between inventory and snapshot: their sha256 says nothing."""
    absent: int
    """Which the snapshot lacks, as they went between the two. The restore fails where there are many."""
    tables: int
    rows: int
    empty: tuple[str, ...]
    """Dumps of databases that held no row when they were dumped: there was none to compare."""
    tampered: int
    """Objects of the repository that somebody wrote over, and that were read as they were before."""
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether all of it was shown."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """For the record."""
        return {**asdict(self), "ok": self.ok}


def failed(customer: str, server: str, time: str, minutes: float, problem: str) -> Drill:
    """A drill that didn't come to a restore."""
    return Drill(customer, server, time, "", None, minutes, 0, 0, 0, 0, 0, (), 0, (problem,))


def judge(
    customer: str, server: str, time: str, minutes: float, *,
    code: int, out: str, err: str, dumps: Sequence[str],
) -> Drill:  # fmt: skip
    """Judge a restore.

    Args:
        customer: id.
        server: name.
        time: when the drill began.
        minutes: how long all of it took.
        code: the restore's exit code.
        out: what it printed; the last line is its answer.
        err: what it said besides.
        dumps: names of the dumps that the server has, and that are restored.
    """
    answer = _answer(out)
    if answer is None:
        return failed(customer, server, time, minutes, f"the restore gave no answer: {_last(err)}")
    problems = _lacking(answer, dumps=dumps) + _said(answer)
    if code != 0 and not problems:
        problems.append(f"the restore ended with {code}: {_last(err)}")
    snapshot = answer.get("snapshot")
    return Drill(
        customer, server, time, snapshot if isinstance(snapshot, str) else "", _number(answer, "age_hours"),
        minutes, _count(answer, "files"), _count(answer, "changed"), _count(answer, "absent"),
        _count(answer, "tables"), _count(answer, "rows"),
        _empty(answer, dumps), _count(answer, "tampered"), tuple(problems),
    )  # fmt: skip


def _said(answer: dict[str, Any]) -> list[str]:
    """The problems that the restore tells of."""
    said = answer.get("problems")
    if not isinstance(said, list):
        return ["the restore doesn't say whether there are problems"]
    return [str(problem) for problem in said]


def _lacking(answer: dict[str, Any], *, dumps: Sequence[str]) -> list[str]:
    """What a good restore would have shown."""
    problems = []
    if not isinstance(answer.get("snapshot"), str) or not answer["snapshot"]:
        problems.append("the restore names no snapshot")
    if not _count(answer, "files"):
        problems.append("not one file was held against its checksum")
    filled = set(dumps) - set(_empty(answer, dumps))
    if filled and not _count(answer, "tables"):
        problems.append("not one table was counted")
    if filled and not _count(answer, "rows"):
        problems.append("not one row was counted")
    age, limit = _number(answer, "age_hours"), _number(answer, "limit_hours")
    if age is None or limit is None:
        problems.append("the restore doesn't say how old the backup is, and may be")
    elif not 0 <= age <= limit:  # nor is one of a time to come
        problems.append(f"the backup is {age:g} hours old; more than {limit:g} is too old")
    return problems


def _answer(out: str) -> dict[str, Any] | None:
    try:
        answer = json.loads((out.strip().splitlines() or [""])[-1])
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and answer else None


def _empty(answer: dict[str, Any], dumps: Sequence[str]) -> tuple[str, ...]:
    said = answer.get("empty")
    return tuple(name for name in dumps if name in said) if isinstance(said, list) else ()


def _last(err: str) -> str:
    return (err.strip().splitlines() or ["it said nothing"])[-1]


def _count(answer: dict[str, Any], name: str) -> int:
    value = answer.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _number(answer: dict[str, Any], name: str) -> float | None:
    value = answer.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
