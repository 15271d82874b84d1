"""The stack file of one customer: what was bought, who uses it and who may connect."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from managed_server.model.base import Bool, Int, Model
from managed_server.model.contract import AgreedObjectives
from managed_server.model.exceptions import PolicyException
from managed_server.model.fragment import LONGEST_EMAIL, MOST_CONTACTS
from managed_server.model.regions import Region
from managed_server.model.types import (
    AccountId,
    AdminCidr,
    ClockTime,
    CustomerId,
    Date,
    Email,
    EntryId,
    HostName,
    InstanceType,
    NetworkId,
    PackageName,
    Phone,
    PrivateAddress,
    ReachableAddress,
    ServerName,
    Sha256,
    SshPublicKey,
    SubnetId,
    Text,
    UserName,
)

SettingValue = Bool | Int | str


class Term(Model):
    """The customer's contract: its start, its length, and objectives that were agreed apart."""

    start: Date
    term_months: Annotated[Int, Field(ge=1, le=1200)] = Field(
        description="months; the terms' minimum is in contract/"
    )
    objectives: AgreedObjectives = AgreedObjectives()


class Baseline(Model):
    """What the stack sets for its account as a whole; ``false`` for what the account has of its own."""

    ebs_encryption: Bool = Field(default=True, description="new disks are encrypted, with the customer's key")
    instance_metadata: Bool = Field(default=True, description="new instances answer IMDSv2 alone")
    public_access_block: Bool = Field(default=True, description="no bucket of the account becomes public")
    password_policy: Bool = Field(default=True, description="of IAM users")
    access_analyzer: Bool = Field(
        default=True, description="says what of the account somebody outside can reach"
    )
    trail: Bool = Field(default=True, description="CloudTrail, with alarms (catalogue/account-alarms.yaml)")


class Network(Model):
    """The network of the servers: one of the stack's own, unless the account has one for them."""

    vpc_id: NetworkId | None = Field(default=None, description="a network that stands; with subnet_id")
    subnet_id: SubnetId | None = Field(
        default=None, description="of that network, with a way to the internet"
    )
    ipv6: Bool = Field(default=False, description="an IPv6 address for each server beside its IPv4 one")

    @model_validator(mode="after")
    def _both_or_none(self) -> "Network":
        if (self.vpc_id is None) != (self.subnet_id is None):
            raise ValueError("vpc_id and subnet_id belong together: give both, or neither for a new network")
        return self


class Aws(Model):
    """The customer's own AWS account and the two regions that are used in it."""

    account_id: AccountId
    region: Region
    backup_region: Region = Field(description="where off-site backups go: never the servers' own region")
    backup_account_id: AccountId | None = Field(
        default=None, description="the account of the off-site backups, where that is another one"
    )
    network: Network = Network()
    baseline: Baseline = Baseline()
    shares_account_with: CustomerId | None = Field(
        default=None, description="the stack of the same account that sets what holds for all of it"
    )


class Contact(Model):
    """A person at the customer who is told about incidents."""

    name: Text
    email: Annotated[Email, Field(max_length=LONGEST_EMAIL)]
    phone: Phone | None = None


class Access(Model):
    """Who may connect to administrative ports, besides the provider."""

    ssh_from: tuple[AdminCidr, ...] = Field(
        default=(), description="networks of the customer's administrators"
    )


class User(Model):
    """A person's account on every server of the customer."""

    admin: Bool = Field(default=False, description="full sudo")
    keys: tuple[SshPublicKey, ...] = Field(min_length=1, description="SSH public keys; passwords are refused")
    expires: Date | None = Field(default=None, description="last day on which the account can log in")


class Maintenance(Model):
    """The weekly window in which upgrades may restart services and, if needed, the server (UTC)."""

    day: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    time: ClockTime
    reboot: Literal["if-needed", "never"]


class Machine(Model):
    """What a machine that isn't on AWS has; of EC2's types, catalogue/instance-types.yaml says it."""

    vcpus: Annotated[Int, Field(ge=1, le=1024)] = Field(description="processors, as the machine counts them")
    memory_mb: Annotated[Int, Field(ge=256, le=16_777_216)] = Field(description="MiB")
    architecture: Literal["amd64", "arm64"] = "amd64"


