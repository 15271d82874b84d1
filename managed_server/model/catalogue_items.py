"""The facts that an entry of the catalogue is made of: one shape for each consumer.

A section is either a list of facts or ``{none: reason}``: a hole in the catalogue is never an oversight.
"""

import datetime
import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Discriminator, Field, Tag, model_validator

from managed_server.model.base import Bool, Int, Model
from managed_server.model.conditions import When
from managed_server.model.contract import Priority
from managed_server.model.types import (
    AbsolutePath,
    EntryId,
    FileMode,
    LoopbackAddress,
    PackageName,
    Pattern,
    Port,
    Text,
    UnitName,
    UserName,
)


class Absent(Model):
    """A section that does not apply, with the reason."""

    none: Text = Field(min_length=10, description="why this consumer has nothing to do here")


def _absent_or_given(value: Any) -> str:
    if isinstance(value, Absent) or (isinstance(value, dict) and "none" in value):
        return "none"
    return "given"


T = TypeVar("T")
Section = Annotated[
    Annotated[T, Tag("given")] | Annotated[Absent, Tag("none")], Discriminator(_absent_or_given)
]
Facts = Annotated[tuple[T, ...], Field(min_length=1)]


def given(section: tuple[T, ...] | Absent) -> tuple[T, ...]:
    """Return the facts of a section; none where it does not apply."""
    return () if isinstance(section, Absent) else section


class Setting(Model):
    """A value that a stack file may change."""

    type: Literal["int", "str", "bool"]
    default: Bool | Int | str
    min: Int | None = None
    max: Int | None = None
    choices: tuple[str, ...] = ()
    pattern: Pattern | None = Field(default=None, description="a str must match it whole")
    description: Text

    @model_validator(mode="after")
    def _default_is_valid(self) -> "Setting":
        if self.type != "int" and not self.min is self.max is None:
            raise ValueError("min and max belong to settings of type int")
        if self.type != "str" and (self.choices or self.pattern is not None):
            raise ValueError("choices and pattern belong to settings of type str")
        problem = self.problem_with(self.default)
        if problem:
            raise ValueError(f"the default {problem}")
        return self

    def problem_with(self, value: Any) -> str | None:
        """Say what is wrong with a value for this setting, or return None."""
        if type(value) is not {"int": int, "str": str, "bool": bool}[self.type]:
            return f"{value!r} is not of type {self.type}"
        return self._out_of_bounds(value)

    def _out_of_bounds(self, value: Any) -> str | None:
        if self.min is not None and value < self.min:
            return f"{value} is below {self.min}"
        if self.max is not None and value > self.max:
            return f"{value} is above {self.max}"
        if self.choices and value not in self.choices:
            return f"{value!r} is not one of {', '.join(self.choices)}"
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            return f"{value!r} does not match {self.pattern}"
        return None


class AptSource(Model):
    """A vendor's package archive."""

    uri: Text
    suite: Text
    components: tuple[Text, ...]
    key_fingerprint: Annotated[str, Field(pattern=r"^[0-9A-F]{40}$")]
    key_url: Annotated[str, Field(pattern=r"^https?://[\x21-\x7e]+$")] = Field(
        description="where the machine gets the key; it is used only if it has the fingerprint"
    )
    upgrade_origin: Text = Field(description="Unattended-Upgrade::Origins-Pattern entry")


class Unit(Model):
    """A systemd unit that the entry runs."""

    name: UnitName
    reload: Bool = Field(default=False, description="reload, not restart, when one of its files changes")
    state: Literal["running", "stopped"] = Field(
        default="running", description="stopped: the package enables it, and it must not run"
    )
    when: When = When()


class Process(Model):
    """A process that must be seen while the unit runs."""

    name: Text = Field(description="as in /proc/PID/comm")
    user: UserName
    when: When = When()


