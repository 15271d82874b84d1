"""Finds what looks like a secret in a file that everybody reads: by its form, or by the name of its key.

What is found is never shown, and nothing else is said of such a file: another message might quote it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from managed_server.problems import Problem

# Forms that nothing has by chance. The prefixes are those that the issuers document, for scanners to find.
_FORMS = (
    ("a private key", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*"),
    ("a private key", r"PuTTY-User-Key-File-[0-9].*|AGE-SECRET-KEY-1[0-9A-Z]{20,}"),
    ("an AWS access key", r"(?<![A-Z0-9])A[KS]IA[A-Z2-7]{16}(?![A-Z0-9])"),
    ("a token of GitHub", r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})"),
    ("a token of GitLab", r"\bgl(?:pat|dt|rt|cbt|ptt|soat)-[A-Za-z0-9_-]{20,}"),
    ("a token of Slack", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("a token of Pulumi", r"\bpul-[0-9a-f]{40}\b"),
    ("a key of Stripe", r"\b[rs]k_live_[A-Za-z0-9]{16,}"),
    ("a key of Google", r"\bAIza[A-Za-z0-9_-]{35}\b"),
    ("a web token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*"),
    ("a password's hash", r"(?<!\S)\$(?:1|2[abxy]|5|6|7|y|gy|apr1|argon2(?:i|d|id))\$\S{10,}"),
    ("a password in a URL", r"\b[a-z][a-z0-9+.-]*://[^\s/@:'\"]+:[^\s/@'\"]+@"),
)

# A key whose value would be one, also in a comment and within braces; `secretsprovider`, `encryptedkey` and
# `secrets:` of Pulumi and the catalogue are other words.
_NAMED = re.compile(
    r"""(?:^|[\s{,"'#:])                                  # a word of its own, or the end of a longer one
        (?P<name>(?:[A-Za-z0-9]+[_-])*
          (?:password|passwd|pwd|passphrase|secret|token|credential|api[_-]?key|access[_-]?key
             |secret[_-]?key|private[_-]?key|aws[_-]?secret[_-]?access[_-]?key))
        ["']?\s*[:=]\s*
        (?:"[^"]+"|'[^']+'|[^\s"',}\#])""",
    re.VERBOSE | re.IGNORECASE,
)
_FOUND_BY_FORM = tuple((what, re.compile(form)) for what, form in _FORMS)


def secrets_in(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line that holds what looks like a secret, and what that is."""
    for number, line in enumerate(text.splitlines(), 1):
        if what := next((what for what, form in _FOUND_BY_FORM if form.search(line)), None):
            yield number, what
        elif named := _NAMED.search(line):
            yield number, f"the value of {named['name']!r}"


def problems_of(path: Path, name: str) -> list[Problem]:
    """Return a problem for each line of a file that holds what looks like a secret."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # whoever reads the file next says so
        return []
    return [
        Problem(
            name,
            line,
            "",
            f"looks like {what}: no secret belongs in a file that is committed. Take it out, and have it "
            "replaced wherever it is in use; a stack makes its secrets itself (docs/operate.md). What else "
            "is wrong with the file is said then",
        )
        for line, what in secrets_in(text)
    ]
