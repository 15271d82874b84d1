"""EC2: moto ships no Debian image (and some hundred others, which cost time in every account and region).

The seed is `images.json`. As in AWS, an image has one id in all accounts, and another in every region.
"""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from moto.core.parse import default_timestamp_parser
from moto.ec2.models.amis import Ami, AmiBackend

from managed_server.local.aws.cures.patching import replace, require

SEED = Path(__file__).parent.parent / "images.json"


@cache
def seed() -> dict[str, Any]:
    """The images of `images.json`, as they stand there."""
    return dict(json.loads(SEED.read_text(encoding="utf-8")))


def image_id(region: str, name: str) -> str:
    """The id of the seeded image `name` in `region`: `ami-` and 17 hexadecimal digits."""
    return "ami-0" + hashlib.sha256(f"{region}/{name}".encode()).hexdigest()[:16]


class SeededImage(Ami):  # type: ignore[misc]  # moto carries no types
    """An image whose root volume is described as AWS describes it (moto's is 15 GiB, magnetic, and kept)."""

    @property
    def block_device_mappings(self) -> list[dict[str, Any]]:
        """The root volume: GiB, deleted with its instance."""
        ebs = {
            "SnapshotId": self.ebs_snapshot.id,
            "VolumeSize": seed()["root_volume_gib"],
            "VolumeType": "gp3",
            "DeleteOnTermination": True,
            "Encrypted": False,
        }
        return [{"DeviceName": self.root_device_name, "Ebs": ebs}]


def _load_amis(self: Any) -> None:
    for image in seed()["images"]:
        identity = image_id(self.region_name, image["name"])
        self.amis[identity] = SeededImage(
            self,
            ami_id=identity,
            owner_id=seed()["owner_id"],
            owner_alias=seed()["owner_alias"],
            image_location=f"{seed()['owner_alias']}/{image['name']}",
            region_name=f"{self.region_name}a",
            **{
                **seed()["common"],
                **image,
                "creation_date": default_timestamp_parser(image["creation_date"]),
            },
        )


def apply() -> None:
    """Load the seed into each backend, that is each account and region, instead of moto's own lists."""
    require(Ami, "block_device_mappings")
    replace(AmiBackend, "_load_amis", lambda _: _load_amis)