class Listen(Model):
    """A listening socket and who may reach it; the only source of firewall and security-group rules."""

    port: Port
    protocol: Literal["tcp", "udp"]
    bind: Literal["any", "loopback", "peers"] = Field(
        description="peers: any where the stack file names peers of the server, else loopback"
    )
    reach: Literal["world", "admin", "hub", "local", "peers"] = Field(
        description="world: everybody; admin: ssh_from, offices, VPN; hub: the hub; local: nobody; "
        "peers: the servers that the stack file names"
    )
    address: LoopbackAddress | None = Field(
        default=None, description="the one loopback address of its own, which others may leave to it"
    )
    each_address: Bool = Field(
        default=False,
        description="it binds each address of the interfaces by itself, so that a loopback address that is "
        "on none of them is free for others",
    )
    purpose: Text
    when: When = When()

    @model_validator(mode="after")
    def _bind_fits_reach(self) -> "Listen":
        if (self.bind == "loopback") != (self.reach == "local"):
            raise ValueError("bind: loopback and reach: local belong together")
        if (self.bind == "peers") != (self.reach == "peers"):
            raise ValueError("bind: peers and reach: peers belong together")
        if self.address and (self.bind != "loopback" or self.each_address):
            raise ValueError("address: it is the only one, and goes with bind: loopback")
        return self


class Connect(Model):
    """Outbound traffic that the entry needs."""

    port: Port
    protocol: Literal["tcp", "udp"]
    to: Literal["world", "hub"]
    purpose: Text
    when: When = When()


RepositoryPath = Annotated[
    str, Field(pattern=r"^(?:hub|managed_server|templates)(?:/[a-z0-9_][a-z0-9_.-]*)+$")
]


class File(Model):
    """A rendered file. ``{item…}`` in the path is replaced for each element of ``for_each``."""

    path: Annotated[str, Field(pattern=r"^/[\x21-\x7e]*$")]
    template: str | None = Field(default=None, description="below templates/<id>/; default: server + path")
    copy_of: RepositoryPath | None = Field(
        default=None, description="path in the repository: copied as it stands, instead of a template"
    )
    owner: UserName = "root"
    group: UserName = "root"
    mode: FileMode = "0644"
    notify: tuple[UnitName, ...] = ()
    validate_with: str | None = Field(
        default=None,
        description="command that must accept the new file before it replaces the old one; % is its path",
    )
    for_each: (
        Literal["sites", "users", "munin_plugins", "apt_sources", "dumps", "data_mounts", "data_users"] | None
    ) = None
    once: Bool = Field(default=False, description="written if missing; what stands there is left alone")
    when: When = When()

    @model_validator(mode="after")
    def _each_names_its_template(self) -> "File":
        if self.for_each and not self.template:
            raise ValueError("for_each needs a template: the path is another one for each element")
        if self.copy_of and self.template:
            raise ValueError("copy_of and template: a file has one of them")
        return self


class Link(Model):
    """A symbolic link."""

    path: Annotated[str, Field(pattern=r"^/[\x21-\x7e]*$")]
    target: Annotated[str, Field(pattern=r"^[\x21-\x7e]+$")]
    notify: tuple[UnitName, ...] = ()
    for_each: Literal["sites", "users", "munin_plugins"] | None = None
    when: When = When()


class Removed(Model):
    """A path that a package brings and that must not be there."""

    path: AbsolutePath
    notify: tuple[UnitName, ...] = ()


class Directory(Model):
    """A directory that no package makes."""

    path: Annotated[str, Field(pattern=r"^/[\x21-\x7e]*$")]
    owner: UserName = "root"
    group: UserName = "root"
    mode: FileMode = "0755"
    for_each: Literal["sites", "users", "dumps"] | None = None
    once: Bool = Field(
        default=False, description="made if missing; afterwards owner and mode are the customer's affair"
    )
    when: When = When()


class Group(Model):
    """A system group that accounts of the stack file belong to."""

    name: UserName
    members: Literal["users", "admins"] = Field(description="all users, or those with `admin: true`")


class Setup(Model):
    """A step for what no package, file or unit can bring, such as an account in a database.

    It is run by root, after the server's units have been started, at each converge that finds it undone; or
    before its packages are installed, where their own set-up reads what it leaves; or before any unit is
    started or reloaded, where it has something give up a port, or brings what the unit must find.
    """

    name: EntryId
    command: Text
    unless: Text = Field(description="command that succeeds when the step has been done")
    before_packages: bool = Field(
        default=False,
        description="run before packages are installed, for what their own set-up reads; "
        "of no use to an entry that only a person can install",
    )
    before_units: bool = Field(
        default=False,
        description="run before units are started or reloaded, for what they must find, or leaves a port",
    )
    when: When = When()


