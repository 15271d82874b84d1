"""``contract/limits.yaml``: figures that the proofs hold the catalogue and the stack files against."""

from typing import Annotated

from pydantic import Field, model_validator

from managed_server.model.base import Int, Model, PositiveInt
from managed_server.model.types import AbsolutePath, EntryId, Text, UnitName


class SettingOf(Model):
    """A figure that stands in the catalogue: the default of a setting."""

    entry: EntryId
    setting: Text = Field(description="name of the setting")


class Window(Model):
    """The weekly maintenance window."""

    unit: UnitName = Field(description="timer that opens it")
    minutes: SettingOf = Field(description="how long it is")


class Schedule(Model):
    """Jobs that must not overlap, and how long each takes as a rule."""

    window: Window
    jobs: dict[str, PositiveInt] = Field(
        description="minutes, by the name of a catalogue timer, or of a package's own timer unit"
    )


class Offsite(Model):
    """How long the off-site bucket keeps what was written."""

    lock_days: PositiveInt = Field(description="no version can be deleted before")
    versions_days: PositiveInt = Field(description="an overwritten version is removed after")
    notice_days: PositiveInt = Field(description="by when tampering is noticed at the latest")


class Pattern(Model):
    """A line in a rendered file."""

    path: AbsolutePath
    line: Text


class DumpRotation(Model):
    """The rotation of the local dumps, and the disk that it needs."""

    entry: EntryId = Field(description="tool that makes the dumps")
    daily: PositiveInt = Field(description="dumps that are kept, one of each day")
    weekly: PositiveInt = Field(description="dumps that are kept, one of each week")
    bounded: Pattern = Field(description="must be in the rendered file, else dumps are kept for ever")
    share: Annotated[Int, Field(ge=1, le=100)] = Field(
        description="percent of a database that its dump takes"
    )
    least_database_gb: PositiveInt = Field(
        description="GB of the smallest database that a server is sold for"
    )


class Disk(Model):
    """What else is on a disk."""

    system_gb: PositiveInt = Field(description="GB of the operating system, its packages and logs")
    full_percent: Annotated[Int, Field(ge=50, le=100)] = Field(description="percent in use that is a warning")


class Retention(Model):
    """What must fit each other for backups and dumps to be there when they are needed."""

    offsite: Offsite
    dumps: DumpRotation
    disk: Disk


class Chain(Model):
    """A chain of the packet filter in a rendered file."""

    path: AbsolutePath
    table: Text
    incoming: EntryId
    outgoing: EntryId | None = None


class Parity(Model):
    """Where the server's own firewall stands, and what it may accept besides the rules."""

    chains: Chain
    peers: Text = Field(description="how a rule names another server of the customer; {peer} is replaced")
    besides: tuple[Text, ...] = Field(description="statements that accept, and open no port to anybody")


class Told(Model):
    """A file that names what a server tells."""

    path: AbsolutePath
    pattern: Text = Field(description="regular expression with one group, the metric; ^ begins a line")


class Figures(Model):
    """Where it stands what a server tells CloudWatch."""

    agent: AbsolutePath = Field(description="the agent's configuration")
    heartbeats: Told


class Exempt(Model):
    """A file that names whom an active response never hits."""

    entry: EntryId = Field(description="whose servers decide on active responses")
    path: AbsolutePath
    pattern: Text = Field(description="regular expression with one group: the address or network")
    own: tuple[Text, ...] = Field(description="addresses of every machine itself")


class Lockout(Model):
    """Where an active response blocks, and who decides on it."""

    blocks: Chain
    own: tuple[Text, ...] = Field(description="statements, any of which lets the machine's own traffic pass")
    manager: Exempt


class Limits(Model):
    """The whole file."""

    end_of_life_days: PositiveInt = Field(description="days before the end when a warning begins")
    security_group_rules: PositiveInt = Field(
        description="that AWS takes in each direction, of IPv4 and of IPv6 apart, unless an account has more"
    )
    system_memory_mb: PositiveInt = Field(
        description="what the system and the service's own programs take (MiB)"
    )
    schedule: Schedule
    retention: Retention
    parity: Parity
    figures: Figures
    lockout: Lockout

    @model_validator(mode="after")
    def _versions_outlive_the_lock(self) -> "Limits":
        offsite = self.retention.offsite
        if offsite.versions_days <= offsite.lock_days:
            raise ValueError(
                f"retention.offsite: versions of {offsite.versions_days} days don't outlive the lock of "
                f"{offsite.lock_days}: the bucket would be asked to delete what is locked"
            )
        if offsite.notice_days > offsite.lock_days:
            raise ValueError(
                f"retention.offsite: tampering may be noticed after {offsite.notice_days} days, when the "
                f"lock of {offsite.lock_days} is over"
            )
        dumps = self.retention.dumps
        longest = max(dumps.daily, 7 * dumps.weekly)
        if longest > offsite.lock_days:
            raise ValueError(
                f"retention.dumps: a dump of {longest} days is still on the server when its off-site copy is "
                f"locked no more ({offsite.lock_days} days)"
            )
        return self
