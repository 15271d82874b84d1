"""EC2: ModifyInstanceMetadataOptions forgets every option that the call doesn't name; AWS keeps them."""

from collections.abc import Callable
from typing import Any

from moto.ec2.models.instances import InstanceBackend

from managed_server.local.aws.cures.patching import replace

# Parameter of moto's function -> attribute of its MetadataOptions.
OPTIONS = {
    "http_tokens": "http_tokens",
    "hop_limit": "http_put_response_hop_limit",
    "http_endpoint": "http_endpoint",
    "http_protocol": "http_protocol_ipv6",
    "metadata_tags": "instance_metadata_tags",
}


def _keeping_the_rest(modify: Callable[..., Any]) -> Callable[..., Any]:
    def modify_instance_metadata_options(self: Any, instance_id: str, **options: Any) -> Any:
        present = self.get_instance(instance_id).metadata_options
        for parameter, attribute in OPTIONS.items():
            if options.get(parameter) is None:
                options[parameter] = getattr(present, attribute)
        return modify(self, instance_id=instance_id, **options)

    return modify_instance_metadata_options


def apply() -> None:
    """Fill what the call leaves out with what the instance has."""
    replace(InstanceBackend, "modify_instance_metadata_options", _keeping_the_rest)
