"""Where the other servers of a customer are that matter to one of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from managed_server.delivery_keys import peers_key


@dataclass(frozen=True)
class PeerAddressesArgs:
    """The server that is told, and what it is told."""

    server: str
    bucket: pulumi.Input[str]
    """Of the customer's deliveries."""
    addresses: Mapping[str, pulumi.Input[str]]
    """IPv4 in the customer's own network, by the server's name."""


class PeerAddresses(pulumi.ComponentResource):
    """A small object beside the server's pointer: addresses are outputs, so that no bundle can hold them."""

    def __init__(
        self, name: str, args: PeerAddressesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("managed-server:index:PeerAddresses", name, None, opts)
        content = {server: {"ipv4": address} for server, address in args.addresses.items()}
        aws.s3.BucketObjectv2(
            f"{name}-addresses",
            bucket=args.bucket,
            key=peers_key(args.server),
            content=pulumi.Output.json_dumps(content, sort_keys=True),
            content_type="application/json",
            tags={"Name": f"{name}-addresses", "server": args.server},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
