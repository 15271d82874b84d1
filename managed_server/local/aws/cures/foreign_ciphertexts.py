"""KMS: what the real KMS encrypted can't be opened, so a stack with a key there can't be tried here."""

import hashlib
import re
from collections.abc import Callable
from typing import Any

from moto.kms.models import KmsBackend

from managed_server.local.aws.cures.patching import replace

# moto's ciphertexts begin with the id of a key as text; those of KMS are binary.
_KEY_ID = re.compile(rb"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f-]{32})")
_ELSEWHERE = "arn:aws:kms:us-east-1:000000000000:key/elsewhere"


def _opening(decrypt: Callable[..., tuple[bytes, str]]) -> Callable[..., tuple[bytes, str]]:
    """Answer with a key made of the ciphertext: the state of a local AWS, for which it is, guards nothing."""

    def opened(self: Any, ciphertext_blob: bytes, *args: Any, **more: Any) -> tuple[bytes, str]:
        if _KEY_ID.match(ciphertext_blob):
            return decrypt(self, ciphertext_blob, *args, **more)
        return hashlib.sha256(ciphertext_blob).digest(), _ELSEWHERE

    return opened


def apply() -> None:
    """Open what another KMS encrypted."""
    replace(KmsBackend, "decrypt", _opening)
