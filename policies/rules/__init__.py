"""Every rule of the pack, gathered by hand: what isn't in ALL doesn't exist."""

from . import (
    account,
    backup,
    clear,
    compute,
    governance,
    identity,
    monitoring,
    network,
    paging,
    protection,
    storage,
    trail,
)
from .base import Rule
from .ended import EXCEPTION_ENDED

ALL: list[Rule] = [
    *compute.RULES,
    *network.RULES,
    *storage.RULES,
    *backup.RULES,
    *protection.RULES,
    *monitoring.RULES,
    *trail.RULES,
    *paging.RULES,
    *identity.RULES,
    *account.RULES,
    *clear.RULES,
    *governance.RULES,
]
"""What must hold; an exception may name any of them."""

POLICIES = [*ALL, EXCEPTION_ENDED]
"""What the engine runs."""
