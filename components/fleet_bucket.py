"""What a hub knows of its fleet: a bucket in its account, into which customers' stacks and machines write.

``fragments/<customer>/<server>.json`` and ``addresses/<customer>/<server>.json`` are written by deploys of
customers' stacks; ``machines/<account>/<customer>-<server>/nrpe.pem`` by the machine itself;
``hub/nrpe.pem`` by the hub. The policy names no customer: the hub's stack stays as it is whoever comes.
"""

from dataclasses import dataclass

import pulumi

from components.documents import Statement
from components.private_bucket import PrivateBucket, PrivateBucketArgs
from managed_server.spec import Hub


def fragment_key(customer: str, server: str) -> str:
    """Return the key of what a server contributes to its hub."""
    return f"fragments/{customer}/{server}.json"


def address_key(customer: str, server: str) -> str:
    """Return the key of a server's address."""
    return f"addresses/{customer}/{server}.json"


def machine_statements(hub: Hub, account_id: str, host_name: str) -> list[Statement]:
    """Return what a machine may do in its hub's fleet bucket: show its certificate, and read the hub's."""
    bucket = f"arn:aws:s3:::{hub.fleet_bucket}"
    return [
        {
            "Sid": "ShowCertificate",
            "Effect": "Allow",
            "Action": "s3:PutObject",
            "Resource": f"{bucket}/machines/{account_id}/{host_name}/nrpe.pem",
        },
        {
            "Sid": "HubCertificate",
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": f"{bucket}/hub/nrpe.pem",
        },
    ]


def hub_statements(hub: Hub, topics_key_arn: pulumi.Input[str]) -> list[Statement]:
    """Return what a hub's own machine may do, besides: read its fleet, show itself, and page."""
    bucket = f"arn:aws:s3:::{hub.fleet_bucket}"
    return [
        {
            "Sid": "ReadFleet",
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": [f"{bucket}/{prefix}/*" for prefix in ("addresses", "fragments", "hub", "machines")],
        },
        {"Sid": "ListFleet", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket},
        {"Sid": "ShowHub", "Effect": "Allow", "Action": "s3:PutObject", "Resource": f"{bucket}/hub/nrpe.pem"},
        {"Sid": "Page", "Effect": "Allow", "Action": "sns:Publish", "Resource": hub.page_topic},
        {
            # SNS guide, Key management: a publisher to an encrypted topic needs both.
            "Sid": "EncryptPage",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": topics_key_arn,
            "Condition": {"StringEquals": {"kms:ViaService": f"sns.{hub.region}.amazonaws.com"}},
        },
    ]


@dataclass(frozen=True)
class FleetBucketArgs:
    """The hub, and the AWS organization whose machines it may watch."""

    hub: Hub
    organization: str


class FleetBucket(pulumi.ComponentResource):
    """The bucket. Encrypted with S3's own keys: writers of other accounts have no right to the hub's."""

    bucket: pulumi.Output[str]
    guards: tuple[pulumi.Resource, ...]
    """What must stand before an object is put into it."""

    def __init__(self, name: str, args: FleetBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("managed-server:index:FleetBucket", name, None, opts)
        store = PrivateBucket(
            f"{name}-store",
            PrivateBucketArgs(
                bucket=args.hub.fleet_bucket,
                purpose="fleet",
                key_arn=None,
                statements=_of_the_organization(args),
                empty_on_delete=True,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.bucket, self.guards = store.bucket.id, tuple(store.guards)
        self.register_outputs({"bucket": self.bucket})


def _of_the_organization(args: FleetBucketArgs) -> tuple[Statement, ...]:
    """Return what machines of the organization's accounts may do; each account below its own prefix."""
    bucket = f"arn:aws:s3:::{args.hub.fleet_bucket}"
    ours = {"StringEquals": {"aws:PrincipalOrgID": args.organization}}
    return (
        {
            "Sid": "OwnCertificates",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": "s3:PutObject",
            "Resource": f"{bucket}/machines/${{aws:PrincipalAccount}}/*",
            "Condition": ours,
        },
        {
            "Sid": "HubCertificate",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": "s3:GetObject",
            "Resource": f"{bucket}/hub/*",
            "Condition": ours,
        },
    )
