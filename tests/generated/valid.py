"""Draws stack files that are right: from the models, and from what the catalogue says.

A new field of a model is drawn by its type. What only other files decide (which software there is, what fits
beside what) stands in `_PLACES`.
"""

import functools
import ipaddress
import re
import types
import typing

from hypothesis import strategies as st
from pydantic import BaseModel

from managed_server.model import types as kinds
from managed_server.model.catalogue_items import given
from managed_server.model.conditions import When
from managed_server.model.contract import Priority
from managed_server.model.customer import Aws, Customer, Machine, Maintenance, Network, Server, Term
from managed_server.model.exceptions import PolicyException
from managed_server.model.objectives import AgreedObjectives
from managed_server.proofs.retention import least_disk_gb
from tests.generated.annotations import bounds, checks, plain
from tests.generated.values import ALONE, DRAWN, TEXT

FEW = 2
BY_DAY = [f"{hour:02}:{minute}" for hour in range(7, 12) for minute in ("00", "30")]
"""Times at which no job of the catalogue runs: most are for the night."""


def staying(servers, besides=None):
    """The servers that are not to be retired by themselves."""
    return sorted(name for name, server in servers.items() if name != besides and not server.get("retire"))


def place(server):
    """Where a server is hosted."""
    return server.get("hosting", "aws")


def nth_beside(address, number):
    """Another private address for each number."""
    return str(ipaddress.IPv4Address(int(ipaddress.IPv4Address(address)) ^ number))


