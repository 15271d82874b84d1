"""The image that a server starts from."""

import pulumi
import pulumi_aws as aws

from managed_server.spec import ServerSpec

_ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}
"""EC2's words for Debian's."""


def image_ids(servers: tuple[ServerSpec, ...], provider: aws.Provider) -> dict[str, pulumi.Output[str]]:
    """The newest image for each server, by owner and name; servers that share one share the look-up."""
    found: dict[tuple[str, str, str], pulumi.Output[str]] = {}
    result = {}
    for server in servers:
        wanted = (server.image_owner, server.image_name, server.architecture)
        if wanted not in found:
            found[wanted] = _image_id(*wanted, provider)
        result[server.name] = found[wanted]
    return result


def _image_id(owner: str, name: str, architecture: str, provider: aws.Provider) -> pulumi.Output[str]:
    filters = {
        "name": name,
        "architecture": _ARCHITECTURES[architecture],
        "virtualization-type": "hvm",
        "root-device-type": "ebs",
    }
    image = aws.ec2.get_ami_output(
        owners=[owner],
        most_recent=True,
        filters=[
            aws.ec2.GetAmiFilterArgs(name=filter_name, values=[value])
            for filter_name, value in filters.items()
        ],
        opts=pulumi.InvokeOptions(provider=provider),
    )
    image_id: pulumi.Output[str] = image.id
    return image_id
