"""Whether a bundle that a server is pinned to is there at all: asked before anything is made."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.delivery import ServerDelivery
from managed_server.delivery_keys import bundle_key
from managed_server.spec import CustomerSpec


def refuse_what_is_not_there(
    customer: CustomerSpec, deliveries: Sequence[ServerDelivery], provider: aws.Provider
) -> None:
    """Stop the program, also in a preview, where a pointer would name what was never delivered.

    A server that stands would keep its bundle and raise an alert, and a new one would never converge.

    Args:
        customer: whose servers they are.
        deliveries: to all of them.
        provider: of the region in which the bucket is.

    Raises:
        pulumi.RunError: with all pins that are wrong.
    """
    bucket, wrong = customer.delivery_bucket, []
    for each in deliveries:
        key = bundle_key(each.server, each.wanted)
        # What this very run delivers need not be there before.
        if each.wanted != each.sha256 and not _is_there(bucket, key, provider):
            wrong.append(
                f"{customer.stack_file}: servers.{each.server}.pin: no such bundle was ever delivered: there "
                f"is no {key} in the bucket {bucket}. Write the sha256 of one that is there (`aws s3 ls "
                f"s3://{bucket}/{key.rpartition('/')[0]}/` lists them), or take the line out"
            )
    if wrong:
        raise pulumi.RunError("\n".join(wrong))


def _is_there(bucket: str, key: str, provider: aws.Provider) -> bool:
    try:
        found = aws.s3.get_objects(bucket=bucket, prefix=key, opts=pulumi.InvokeOptions(provider=provider))
    except Exception as error:  # Pulumi has no class of its own for what a provider answers
        if "NoSuchBucket" in str(error):
            return False  # it is yet to be made
        raise
    return key in found.keys
