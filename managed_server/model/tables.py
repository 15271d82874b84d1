"""The catalogue's tables: kinds of checks and their periods, alarms, Debian releases, instance types."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from managed_server.model.base import Bool, Int, Model, PositiveInt
from managed_server.model.conditions import When
from managed_server.model.contract import Priority
from managed_server.model.types import AbsolutePath, EntryId, PackageName, Pattern, Text, UserName


class CheckArg(Model):
    """An argument of a check kind; without a default it must be given."""

    type: Literal["int", "str"]
    default: Int | str | None = None
    pattern: Pattern | None = None
    description: Text


class Oldest(Model):
    """From which age on a check of an age is critical."""

    argument: Text = Field(description="name of the argument that says it")
    seconds: PositiveInt = Field(description="of one unit of the argument")


class CheckKind(Model):
    """How one kind of check is carried out on the server through NRPE."""

    command: Text = Field(description="the plugin's command line; ${name} is replaced by an argument")
    packages: tuple[PackageName, ...] = Field(
        min_length=1, description="Debian packages that bring the plugin"
    )
    args: dict[str, CheckArg]
    counts: Literal["state", "age"] = Field(
        description="state: detected by the next run; age: counted from when the age is exceeded"
    )
    oldest: Oldest | None = Field(
        default=None,
        description="for kinds whose plugin says age=…s or age=…h: it may be told to CloudWatch as well",
    )
    timeout_s: PositiveInt = Field(description="seconds that the plugin may take")
    source: Text

    @model_validator(mode="after")
    def _oldest_is_an_argument(self) -> "CheckKind":
        if self.oldest is not None:
            arg = self.args.get(self.oldest.argument)
            if arg is None or arg.type != "int":
                raise ValueError(f"oldest: {self.oldest.argument!r} is no argument of type int")
        return self


class CheckTiming(Model):
    """Nagios' periods for checks of one priority. All in seconds."""

    interval_s: PositiveInt
    retry_s: PositiveInt
    attempts: PositiveInt
    renotify_s: PositiveInt


class Checks(Model):
    """``catalogue/checks.yaml``."""

    timing: dict[Literal["urgent", "high", "normal"], CheckTiming]
    kinds: dict[EntryId, CheckKind] = Field(min_length=1)
    source: Text


class Alarm(Model):
    """A CloudWatch alarm on what EC2 itself measures of an instance, or the instance says of itself."""

    metric: Text
    share_of: Text | None = Field(
        default=None, description="another metric: what is watched is the percentage of it that the first is"
    )
    namespace: Text
    each: Literal["path"] | None = Field(
        default=None, description="one alarm for each path of the agent's, with it as a dimension"
    )
    statistic: Literal["Average", "Maximum", "Minimum", "Sum"]
    comparison: Literal[
        "GreaterThanOrEqualToThreshold",
        "GreaterThanThreshold",
        "LessThanThreshold",
        "LessThanOrEqualToThreshold",
    ]
    threshold: Int
    period_s: Literal[60, 120, 180, 240, 300]
    evaluate: PositiveInt = Field(description="N: periods that are looked at")
    breaching: PositiveInt = Field(description="M: of these, how many must breach")
    missing: Literal["missing", "breaching", "notBreaching", "ignore"]
    priority: Priority
    alone: Bool = Field(
        default=False,
        description="it pages by itself, in maintenance too, and not by the server's one alarm for that",
    )
    ec2_action: Literal["recover", "reboot"] | None = Field(
        default=None, description="what EC2 does by itself"
    )
    runbook: EntryId
    description: Text
    source: Text
    when: When = When()

    @model_validator(mode="after")
    def _m_of_n(self) -> "Alarm":
        if self.breaching > self.evaluate:
            raise ValueError(f"breaching: {self.breaching} of evaluate: {self.evaluate} can never be reached")
        return self


RESERVED = {"page": "the alarm that wakes somebody", "maintenance": "the clock of the maintenance window"}
"""Ids that a server's own alarms of these have."""


class Alarms(Model):
    """``catalogue/alarms.yaml``."""

    alarms: dict[EntryId, Alarm] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_are_free(self) -> "Alarms":
        for name in self.alarms:
            if name in RESERVED or name.startswith("heartbeat-"):
                what = RESERVED.get(name, "alarms of heartbeats")
                raise ValueError(f"{name!r} is the id of {what}; choose another")
        return self


class DebianRelease(Model):
    """A Debian release: its name, and the image that AWS offers for it."""

    codename: Text
    image_owner: Annotated[str, Field(pattern=r"^[0-9]{12}$")]
    image_name: Text = Field(description="name pattern of the image; {architecture} is replaced")
    root_device: Text
    source: Text


class DataVolume(Model):
    """A server's volume for data."""

    device: AbsolutePath = Field(description="by which it is attached")
    path: AbsolutePath = Field(description="where it is mounted")


class Debian(Model):
    """``catalogue/debian.yaml``."""

    releases: dict[Int, DebianRelease] = Field(min_length=1)
    data_volume: DataVolume
    accounts: tuple[UserName, ...] = Field(description="accounts of every Debian system: nobody's login name")
    source: Text


class InstanceFacts(Model):
    """What EC2 says of one instance type."""

    vcpus: PositiveInt
    memory_mb: PositiveInt = Field(description="MiB")
    architecture: Literal["amd64", "arm64"]
    burstable: Bool


class InstanceTypes(Model):
    """``catalogue/instance-types.yaml``."""

    types: dict[str, InstanceFacts] = Field(min_length=1)
    source: Text