class Server(Model):
    """One managed server."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"hosting": {"const": "elsewhere"}}, "required": ["hosting"]},
            "then": {
                "required": ["address", "machine"],
                "not": {"anyOf": [{"required": [key]} for key in ("instance_type", "data_gb")]},
            },
            "else": {
                "required": ["instance_type"],
                "not": {"anyOf": [{"required": [key]} for key in ("address", "private_address", "machine")]},
            },
        }
    )

    hosting: Literal["aws", "elsewhere"] = Field(
        default="aws", description="elsewhere: another cloud, a rack or a private cloud of the customer's"
    )
    instance_type: InstanceType | None = Field(default=None, description="of EC2; on AWS alone")
    address: ReachableAddress | None = Field(
        default=None, description="elsewhere: IPv4 address or name by which hub and administrators reach it"
    )
    private_address: PrivateAddress | None = Field(
        default=None, description="elsewhere: IPv4 by which its peers know it, in a network of the customer's"
    )
    machine: Machine | None = Field(default=None, description="elsewhere: what the machine has")
    disk_gb: Annotated[Int, Field(ge=8, le=16384)] = Field(description="size of the root volume, GiB")
    data_gb: Annotated[Int, Field(ge=1, le=16384)] | None = Field(
        default=None, description="size of a protected volume of its own for data, GiB; on AWS alone"
    )
    debian: Int = Field(default=13, description="Debian release; a machine refuses a bundle for another one")
    software: tuple[str, ...] = Field(min_length=1, description="ids of catalogue/software")
    settings: dict[str, dict[str, SettingValue]] = Field(
        default={}, description="settings of software and tools that differ from their catalogue defaults"
    )
    sites: tuple[HostName, ...] = ()
    served_by: tuple[EntryId, ...] = Field(
        default=(),
        description="of several software that could answer for the sites behind another, which does",
    )
    peers: tuple[ServerName, ...] = Field(
        default=(), description="servers of this customer that may reach what software offers to peers"
    )
    behind: tuple[ServerName, ...] = Field(
        default=(),
        description="servers of this customer that pass web requests on to this one: it believes them",
    )
    unsupported_packages: tuple[PackageName, ...] = Field(
        default=(), description="Debian packages, outside the SLA"
    )
    maintenance: Maintenance = Maintenance(day="sunday", time="07:00", reboot="if-needed")
    pin: Sha256 | None = Field(default=None, description="sha256 of an earlier bundle to go back to")
    resize: Date | None = Field(
        default=None, description="day (UTC) on which it may be stopped for another instance_type"
    )
    retire: Bool = Field(default=False, description="it leaves: `managed retire` ends it")


class Customer(Model):
    """A customer: the value of ``managed-server:customer`` in a stack file."""

    name: Text
    contract: Term
    hub: EntryId
    aws: Aws
    contacts: tuple[Contact, ...] = Field(min_length=1, max_length=MOST_CONTACTS)
    access: Access = Access()
    users: dict[UserName, User] = {}
    servers: dict[ServerName, Server] = Field(min_length=1)
    exceptions: tuple[PolicyException, ...] = Field(
        default=(), description="what a resource is let off of the policies, and until when"
    )
    retire: Bool = Field(default=False, description="the customer leaves: `managed retire` ends all servers")

    def leaves(self, server: str) -> bool:
        """Tell whether a server is to be no more, by itself or with the customer."""
        return self.retire or self.servers[server].retire


class StackConfig(Model):
    """The ``config:`` section of a stack file."""

    customer: Customer = Field(alias="managed-server:customer")


class StackFile(Model):
    """``stacks/Pulumi.<customer>.yaml``; the keys beside ``config`` are Pulumi's own."""

    config: StackConfig
    encryptionsalt: str | None = Field(
        default=None, description="written by Pulumi for a passphrase provider"
    )
    secretsprovider: str | None = Field(
        default=None, description="Pulumi's secrets provider, such as awskms://…"
    )
    encryptedkey: str | None = Field(default=None, description="written by Pulumi for a KMS secrets provider")
