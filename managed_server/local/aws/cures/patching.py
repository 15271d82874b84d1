"""How cures change moto: by name, and loudly when moto is not what they were written for."""

from collections.abc import Callable
from typing import Any


class PatchTargetError(RuntimeError):
    """What a cure patches is gone, or what it adds is there already: moto has changed."""


def _label(owner: Any, name: str) -> str:
    return (
        f"{getattr(owner, '__module__', '')}.{getattr(owner, '__qualname__', owner.__name__)}.{name}".lstrip(
            "."
        )
    )


def replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Replace attribute `name`, defined by `owner` itself (class or module), by `make(original)`.

    Raises:
        PatchTargetError: `owner` doesn't define it (an inherited attribute doesn't count).
    """
    if name not in vars(owner):
        raise PatchTargetError(f"moto no longer defines {_label(owner, name)}, which a cure patches")
    setattr(owner, name, make(vars(owner)[name]))


def add(owner: Any, name: str, value: Any) -> None:
    """Add attribute `name`, which moto lacks, to `owner`.

    Raises:
        PatchTargetError: `owner` has it, so the cure may not be needed any more.
    """
    if hasattr(owner, name):
        raise PatchTargetError(f"moto now has {_label(owner, name)}: the cure that adds it may be dropped")
    setattr(owner, name, value)


def require(owner: Any, *names: str) -> None:
    """Refuse to start when `owner` lacks one of `names`, which a cure calls.

    Raises:
        PatchTargetError: one is missing.
    """
    for name in names:
        if not hasattr(owner, name):
            raise PatchTargetError(f"moto no longer has {_label(owner, name)}, which a cure uses")
