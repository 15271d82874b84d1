"""What of a server is outside the service level agreement: installed and patched, and nobody is woken for it.

Every report that says what a server has says this of it, in these words.
"""

from dataclasses import dataclass
from typing import Any, Literal

from managed_server import spec

_UNSUPPORTED = "not on the contract's list of supported software"


@dataclass(frozen=True, slots=True)
class Outside:
    """Something that the provider installs and patches, and that is the customer's own responsibility."""

    kind: Literal["software", "package"]
    id: str
    title: str
    why: str
    checks: tuple[str, ...] = ()
    """Names of its checks, whose priorities wake nobody."""

    def __str__(self) -> str:
        return f"{self.title} ({'unsupported package' if self.kind == 'package' else self.why})"

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "kind": self.kind,
            "id": self.id,
            "title": self.title,
            "why": self.why,
            "checks": list(self.checks),
        }


def outside(server: spec.ServerSpec) -> tuple[Outside, ...]:
    """Return the software of a server that the contract doesn't list, and the customer's other packages."""
    return (
        *(
            Outside(
                "software",
                entry.id,
                entry.title,
                entry.outside,
                tuple(check.name for check in server.checks if check.origin == entry.id),
            )
            for entry in server.entries
            if entry.outside is not None
        ),
        *(Outside("package", name, name, _UNSUPPORTED) for name in server.unsupported_packages),
    )
