"""``provider.yaml``: the company that runs the service."""

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, Field

from managed_server.model.base import Model
from managed_server.model.regions import Region
from managed_server.model.types import (
    AccountId,
    Address,
    AdminCidr,
    CustomerId,
    Email,
    HostName,
    IpAddress,
    Phone,
    Text,
    _pattern,
)

RoleName = Annotated[str, AfterValidator(_pattern(r"[A-Za-z0-9+=,.@_-]{1,64}", "the name of an IAM role"))]

# AWS Organizations API reference, Organization, Id.
OrganizationId = Annotated[
    str, AfterValidator(_pattern(r"o-[a-z0-9]{10,32}", "the id of an AWS organization: o-exampleorg1"))
]


def _of_family(version: int) -> Callable[[Address], Address]:
    def check(address: Address) -> Address:
        if address.version != version:
            raise ValueError(f"{address} is no IPv{version} address")
        return address

    return check


class Support(Model):
    """How a customer reaches the provider; a ticket always comes first."""

    email: Email
    phone: Phone
    portal: Text


class Notify(Model):
    """Where alarms go, by how fast people must act."""

    page: Email = Field(description="opens an urgent ticket and wakes the engineer on call")
    ticket: Email = Field(description="opens a ticket that is answered in working hours")


class Networks(Model):
    """The provider's own networks, from which its engineers connect to administrative ports."""

    offices: tuple[AdminCidr, ...]
    vpn: tuple[AdminCidr, ...]


class Mail(Model):
    """Where servers hand over their mail: a relay that knows them by their addresses (port: tools/mail)."""

    relay: HostName


class Hub(Model):
    """A monitoring machine of the provider; its addresses are allocated once and recorded here."""

    ipv4: Annotated[IpAddress, AfterValidator(_of_family(4))]
    ipv6: Annotated[IpAddress, AfterValidator(_of_family(6))] | None = None
    account_id: AccountId
    region: Region


class Provider(Model):
    """The provider."""

    name: Text
    support: Support
    notify: Notify
    mail: Mail
    networks: Networks
    deploy_role: RoleName = Field(description="role in every customer's account that deploys assume")
    organization: OrganizationId = Field(
        description="AWS organization of all accounts: its machines alone may write to a hub's fleet bucket"
    )
    hubs: dict[CustomerId, Hub] = Field(
        min_length=1, description="by the name of its stack: a hub is a managed server in a stack of its own"
    )
