"""What has to be known for a new stack file: the questions, their checks, and defaults that files name."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import TypeAdapter, ValidationError

from managed_server.loading import nearest
from managed_server.model.base import Model
from managed_server.model.customer import Aws, Contact, Customer, Machine, Maintenance, Server, Term
from managed_server.model.types import (
    AdminCidr,
    CustomerId,
    HostName,
    PackageName,
    ServerName,
    SshPublicKey,
    UserName,
)
from managed_server.project import Project

COMMAND = "managed new"
_HOSTINGS: tuple[str, ...] = get_args(Server.model_fields["hosting"].annotation)

Answers = Mapping[str, Any]


def flag(key: str) -> str:
    """Return the option that answers the question of this key."""
    return "--" + key.replace("_", "-")


@dataclass(frozen=True)
class Question:
    """One thing to know; answers are texts as people type them."""

    key: str
    check: Callable[[str], Any]
    """Returns the value of one text, or raises ValueError."""
    many: Literal["no", "words", "lines"] = "no"
    """Is it a list? Words are apart by commas or blanks; lines hold such characters themselves."""
    needed: bool = True
    default: Callable[[Answers], str | None] = lambda _: None
    """Returns what is taken where no answer is given, from those before it; KeyError if one is missing."""
    known: tuple[str, ...] = ()
    """What there is to choose from, if that is a short list."""
    hosting: str | None = None
    """Of the servers that it is asked for; None: of all."""

    def concerns(self, answers: Answers) -> bool:
        """Tell whether there is anything to ask, as far as it is known yet."""
        return self.hosting is None or answers.get("hosting", self.hosting) == self.hosting

    @property
    def flag(self) -> str:
        """Its option."""
        return flag(self.key)

    def read(self, texts: Iterable[str]) -> Any:
        """Return the value of the texts.

        Raises:
            ValueError: it is wrong, or needed and empty.
        """
        if self.many == "words":
            texts = [word for text in texts for word in re.split(r"[,\s]+", text)]
        texts = [text.strip() for text in texts if text.strip()]
        if not texts and self.needed:
            raise ValueError("is missing" + (f"; one of {', '.join(self.known)}" if self.known else ""))
        values = tuple(self.check(text) for text in texts)
        return values if self.many != "no" else values[0] if values else None

    def without_asking(self, answers: Answers) -> Any:
        """Return the default's value.

        Raises:
            ValueError: it is needed, and has no default.
        """
        default = self.default(answers)
        return self.read([] if default is None else [default])


def questions(project: Project, stack: str) -> tuple[Question, ...]:
    """Return the questions for a customer, in their order; for a hub, its account and region are known."""
    hubs = project.provider.hubs
    own = hubs.get(stack)
    window = Server.model_fields["maintenance"].default

    def least(text: str) -> int:
        months = _of(Term, "term_months")(text)
        minimum = project.contract.term.minimum_months
        if months < minimum:
            raise ValueError(f"{months} months is below the contract's minimum of {minimum}")
        return int(months)

    def hub(_: Answers) -> str | None:
        return stack if own else next(iter(hubs)) if len(hubs) == 1 else None

    def region(answers: Answers) -> str | None:
        return own.region if own else hubs[answers["hub"]].region

    offered = tuple(
        name for name, entry in sorted(project.software.items()) if own or not entry.general.hub_only
    )
    types = tuple(project.instance_types.types)
    releases = {str(release): release for release in sorted(project.debian.releases)}
    return (
        Question("name", _of(Customer, "name")),
        Question("start", _of(Term, "start")),
        Question("term_months", least, default=_fixed(project.contract.term.minimum_months)),
        Question("hub", _one_of(hubs), default=hub, known=tuple(hubs)),
        Question("account_id", _of(Aws, "account_id"), default=_fixed(own.account_id if own else None)),
        Question("region", _of(Aws, "region"), default=region),
        Question("backup_region", _of(Aws, "backup_region")),
        Question("contact_name", _of(Contact, "name")),
        Question("contact_email", _of(Contact, "email")),
        Question("contact_phone", _of(Contact, "phone"), needed=False),
        Question("ssh_from", _typed(AdminCidr), many="words", needed=False),
        Question("admin", _account, many="lines", needed=False),
        Question("user", _account, many="lines", needed=False),
        Question("server", _typed(ServerName)),
        Question("hosting", _one_of(_HOSTINGS), default=_fixed(_HOSTINGS[0]), known=_HOSTINGS),
        Question("instance_type", _one_of(types), hosting="aws"),
        Question("address", _of(Server, "address"), hosting="elsewhere"),
        Question("private_address", _of(Server, "private_address"), needed=False, hosting="elsewhere"),
        Question("vcpus", _of(Machine, "vcpus"), hosting="elsewhere"),
        Question("memory_mb", _of(Machine, "memory_mb"), hosting="elsewhere"),
        Question(
            "architecture",
            _of(Machine, "architecture"),
            default=_fixed(Machine.model_fields["architecture"].default),
            hosting="elsewhere",
        ),
        Question("disk_gb", _of(Server, "disk_gb")),
        Question("data_gb", _of(Server, "data_gb"), needed=False, hosting="aws"),
        Question(
            "debian",
            lambda text: releases[_one_of(releases)(text)],
            default=_fixed(Server.model_fields["debian"].default),
            known=tuple(releases),
        ),
        Question("software", _one_of(offered), many="words", known=offered),
        Question("setting", _setting(project), many="lines", needed=False),
        Question("site", _typed(HostName), many="words", needed=False),
        Question("unsupported_package", _typed(PackageName), many="words", needed=False),
        Question("maintenance_day", _of(Maintenance, "day"), default=_fixed(window.day)),
        Question("maintenance_time", _of(Maintenance, "time"), default=_fixed(window.time)),
        Question("maintenance_reboot", _of(Maintenance, "reboot"), default=_fixed(window.reboot)),
    )


def customer_id(text: str) -> str:
    """Check the id of a customer; raises ValueError."""
    return str(_typed(CustomerId)(text))


def _fixed(value: Any) -> Callable[[Answers], str | None]:
    return lambda _: None if value is None else str(value)


def _typed(kind: Any) -> Callable[[str], Any]:
    """Return the check of a type of the model, for a text."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def check(text: str) -> Any:
        whole = re.fullmatch(r"[0-9]{1,9}", text)
        try:
            return adapter.validate_python(text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
        if first["type"] != "int_type":
            raise ValueError(first["msg"].removeprefix("Value error, "))
        if not whole:
            raise ValueError(f"{text!r} is no whole number")
        try:
            return adapter.validate_python(int(text))
        except ValidationError as error:
            raise ValueError(error.errors(include_url=False)[0]["msg"]) from error

    return check


def _of(model: type[Model], field: str) -> Callable[[str], Any]:
    """Return the check of a field of the model."""
    return _typed(model.model_fields[field].rebuild_annotation())


def _one_of(known: Iterable[str]) -> Callable[[str], str]:
    known = tuple(known)

    def check(text: str) -> str:
        if text not in known:
            raise ValueError(f"{text!r} is not known{nearest(text, known)}")
        return text

    return check


def _account(text: str) -> tuple[str, str]:
    """Read ``name=public key``."""
    name, equals, key = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is no account; write name=key, the key as in its .pub file")
    try:
        return str(_typed(UserName)(name.strip())), str(_typed(SshPublicKey)(key.strip()))
    except ValueError as error:
        raise ValueError(f"{name.strip()}: {error}") from error


def _setting(project: Project) -> Callable[[str], tuple[str, str, bool | int | str]]:
    """Return the check of ``entry.setting=value``: the value is of the type that the catalogue names."""

    def check(text: str) -> tuple[str, str, bool | int | str]:
        place, equals, written = text.partition("=")
        entry, dot, name = place.strip().partition(".")
        if not equals or not dot:
            raise ValueError(f"{text!r} is no setting; write entry.setting=value")
        if entry not in project.entries:
            raise ValueError(f"{entry!r} is not in the catalogue{nearest(entry, project.entries)}")
        known = project.entries[entry].general.settings
        if name not in known:
            raise ValueError(f"{entry} has no setting {name!r}{nearest(name, known)}")
        value: bool | int | str = written.strip()
        if known[name].type == "int" and re.fullmatch(r"-?[0-9]{1,18}", str(value)):
            value = int(value)
        elif known[name].type == "bool" and value in ("true", "false"):
            value = value == "true"
        if problem := known[name].problem_with(value):
            raise ValueError(f"{entry}.{name}: {problem} ({known[name].description})")
        return entry, name, value

    return check
