"""KMS: the copy of a key in another region has the aliases of the first one, and shares them from then on."""

from collections.abc import Callable
from typing import Any

from moto.kms.models import KmsBackend

from managed_server.local.aws.cures.patching import replace


def _without_aliases(replicate: Callable[..., Any]) -> Callable[..., Any]:
    def replicate_key(self: Any, key_id: str, replica_region: str) -> Any:
        replica = replicate(self, key_id, replica_region)
        replica.aliases = {}
        return replica

    return replicate_key


def apply() -> None:
    """Let a region's aliases be its own, as in AWS."""
    replace(KmsBackend, "replicate_key", _without_aliases)
