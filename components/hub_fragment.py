"""What a server contributes to its hub, put into the hub's own account by the customer's stack."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.fleet_bucket import address_key, fragment_key


@dataclass(frozen=True)
class HubFragmentArgs:
    """A server, and its hub's bucket."""

    bucket: str
    customer: str
    server: str
    account_id: str
    """Of the server: the hub takes its certificate from no other account."""
    fragment: str
    """JSON (managed_server/model/fragment.py)."""
    address: Mapping[str, pulumi.Input[str]]
    """Its ``ipv4``, or the ``name`` by which it is reached (managed_server/model/fragment.py)."""
    after: tuple[pulumi.Resource, ...] = ()
    """What must stand before something is put into the bucket, where the same stack makes it."""


class HubFragment(pulumi.ComponentResource):
    """Two small objects: removing the server removes them, and the hub watches it no more.

    The address is apart: it is an output, and the fragment isn't. So a fragment can be reviewed offline.
    """

    def __init__(self, name: str, args: HubFragmentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("managed-server:index:HubFragment", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, depends_on=args.after)
        address = {"account_id": args.account_id, **args.address}
        for part, key, content in (
            ("fragment", fragment_key(args.customer, args.server), args.fragment),
            (
                "address",
                address_key(args.customer, args.server),
                pulumi.Output.json_dumps(address, sort_keys=True),
            ),
        ):
            aws.s3.BucketObjectv2(
                f"{name}-{part}",
                bucket=args.bucket,
                key=key,
                content=content,
                content_type="application/json",
                tags={"Name": f"{name}-{part}", "server": args.server},
                opts=child,
            )
        self.register_outputs({})
