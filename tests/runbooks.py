"""The runbook pages as data: their parts, and the commands in them with the place where each is run."""

import re
import shlex
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from managed_server.spec import ServerSpec
from tests.conftest import ROOT

FOLDER = ROOT / "docs" / "runbooks"
PARTS = ("What to look at", "What to do", "When to phone", "Outside the SLA")
LOOK, DO = PARTS[:2]

_BLOCK = re.compile(r"^(?P<indent> *)```sh\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_OTHER = re.compile(r"(\S+) on Debian ([0-9]+)")
_SPAN = re.compile(r"`([^`\n]+)`")
_LEAD = re.compile(
    r"\b(?P<hub>On the hub)?(?P<desk>At your desk)?(On [a-z ]+)?(, for (?P<software>\w+)|, [^.:]*)?:$"
)
PLACEHOLDER = re.compile(
    r"(?<![A-Za-z_$.-])(ADDRESS|BUCKET|COMMAND|CUSTOMER|DATABASE|DAY|DIRECTORY|FILE|HOST|ID|INDEX|INSTANCE|KEY|NAME|"
    r"NUMBER|PROCESS|REGION|RELAY|SERVER|SERVICE|SITE|TABLE|VERSION|VOLUME|ZONE)(?![A-Za-z_])"
)
"""A word that whoever runs the command replaces."""


@dataclass(frozen=True)
class Line:
    """One line of a block: what is typed, and where."""

    part: str
    place: str
    """server, hub or desk; empty where a block of "What to do" doesn't say."""
    software: str
    """Id of the one that it is about, where a page is about several."""
    text: str
    others: tuple[tuple[int, str], ...]
    """Releases of Debian on which its first program has another name, with that: `# …; NAME on Debian 12`."""

    def on(self, release: int) -> str:
        """What is typed on a release of Debian."""
        first, space, rest = self.text.partition(" ")
        return dict(self.others).get(release, first) + space + rest


@dataclass(frozen=True)
class Page:
    """One page."""

    path: Path

    @property
    def name(self) -> str:
        """As checks and alarms name it."""
        return self.path.stem

    @cached_property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def parts(self) -> dict[str, str]:
        """Text by heading; what stands before the first one, by the empty heading."""
        found = re.split(r"^## (.+)$", self.text, flags=re.MULTILINE)
        return {"": found[0], **dict(zip(found[1::2], found[2::2], strict=True))}

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The commands of all blocks."""
        return tuple(line for part, text in self.parts.items() for line in _lines(part, text))

    def spans(self) -> Iterator[str]:
        """Code between words."""
        yield from _SPAN.findall(_BLOCK.sub("", self.text))


def pages() -> list[Page]:
    """The pages of checks and alarms; README.md is about all of them."""
    return [Page(path) for path in sorted(FOLDER.glob("*.md")) if path.name != "README.md"]


def start() -> Page:
    """README.md."""
    return Page(FOLDER / "README.md")


_BROKEN_PIPE = 141  # of what `head` has heard enough
_NOTHING_FOUND = 1  # of grep


def ends_well(text: str, code: int) -> bool:
    """Whether a line of the shell, with pipefail, ends like this where all is well."""
    names = set(programs(text))
    return (
        code == 0
        or (code == _NOTHING_FOUND and "grep" in names)
        or (code == _BROKEN_PIPE and "head" in names)
    )


_OF_A_MACHINE = {"cat", "df", "journalctl", "ls", "resolvectl", "systemctl", "tail"}
"""What a tree of Debian hasn't: systemd, and logs of more than this hour."""


def asked_in_a_tree(server: ServerSpec, software: Collection[str]) -> str:
    """Shell lines that run what the pages of these entries' checks say to look at: `runbook CODE LINE`."""
    names = {check.runbook for check in server.checks if check.origin in software}
    lines = {
        line.on(server.debian): line
        for page in pages()
        if page.name in names
        for line in page.lines
        if line.place == "server" and line.part == LOOK and (not line.software or line.software in software)
    }
    return "\n".join(
        f"timeout 20 bash -o pipefail -c {shlex.quote(text)} </dev/null >/dev/null 2>&1\n"
        f"echo runbook $? {shlex.quote(text)}"
        for text in lines
        if not set(programs(text)) & _OF_A_MACHINE
    )


def ended_badly(said: Iterable[str]) -> list[str]:
    """Of what `asked_in_a_tree` printed, the lines that didn't end well."""
    found = [line.split(" ", 2) for line in said if line.startswith("runbook ")]
    assert found, "nothing of a page was run"
    return [f"{code} {text}" for _, code, text in found if not ends_well(text, int(code))]


def _lines(part: str, text: str) -> Iterator[Line]:
    for block in _BLOCK.finditer(text):
        before = [line for line in text[: block.start()].splitlines() if line.strip()]
        lead = _LEAD.search(before[-1].strip()) if before else None
        place = software = ""
        if lead is not None and lead[0] != ":":
            place = "hub" if lead["hub"] else "desk" if lead["desk"] else "server"
            software = (lead["software"] or "").lower()
        for line in block["text"].splitlines():
            command = _without_comment(line.strip())
            if command:
                others = tuple((int(release), name) for name, release in _OTHER.findall(line))
                yield Line(part, place, software, command, others)


def _without_comment(line: str) -> str:
    """Cut off what a shell takes for a comment."""
    quote = ""
    for index, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "#" and (index == 0 or line[index - 1].isspace()):
            return line[:index].strip()
    return line


def _words(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    return list(lexer)


_RESERVED = {"do", "done", "while"}


def commands(text: str) -> Iterator[list[str]]:
    """Split a line of the shell into simple commands, those in `$(…)` and after `sh -c` included."""
    current: list[str] = []
    skip = False
    for word in _words(text):
        if word and set(word) <= set("();<>|&"):
            skip = bool(set(word) & set("<>"))
            if not skip and current:
                yield current
                current = []
        elif skip:
            skip = False
        elif current or word not in _RESERVED:
            current.append(word)
            for inner in re.findall(r"\$\(([^()]*)\)", word):
                yield from commands(inner)
    if current:
        yield current


def programs(text: str) -> Iterator[str]:
    """The programs that a line starts."""
    for command in commands(text):
        yield command[0]