class Drawer:
    """Draws what the models describe, within one project."""

    def __init__(self, project):
        self.project = project
        self.reserved = set(project.debian.accounts)
        for entry in project.entries.values():
            self.reserved |= set(given(entry.general.accounts))

    def __repr__(self):  # for Hypothesis, which would print the whole project
        return "DRAWER"

    def of(self, annotation, metadata=()):
        """A strategy for a type."""
        kind, said = plain(annotation, metadata)
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return self.model(kind)
        if origin is typing.Literal:
            return st.sampled_from(arguments)
        if checks(said):
            return self.scalar(kind, said)
        if origin in (typing.Union, types.UnionType):
            return st.one_of([self.of(argument) for argument in arguments])
        if origin is tuple:
            low, high = bounds(said, 0, 10_000)
            items = self.of(arguments[0])
            return st.lists(items, min_size=low, max_size=min(high, low + FEW), unique_by=repr)
        if origin is dict:
            low, high = bounds(said, 0, 10_000)
            keys, values = map(self.of, arguments)
            return st.dictionaries(keys, values, min_size=low, max_size=min(high, low + FEW))
        return self.scalar(kind, said)

    def scalar(self, kind, said):
        """A strategy for one value."""
        functions = checks(said)
        known = [DRAWN[f] for f in functions if f in DRAWN]
        known += [st.from_regex(f.regex, fullmatch=True) for f in functions if isinstance(f, kinds.Matching)]
        strange = [
            f for f in functions if f not in DRAWN and f not in ALONE and not isinstance(f, kinds.Matching)
        ]
        assert not strange, f"DRAWN doesn't say what passes {strange}"
        if known:
            low, high = bounds(said, 0, 10_000)
            return known[0].filter(lambda value: not isinstance(value, str) or low <= len(value) <= high)
        if kind is int:
            low, high = bounds(said, 0, 10_000)
            return st.integers(low, high)
        assert kind in (bool, str), f"no way to draw {kind}"
        return {bool: st.booleans(), str: TEXT}[kind]

    def field(self, model, name):
        """A strategy for a field of a model."""
        place = _PLACES.get((model, name))
        info = model.model_fields[name]
        return place(self) if place else self.of(info.annotation, info.metadata)

    def model(self, model):
        """A strategy for a model: needed keys, and any of the others."""
        return _WHOLE[model](self) if model in _WHOLE else self.fields(model)

    @functools.cache  # noqa: B019 - one drawer a run
    def fields(self, model, without=()):
        """A strategy for a model's fields by themselves."""
        needed, optional = {}, {}
        for name, info in model.model_fields.items():
            if name not in without:
                (needed if info.is_required() else optional)[info.alias or name] = self.field(model, name)
        return st.fixed_dictionaries(needed, optional=optional)

    # --- what the catalogue decides -------------------------------------------------------------------

    def general(self, software):
        return self.project.software[software].general

    def choices(self):
        """What a customer can choose."""
        return [name for name in sorted(self.project.software) if not self.general(name).hub_only]

    @st.composite
    def software(draw, self, debian):  # noqa: N805 - Hypothesis gives it `draw` first
        """Software that can be together, with what it requires: one of each place in the chain of HTTP."""
        wanted = draw(st.lists(st.sampled_from(self.choices()), min_size=1, max_size=4, unique=True))
        chosen = []
        for name in wanted:
            more = self.completed(chosen, name, draw)
            if (
                more
                and all(debian in self.general(n).releases for n in more)
                and self.peaceful([*chosen, *more], debian)
            ):
                chosen += more
        if not chosen:
            free = [n for n in self.choices() if self.alone(n) and debian in self.general(n).releases]
            chosen = [draw(st.sampled_from(free))]
        return chosen

    def alone(self, name):
        return not given(self.general(name).requires) and not given(self.general(name).requires_any)

    def completed(self, chosen, name, draw):
        """A software with what it requires, without what is there already."""
        found, todo = [], [name]
        while todo:
            one = todo.pop()
            if one in chosen or one in found:
                continue
            found.append(one)
            general = self.general(one)
            todo += given(general.requires)
            any_of = given(general.requires_any)
            if any_of and not set(any_of) & {*chosen, *found}:
                todo.append(draw(st.sampled_from(any_of)))
        return found

    def peaceful(self, names, debian):
        facts = [self.general(n).releases[debian] for n in names]
        layers = [known.get("http_layer", 4 if "fastcgi_index" in known else None) for known in facts]
        layers = [layer for layer in layers if layer]
        against = {other for name in names for other in given(self.general(name).conflicts)}
        return len(set(layers)) == len(layers) and not against & set(names)

    def setting(self, setting):
        """A value for a setting."""
        if setting.type == "bool":
            return st.booleans()
        if setting.type == "int":
            low = min(setting.default, 0) if setting.min is None else setting.min
            return st.integers(low, max(low, setting.default) + 1000 if setting.max is None else setting.max)
        if setting.choices:
            return st.sampled_from(setting.choices)
        return st.from_regex(setting.pattern, fullmatch=True) if setting.pattern is not None else TEXT

    @st.composite
    def settings(draw, self, entries, ports):  # noqa: N805
        """Settings of some entries; a port of each one's own."""
        found = {}
        for name in entries:
            known = self.project.entries[name].general.settings
            if not known or not draw(st.booleans()):
                continue
            picked = draw(st.lists(st.sampled_from(sorted(known)), max_size=3, unique=True))
            values = {}
            for key in picked:
                is_port = known[key].max == 65535
                values[key] = draw(ports) if is_port else draw(self.setting(known[key]))
            if values:
                found[name] = values
        return found

    @st.composite
    def server(draw, self):  # noqa: N805
        """A server; its peers come when all servers are known."""
        server = draw(
            self.fields(
                Server, without=("software", "settings", "served_by", "peers", "behind", *_OF_HOSTING)
            )
        )
        server |= draw(st.sampled_from([self.on_aws, self.on_aws, self.elsewhere]))(draw)
        if server.get("hosting") == "elsewhere":
            server.pop("resize", None)
            server.pop("data_gb", None)
        debian = server.get("debian", Server.model_fields["debian"].default)
        server["software"] = draw(self.software(debian))
        always = [name for name, tool in sorted(self.project.tools.items()) if tool.general.when == When()]
        taken = set()
        ports = st.integers(20_000, 60_000).filter(lambda port: port not in taken and not taken.add(port))
        settings = draw(self.settings([*server["software"], *always], ports))
        if settings:
            server["settings"] = settings
        return server

    def on_aws(self, draw):
        """What a server on AWS says of its hosting."""
        said = {"hosting": "aws"} if draw(st.booleans()) else {}
        return {**said, "instance_type": draw(self.field(Server, "instance_type"))}

    def elsewhere(self, draw):
        """What one that is hosted elsewhere says of it; a private address comes with its peers."""
        return {
            "hosting": "elsewhere",
            "address": draw(self.field(Server, "address")),
            "machine": draw(self.fields(Machine)),
        }

    def offers(self, server):
        """Whether a server has something for peers."""
        found = [
            i for name in server["software"] for i in given(self.general(name).listens) if i.reach == "peers"
        ]
        return any(listen.when == When() for listen in found)

    def exceptions(self, stack):
        """Exceptions from the policies: a rule, and a resource of the whole customer that it judges."""
        named = [per for per in self.project.aws_resources.components.values() if "customer" in per]
        resources = {n.format(customer=stack): kind for per in named for n, kind in per["customer"].items()}
        rules = self.project.policies.rules.items()
        judged = [
            (control, resource)
            for name, rule in rules
            for control in (name, *rule.controls)
            for resource, kind in resources.items()
            if kind in rule.types or "*" in rule.types
        ]
        others = self.fields(PolicyException, without=("control", "resource"))
        return st.lists(st.sampled_from(sorted(set(judged))), max_size=FEW, unique=True).flatmap(
            lambda pairs: st.tuples(
                *(
                    others.map(lambda rest, p=pair: {"control": p[0], "resource": p[1], **rest})
                    for pair in pairs
                )
            ).map(list)
        )

    @st.composite
    def customer(draw, self, stack):  # noqa: N805
        """A customer, and what depends on others of its parts."""
        customer = draw(self.fields(Customer, without=("exceptions",)))
        if draw(st.booleans()):
            customer["exceptions"] = draw(self.exceptions(stack))
        servers = customer["servers"]
        addresses, private = set(), draw(self.field(Server, "private_address"))
        for number, (name, server) in enumerate(servers.items()):
            while server.get("address") in addresses:
                server["address"] = draw(self.field(Server, "address"))
            addresses |= {server["address"]} if "address" in server else set()
            others = [other for other in staying(servers, name) if place(servers[other]) == place(server)]
            if others and self.offers(server):
                server["peers"] = draw(st.lists(st.sampled_from(others), unique=True))
            if place(server) == "elsewhere":
                server["private_address"] = nth_beside(private, number)
        return customer

    def agreed(self):
        """Objectives that are longer than those of the terms, in their order."""
        terms = {p: self.project.contract.priority(p).objective for p in Priority}
        high = terms[Priority.HIGH].minutes
        return st.fixed_dictionaries(
            {},
            optional={
                "urgent": st.fixed_dictionaries(
                    {"minutes": st.integers(terms[Priority.URGENT].minutes, high)}
                ),
                "high": st.fixed_dictionaries({"minutes": st.integers(high, 100_000)}),
                "normal": st.fixed_dictionaries(
                    {"working_days": st.integers(terms[Priority.NORMAL].days, 100)}
                ),
            },
        )


