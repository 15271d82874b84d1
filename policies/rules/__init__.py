"""Every rule of the pack, gathered by hand: what isn't in ALL doesn't exist."""

from pulumi_policy import Policy

from . import backup, compute, governance, identity, monitoring, network, protection, storage

ALL: list[Policy] = [
    *compute.RULES,
    *network.RULES,
    *storage.RULES,
    *backup.RULES,
    *protection.RULES,
    *monitoring.RULES,
    *identity.RULES,
    *governance.RULES,
]
