"""The fully resolved description of a customer: frozen, and nothing left to a default.

Templates and components read these and nothing else. All collections are tuples in a stable order.
"""

import datetime
from dataclasses import dataclass
from typing import Any

from managed_server.model.catalogue_items import Log, MuninPlugin
from managed_server.model.contract import Priority
from managed_server.model.exceptions import PolicyException
from managed_server.model.types import is_ipv4
from managed_server.spec_account import AccountAlarm, Baseline
from managed_server.spec_machine import (
    AptSource,
    DataMount,
    DataUser,
    DataVolume,
    Directory,
    Dump,
    File,
    Link,
    Process,
    Removed,
    Secret,
    Setup,
    Timer,
    Unit,
)
from managed_server.spec_monitoring import Alarm, Check, CloudWatch, Heartbeat
from managed_server.spec_network import Listen, Network, Rule

__all__ = [
    "AccountAlarm",
    "Alarm",
    "AptSource",
    "Baseline",
    "Check",
    "CloudWatch",
    "Contact",
    "CustomerSpec",
    "DataMount",
    "DataUser",
    "DataVolume",
    "Directory",
    "Dump",
    "EntrySpec",
    "File",
    "Heartbeat",
    "Hub",
    "Link",
    "Listen",
    "Maintenance",
    "Memory",
    "Network",
    "Process",
    "Provider",
    "Removed",
    "Response",
    "Rule",
    "Secret",
    "ServerSpec",
    "Setup",
    "Timer",
    "Unit",
    "User",
]


@dataclass(frozen=True, slots=True)
class Hub:
    """The monitoring machine that watches the customer."""

    id: str
    ipv4: str
    ipv6: str | None
    account_id: str
    region: str

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its addresses, IPv4 first."""
        return (self.ipv4,) if self.ipv6 is None else (self.ipv4, self.ipv6)

    @property
    def fleet_bucket(self) -> str:
        """Bucket of the servers' fragments and certificates, in the hub's account and region."""
        return f"ms-{self.id}-fleet-{self.account_id}-{self.region}"

    @property
    def page_topic(self) -> str:
        """ARN of the topic of its own stack that wakes a person."""
        return f"arn:aws:sns:{self.region}:{self.account_id}:{self.id}-alarms-page"


@dataclass(frozen=True, slots=True)
class Provider:
    """What templates and components need of the provider."""

    name: str
    support_email: str
    support_phone: str
    support_portal: str
    page_email: str
    ticket_email: str
    mail_relay: str
    organization: str
    networks: tuple[str, ...]
    deploy_role: str


@dataclass(frozen=True, slots=True)
class Response:
    """How soon a ticket of one priority is answered, and what the customer may do then."""

    priority: Priority
    minutes: int | None
    """On the clock, day and night."""
    working_days: int | None
    """Where it isn't counted on the clock; neither is given where a time is agreed for each request."""
    phone: bool
    """Whether the customer may telephone once that time has passed."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A person at the customer."""

    name: str
    email: str
    phone: str | None


@dataclass(frozen=True, slots=True)
class User:
    """A person's account on the servers."""

    name: str
    admin: bool
    keys: tuple[str, ...]
    expires: datetime.date | None
    groups: tuple[str, ...] = ()
    """What a server's entries say of the groups that users belong to."""


@dataclass(frozen=True, slots=True)
class EntrySpec:
    """A software or tool on one server: its title, and the values that its templates may use."""

    id: str
    title: str
    software: bool
    """Chosen by the customer; else a tool, which comes with the service."""
    outside: str | None
    """Why it is under no service level agreement; None where it is."""
    installable: bool
    facts: dict[str, Any]
    packages: tuple[str, ...]
    fulfils: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """What an entry's processes take, as they are set."""

    origin: str
    purpose: str
    mb: int


