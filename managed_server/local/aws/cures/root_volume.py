"""EC2: an instance whose launch doesn't describe its root volume gets none by the name of its image's."""

from collections.abc import Callable
from typing import Any

from moto.ec2.models.instances import InstanceBackend

from managed_server.local.aws.cures.patching import replace


def _root_mapping(image: Any) -> dict[str, Any]:
    mapping = next(m for m in image.block_device_mappings if m["DeviceName"] == image.root_device_name)
    ebs = {key: mapping["Ebs"].get(key) for key in ("VolumeSize", "VolumeType", "DeleteOnTermination")}
    return {"DeviceName": mapping["DeviceName"], "Ebs": ebs}


def _with_root(run: Callable[..., Any]) -> Callable[..., Any]:
    def run_instances(self: Any, image_id: str, *arguments: Any, **options: Any) -> Any:
        image = self.amis.get(image_id)
        mappings = options.get("block_device_mappings") or []
        if image and image.root_device_name not in [mapping["DeviceName"] for mapping in mappings]:
            options["block_device_mappings"] = [_root_mapping(image), *mappings]
        return run(self, image_id, *arguments, **options)

    return run_instances


def apply() -> None:
    """Take the root volume from the image, as AWS does, unless the launch describes it."""
    replace(InstanceBackend, "run_instances", _with_root)
