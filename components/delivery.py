"""How a server gets its configuration: bundles by their sha256, and one pointer a server."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws

from components.private_bucket import PrivateBucket, PrivateBucketArgs
from managed_server.delivery_keys import bundle_key, pointer_key

BUNDLES = Path(".local/bundles")
"""Where bundles lie for the engine, below the program's own folder: the state keeps a bundle's path beside
its hash, and this one is the same in every clone (docs/adr/0006)."""
_NAMED_BY = 16
"""Digits of a bundle's sha256 in its resource's name: 64 bits tell any two apart."""


@dataclass(frozen=True)
class ServerDelivery:
    """What one server gets."""

    server: str
    sha256: str
    content: bytes
    pin: str | None
    """sha256 of an earlier bundle that the server must have instead."""

    @property
    def wanted(self) -> str:
        """The sha256 that the pointer names."""
        return self.pin or self.sha256


@dataclass(frozen=True)
class DeliveryArgs:
    """The bucket, and what it delivers."""

    bucket: str
    key_arn: pulumi.Input[str]
    servers: tuple[ServerDelivery, ...]


class Delivery(pulumi.ComponentResource):
    """A changed bundle is another object and a moved pointer. What was delivered once stays in the bucket."""

    bucket: pulumi.Output[str]

    def __init__(self, name: str, args: DeliveryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("managed-server:index:Delivery", name, None, opts)
        store = PrivateBucket(
            f"{name}-store",
            PrivateBucketArgs(
                bucket=args.bucket, purpose="delivery", key_arn=args.key_arn, empty_on_delete=True
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        for delivery in args.servers:
            self._deliver(name, store, delivery)
        self.bucket = store.bucket.id
        self.register_outputs({"bucket": self.bucket})

    def _deliver(self, name: str, store: PrivateBucket, delivery: ServerDelivery) -> None:
        named = f"{name}-{delivery.server}-bundle-{delivery.sha256[:_NAMED_BY]}"
        bundle = aws.s3.BucketObjectv2(
            named,
            bucket=store.bucket.id,
            key=bundle_key(delivery.server, delivery.sha256),
            source=pulumi.FileAsset(_file(delivery)),
            content_type="application/x-tar",
            tags={"Name": named, "server": delivery.server},
            # Kept when another one takes its place: going back is only a matter of the pointer.
            opts=pulumi.ResourceOptions(parent=self, depends_on=store.guards, retain_on_delete=True),
        )
        pointer = {"key": bundle_key(delivery.server, delivery.wanted), "sha256": delivery.wanted}
        aws.s3.BucketObjectv2(
            f"{name}-{delivery.server}-pointer",
            bucket=store.bucket.id,
            key=pointer_key(delivery.server),
            content=json.dumps(pointer, sort_keys=True) + "\n",
            content_type="application/json",
            tags={"Name": f"{name}-{delivery.server}-pointer", "server": delivery.server},
            # After the bundle: no server is ever pointed at what isn't there. One that it is pinned to was
            # looked up before (components/pins.py).
            opts=pulumi.ResourceOptions(parent=self, depends_on=[bundle]),
        )


def _file(delivery: ServerDelivery) -> Path:
    """Lay a bundle down for the engine, and return its path; what is there already is written anew.

    Raises:
        OSError: if it can't be written.
    """
    BUNDLES.mkdir(parents=True, exist_ok=True)
    path = BUNDLES / f"{delivery.sha256}.tar"
    # Whole or not at all: another run in this clone may be reading the same one.
    with tempfile.TemporaryDirectory(dir=BUNDLES, prefix=".") as folder:
        new = Path(folder, path.name)
        new.write_bytes(delivery.content)
        new.replace(path)
    return path