_OF_HOSTING = ("hosting", "instance_type", "address", "private_address", "machine")
"""Keys of a server that depend on where it is."""

_WHOLE = {
    Server: Drawer.server,
    AgreedObjectives: Drawer.agreed,
    # Whose account is shared must be another stack that is there: it has tests of its own.
    Aws: lambda self: self.fields(Aws, without=("shares_account_with",)).filter(
        lambda aws: (
            aws["region"] != aws["backup_region"] and aws.get("backup_account_id") != aws["account_id"]
        )
    ),
    Network: lambda self: self.fields(Network).filter(
        lambda network: (network.get("vpc_id") is None) == (network.get("subnet_id") is None)
    ),
}
"""Models whose fields depend on one another."""

_PLACES = {
    (Customer, "hub"): lambda self: st.sampled_from(sorted(self.project.provider.hubs)),
    (Customer, "users"): lambda self: self.of(Customer.model_fields["users"].annotation).filter(
        lambda users: not self.reserved & set(users)
    ),
    (Term, "term_months"): lambda self: st.integers(self.project.contract.term.minimum_months, 1200),
    (Server, "instance_type"): lambda self: st.sampled_from(sorted(self.project.instance_types.types)),
    (Server, "debian"): lambda self: st.sampled_from(sorted(self.project.debian.releases)),
    (Server, "disk_gb"): lambda self: st.integers(least_disk_gb(self.project), 200),
    (Server, "data_gb"): lambda self: st.none() | st.integers(least_disk_gb(self.project, system=False), 200),
    (Maintenance, "time"): lambda _: st.sampled_from(BY_DAY),
}
"""Fields that other files decide on."""

IDS = st.from_regex(re.compile(kinds.CustomerId.__metadata__[0].func.regex), fullmatch=True)
