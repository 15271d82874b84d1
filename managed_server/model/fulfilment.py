"""``contract/fulfilment.yaml``: what fulfils each line of the contract, and who does the rest.

What must exist on a server is said here, apart from the catalogue that brings it: where the two differ,
something that was promised has gone, and the line turns red.
"""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, model_validator

from managed_server.model.base import Model
from managed_server.model.conditions import When
from managed_server.model.types import EntryId, Text, UnitName

RepositoryFile = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*$")]
AwsType = Annotated[str, Field(pattern=r"^[a-z0-9]+\.[A-Za-z0-9]+$", description="module.Class")]
Per = Literal[
    "customer",
    "network",
    "network-ipv6",
    "some-on-aws",
    "server",
    "aws-server",
    "linked-server",
    "elsewhere-server",
    "aws-server-with-new-address",
    "aws-server-with-data",
    "aws-server-that-pages",
    "rule-in",
    "rule-out",
    "alarm",
    "secret",
    "hub",
    "account-ebs-encryption",
    "account-disks-key",
    "account-instance-metadata",
    "account-access-analyzer",
    "account-public-access-block",
    "account-password-policy",
    "account-trail",
    "account-alarm",
]
Listens = Annotated[str, Field(pattern=r"^[0-9]+/(?:tcp|udp)$")]


class Objects(Model):
    """Objects that one entry brings to a server, by kind."""

    packages: tuple[Text, ...] = ()
    units: tuple[UnitName, ...] = Field(default=(), description="that run")
    processes: tuple[Text, ...] = ()
    listens: tuple[Listens, ...] = Field(default=(), description="port/protocol")
    timers: tuple[EntryId, ...] = ()
    checks: tuple[EntryId, ...] = Field(default=(), description="their names in the entry")
    files: tuple[Text, ...] = Field(default=(), description="paths on the server")
    groups: tuple[EntryId, ...] = ()
    setup: tuple[EntryId, ...] = ()

    @cached_property
    def named(self) -> tuple[tuple[str, int, str], ...]:
        """Every object: its kind, its place in the kind's list, its name."""
        return tuple(
            (kind, index, name)
            for kind in Objects.model_fields
            for index, name in enumerate(getattr(self, kind))
        )


class Part(Objects):
    """What an entry must bring to every server that the line applies to."""

    entry: EntryId = Field(description="of the catalogue")
    when: When = Field(default=When(), description="which servers need it; all, unless something is said")
    conditional: Objects = Field(
        default=Objects(), description="needed where the catalogue's own condition of the object holds"
    )

    @model_validator(mode="after")
    def _expects_something(self) -> "Part":
        if not self.named and not self.conditional.named:
            raise ValueError("names no object: deleting what the entry brings would go unnoticed")
        return self


class Work(Model):
    """What fulfils a line or a clause apart from the objects of a server."""

    people: tuple[EntryId, ...] = Field(default=(), description="ids of duties")
    not_built: tuple[Text, ...] = Field(default=(), description="parts that do not exist yet, said plainly")
    how: Text | None = Field(default=None, description="in a sentence")
    where: tuple[RepositoryFile, ...] = Field(default=(), description="files of the repository that do it")
    tests: tuple[RepositoryFile, ...] = Field(default=(), description="files of tests that show it")


class LineFulfilment(Work):
    """What fulfils one line of 'What is included'."""

    applies: When = Field(default=When(), description="servers that the line applies to")
    otherwise: Text | None = Field(default=None, description="why it doesn't apply to the others")
    parts: tuple[Part, ...] = ()
    each_software: tuple[Literal["checks", "munin"], ...] = Field(
        default=(), description="every software of the server has this, or says why it has none"
    )
    aws: dict[str, tuple[AwsType, ...]] = Field(
        default={},
        description="component: types of resources that it must register; none named: all that it has",
    )

    @model_validator(mode="after")
    def _not_silent(self) -> "LineFulfilment":
        if not (self.parts or self.each_software or self.aws or self.people or self.not_built):
            raise ValueError("nothing fulfils it: name parts, aws, people, or what is not built")
        if (self.applies != When()) != (self.otherwise is not None):
            raise ValueError("applies and otherwise belong together: say why it doesn't apply elsewhere")
        return self


class Clause(Work):
    """What fulfils other things that the contract says."""

    ids: tuple[EntryId, ...] = Field(min_length=1, description="ids of contract/enhanced-sla.yaml")

    @model_validator(mode="after")
    def _not_silent(self) -> "Clause":
        if not (self.people or self.not_built or self.where):
            raise ValueError("nothing fulfils it: name people, where, or what is not built")
        return self


class Duty(Model):
    """Something that people do."""

    who: Literal["engineer-on-call", "support-team", "accounts", "sales", "customer"]
    text: Text


class Fulfilment(Model):
    """The whole file."""

    duties: dict[EntryId, Duty]
    lines: dict[EntryId, LineFulfilment]
    clauses: tuple[Clause, ...]
    software: dict[EntryId, tuple[RepositoryFile, ...]] = Field(
        description="files of tests that show each supported software; the catalogue says what fulfils it"
    )


class AwsResources(Model):
    """``contract/aws-resources.yaml``: what the components register, so that it can be told offline."""

    components: dict[str, dict[Per, dict[str, AwsType]]] = Field(
        min_length=1,
        description="component: what it registers resources for: name of a resource: its type; in names "
        "{customer}, {server}, {rule}, {alarm}, {secret}, {region} and {bundle} are replaced",
    )