@dataclass(frozen=True, slots=True)
class Maintenance:
    """The weekly window (UTC)."""

    day: str
    time: str
    reboot: str


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """One server."""

    name: str
    host_name: str
    hosting: str
    instance_type: str
    """Of EC2; empty for a server that is hosted elsewhere."""
    address: str
    """IPv4 or name of a server that is hosted elsewhere; empty for one on AWS, until that stands."""
    private_address: str
    """IPv4 by which its peers know a server that is hosted elsewhere; empty without peers, and on AWS."""
    vcpus: int
    memory_mb: int
    architecture: str
    burstable: bool
    disk_gb: int
    data: DataVolume | None
    """Its volume for data; none where all is on the root disk."""
    debian: int
    codename: str
    image_owner: str
    image_name: str
    root_device: str
    software: tuple[str, ...]
    entries: tuple[EntrySpec, ...]
    memory: tuple[Memory, ...]
    """What takes much of it, by entry."""
    sites: tuple[str, ...]
    peers: tuple[str, ...]
    """Servers of the customer that may reach what it offers to peers."""
    reaches: tuple[str, ...]
    """Servers of the customer whose peer it is, and those that pass requests on to it."""
    behind: tuple[str, ...]
    """Servers of the customer that pass web requests on to it."""
    forwarders: tuple[str, ...]
    """Networks from which these come: who passes requests on from there is believed who the client is."""
    unsupported_packages: tuple[str, ...]
    maintenance: Maintenance
    pin: str | None
    resize: datetime.date | None
    """Day (UTC) on which it may be stopped for another instance type."""
    packages: tuple[str, ...]
    vendor_packages: tuple[str, ...]
    units: tuple[Unit, ...]
    processes: tuple[Process, ...]
    listens: tuple[Listen, ...]
    rules: tuple[Rule, ...]
    files: tuple[File, ...]
    directories: tuple[Directory, ...]
    links: tuple[Link, ...]
    removed: tuple[Removed, ...]
    timers: tuple[Timer, ...]
    setup: tuple[Setup, ...]
    secrets: tuple[Secret, ...]
    apt_sources: tuple[AptSource, ...]
    dumps: tuple[Dump, ...]
    users: tuple[User, ...]
    groups: tuple[str, ...]
    checks: tuple[Check, ...]
    munin: tuple[MuninPlugin, ...]
    logs: tuple[Log, ...]
    integrity_watch: tuple[str, ...]
    integrity_ignore: tuple[str, ...]
    antivirus_exclude: tuple[str, ...]
    backup_paths: tuple[str, ...]
    backup_exclude: tuple[str, ...]
    alarms: tuple[Alarm, ...]
    cloudwatch: CloudWatch

    @property
    def linked(self) -> tuple[str, ...]:
        """The other servers of the customer that matter to it."""
        return tuple(sorted({*self.peers, *self.reaches}))

    @property
    def disks_gb(self) -> int:
        """The size of all its disks together."""
        return self.disk_gb + (self.data.gb if self.data else 0)

    @property
    def named_by(self) -> str:
        """What the address of a server that is hosted elsewhere is: ``ipv4`` or ``name``."""
        return "ipv4" if is_ipv4(self.address) else "name"

    def entry(self, entry_id: str) -> EntrySpec:
        """Return one of the server's entries.

        Raises:
            KeyError: if the server does not have it.
        """
        for entry in self.entries:
            if entry.id == entry_id:
                return entry
        raise KeyError(entry_id)

    def needs(self, origin: str) -> tuple[str, ...]:
        """Return the packages without which what an entry brings must be left out.

        They are those of an entry that nothing here can install: a person may have installed them.
        """
        entry = self.entry(origin)
        return () if entry.installable else entry.packages


@dataclass(frozen=True, slots=True)
class CustomerSpec:
    """A customer with everything that follows from the stack file."""

    id: str
    name: str
    stack_file: str
    contract_start: datetime.date
    term_months: int
    objectives: tuple[tuple[Priority, int | None], ...]
    responses: tuple[Response, ...]
    routes: tuple[tuple[Priority, str], ...]
    """Where a fault of each priority goes: ``page`` or ``ticket``."""
    provider: Provider
    hub: Hub
    """Which watches the servers."""
    backup_lock_days: int
    """For which no version in the backup bucket can be deleted."""
    backup_versions_days: int
    """After which a version that was overwritten is removed."""
    runs_hub: Hub | None
    """Which the stack's server is; none for a customer."""
    account_id: str
    region: str
    backup_account_id: str
    """Of the off-site backups; mostly the same one."""
    backup_region: str
    network: Network
    baseline: Baseline
    contacts: tuple[Contact, ...]
    admin_networks: tuple[str, ...]
    users: tuple[User, ...]
    exceptions: tuple[PolicyException, ...]
    """What its resources are let off of the policies."""
    servers: tuple[ServerSpec, ...]
    window_minutes: int
    """Length of the servers' maintenance windows."""
    retiring: tuple[str, ...]
    """Names of servers that the stack file still has and that are to be no more."""
    retires: bool
    """Whether the customer itself leaves."""

    @property
    def delivery_bucket(self) -> str:
        """Bucket of the bundles and their pointers, in the customer's region."""
        return f"ms-{self.id}-delivery-{self.account_id}-{self.region}"

    @property
    def backup_bucket(self) -> str:
        """Bucket of the off-site backups, in the backup region."""
        return f"ms-{self.id}-backup-{self.backup_account_id}-{self.backup_region}"

    @property
    def backup_log_bucket(self) -> str:
        """Bucket of the backup bucket's access logs, in the backup region."""
        return f"ms-{self.id}-logs-{self.backup_account_id}-{self.backup_region}"

    @property
    def trail_bucket(self) -> str:
        """Bucket of the record of all calls to the account, in the customer's region."""
        return f"ms-{self.id}-trail-{self.account_id}-{self.region}"

    @property
    def passphrase_parameter(self) -> str:
        """Name of the SecureString that holds the backup passphrase, the same in both regions."""
        return f"/managed-server/{self.id}/backup/passphrase"

    @property
    def prune_role(self) -> str:
        """Name of the role of the backups' account that may let backups go."""
        return f"{self.id}-pruning-role"

    def access_user(self, server: str) -> str:
        """Name of the IAM user of a server that is hosted elsewhere."""
        return f"{self.id}-{server}-access-user"

    def access_group(self, server: str) -> str:
        """Name of the IAM group that holds the rights of a server that is hosted elsewhere."""
        return f"{self.id}-{server}-access-group"

    def server(self, name: str) -> ServerSpec:
        """Return one server.

        Raises:
            KeyError: if the customer has none of that name.
        """
        for server in self.servers:
            if server.name == name:
                return server
        raise KeyError(name)
