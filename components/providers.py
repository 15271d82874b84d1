"""The AWS providers: explicit, each in one region of one account, by the role that deploys assume there."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True)
class ProviderArgs:
    """Where a provider works, and as whom."""

    customer: str
    """Customer id; also the stack's name."""
    account_id: str
    """The only account that the provider may work in: wrong credentials stop before anything is made."""
    region: str
    deploy_role: str
    """Name of the role in that account (provider.yaml)."""


def default_tags(customer: str) -> dict[str, str]:
    """Return the tags that every resource of a customer carries; the policies require each of them."""
    return {"customer": customer, "managed-by": "managed-server", "stack": customer}


def aws_provider(name: str, args: ProviderArgs, opts: pulumi.ResourceOptions | None = None) -> aws.Provider:
    """Return a provider; the credentials that assume its role come from the environment."""
    # The Args classes: a provider's settings as plain dictionaries would be dropped without a word.
    return aws.Provider(
        name,
        region=args.region,
        allowed_account_ids=[args.account_id],
        assume_roles=[
            aws.ProviderAssumeRoleArgs(role_arn=f"arn:aws:iam::{args.account_id}:role/{args.deploy_role}")
        ],
        default_tags=aws.ProviderDefaultTagsArgs(tags=default_tags(args.customer)),
        opts=opts,
    )