class Timer(Model):
    """A job that a systemd timer starts."""

    name: EntryId
    calendar: Text = Field(description="systemd.time OnCalendar expression, UTC")
    random_delay_minutes: Annotated[Int, Field(ge=0)] = 0
    command: Text
    user: UserName = "root"
    idle: Bool = Field(default=False, description="run with idle CPU and disk priority")
    uses_data: Bool = Field(
        default=False, description="it reads or writes other entries' data: not run without the data volume"
    )
    timeout_minutes: Annotated[Int, Field(ge=1)]
    description: Text
    when: When = When()


class CheckIntent(Model):
    """What is watched; catalogue/checks.yaml turns the kind into a command, the priority into periods."""

    name: EntryId
    check: EntryId = Field(description="a kind of catalogue/checks.yaml")
    objective: Priority
    runbook: EntryId = Field(description="a page of docs/runbooks")
    description: Text
    args: dict[str, Bool | Int | str] = {}
    when: When = When()


class MuninPlugin(Model):
    """A Munin plugin: a link in /etc/munin/plugins to a program, with its environment."""

    name: Annotated[str, Field(pattern=r"^[a-z][A-Za-z0-9_.-]*$")]
    plugin: AbsolutePath
    packages: tuple[PackageName, ...] = ()
    user: UserName | None = None
    group: UserName | None = None
    env: dict[str, str] = {}
    when: When = When()


class Log(Model):
    """A log file that OSSEC reads; the format is one of OSSEC's log_format values."""

    path: Annotated[str, Field(pattern=r"^/[\x21-\x7e]*$")]
    format: EntryId
    when: When = When()


class Integrity(Model):
    """What OSSEC's syscheck watches, and the files below it that change by themselves."""

    watch: tuple[AbsolutePath, ...] = ()
    ignore: tuple[AbsolutePath, ...] = ()


class Antivirus(Model):
    """What the nightly virus scan passes over, and why it may."""

    exclude: Facts[AbsolutePath]
    reason: Text


class Keep(Model):
    """Which backups are kept when old ones are let go: the last of each of these days and months."""

    daily: int = Field(ge=1, le=3660)
    monthly: int = Field(ge=0, le=1200)


class Backup(Model):
    """What the off-site backup takes."""

    paths: Facts[AbsolutePath]
    exclude: tuple[AbsolutePath, ...] = ()
    keep: Keep | None = Field(default=None, description="by the entry that makes the backups alone")


class DataDirectory(Model):
    """A directory of customers' data: it lives on the data volume of a server that has one."""

    path: AbsolutePath
    owner: UserName | None = Field(
        default=None,
        description="whose it is before its package is installed, where that leaves what it finds; the "
        "account is made if it is missing",
    )
    mode: FileMode = "0755"
    units: tuple[UnitName, ...] = Field(
        default=(), description="that must not start without it, besides the entry's own units and timers"
    )


class Dump(Model):
    """A local database dump."""

    engine: EntryId
    directory: AbsolutePath


class CloudWatch(Model):
    """What CloudWatch is told of the entry, on AWS."""

    processes: tuple[Text, ...] = Field(
        default=(), description="that the agent counts: names as in /proc/PID/comm"
    )
    logs: tuple[AbsolutePath, ...] = Field(default=(), description="that the agent sends")
    paths: tuple[AbsolutePath, ...] = Field(
        default=(),
        description="mount points that the agent measures, besides those of cloudwatch.yaml",
    )
    heartbeats: tuple[EntryId, ...] = Field(
        default=(), description="checks of this entry whose age CloudWatch watches as well"
    )


class Secret(Model):
    """A secret that is made once, kept in the parameter store, and put into a file of the server.

    It is in no bundle: converge fetches it.
    """

    name: EntryId
    path: AbsolutePath
    text: Annotated[str, Field(pattern=r"\{secret\}")] = Field(
        default="{secret}\n", description="of the file; {secret} stands for the secret"
    )
    owner: UserName = "root"
    group: UserName = "root"
    mode: Literal["0600", "0640", "0400", "0440"] = "0600"
    notify: tuple[UnitName, ...] = ()
    description: Text
    when: When = When()


class EndOfLife(Model):
    """Until when security fixes come, for a Debian release."""

    date: datetime.date
    source: Text
    successor: Text | None = None
