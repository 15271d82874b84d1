"""KMS: a key of several regions can't open what it locked, where its id is cut off; copies share aliases."""

from collections.abc import Callable, Mapping
from typing import Any

from moto.kms import models, utils
from moto.kms.models import KmsBackend

from managed_server.local.aws.cures.patching import replace, require

_PREFIX = "mrk-"


def _by_what_is_left(decrypt: Callable[..., tuple[bytes, str]]) -> Callable[..., tuple[bytes, str]]:
    def opened(master_keys: Mapping[str, Any], **options: Any) -> tuple[bytes, str]:
        cut = {name[: utils.KEY_ID_LEN]: name for name in master_keys if name.startswith(_PREFIX)}
        known = {**master_keys, **{short: master_keys[name] for short, name in cut.items()}}
        plain, found = decrypt(master_keys=known, **options)
        return plain, cut.get(found, found)

    return opened


def _without_aliases(replicate: Callable[..., Any]) -> Callable[..., Any]:
    def replicate_key(self: Any, key_id: str, replica_region: str) -> Any:
        replica = replicate(self, key_id, replica_region)
        replica.aliases = {}
        return replica

    return replicate_key


def apply() -> None:
    """Know such a key by the beginning of its id, and give each region aliases of its own."""
    require(utils, "KEY_ID_LEN")
    replace(models, "decrypt", _by_what_is_left)
    replace(KmsBackend, "replicate_key", _without_aliases)
