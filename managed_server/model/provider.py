"""``provider.yaml``: the company that runs the service."""

from typing import Annotated

from pydantic import AfterValidator, Field

from managed_server.model.base import Model
from managed_server.model.types import (
    AccountId,
    AdminCidr,
    Email,
    EntryId,
    IpAddress,
    Phone,
    Region,
    Text,
    _pattern,
)

RoleName = Annotated[str, AfterValidator(_pattern(r"[A-Za-z0-9+=,.@_-]{1,64}", "the name of an IAM role"))]


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


class Hub(Model):
    """A monitoring machine of the provider; its addresses are allocated once and recorded here."""

    ipv4: IpAddress
    ipv6: IpAddress | None = None
    account_id: AccountId
    region: Region


class Provider(Model):
    """The provider."""

    name: Text
    support: Support
    notify: Notify
    networks: Networks
    deploy_role: RoleName = Field(description="role in every customer's account that deploys assume")
    hubs: dict[EntryId, Hub] = Field(min_length=1)
