"""EC2: of a volume that was changed twice each change is told, not the last: a provider waits in vain."""

from collections.abc import Callable
from typing import Any

from moto.ec2.models.elastic_block_store import EBSBackend

from managed_server.local.aws.cures.patching import replace


def _last(describe: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    def last_of_each(self: Any, *args: Any, **more: Any) -> list[Any]:
        return list({change.volume.id: change for change in describe(self, *args, **more)}.values())

    return last_of_each


def apply() -> None:
    """Tell the most recent one of each volume (EC2 API reference, DescribeVolumesModifications)."""
    replace(EBSBackend, "describe_volumes_modifications", _last)
