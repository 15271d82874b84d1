"""What is wrong with a stack file beyond its form: with the customer, its peers, and resolved servers."""

from collections.abc import Callable, Collection, Iterator

from managed_server import hosting, resolve_account, spec
from managed_server.loading import nearest
from managed_server.model import provider as provider_model
from managed_server.model.catalogue_items import Absent
from managed_server.model.contract import Priority
from managed_server.model.customer import Customer
from managed_server.model.types import CustomerId
from managed_server.problems import Path
from managed_server.project import Project
from managed_server.proofs import retention, schedule
from managed_server.server_checks import contradictions

Wrong = Iterator[tuple[Path, str]]
"""Where, and what to write instead."""


def of_customer(project: Project, stack: str, customer: Customer) -> Wrong:
    """Yield what is wrong with a customer as a whole: paths within it."""
    try:
        CustomerId.__metadata__[0].func(stack)  # type: ignore[attr-defined]
    except ValueError as error:
        yield (), f"the stack's name is the customer id: {error}"
    minimum = project.contract.term.minimum_months
    if customer.contract.term_months < minimum:
        yield (
            ("contract", "term_months"),
            (
                f"{customer.contract.term_months} months is below the contract's minimum of {minimum}; "
                f"write {minimum} or more"
            ),
        )
    if customer.aws.region == customer.aws.backup_region:
        yield (("aws", "backup_region"), "is the servers' own region; off-site backups need another one")
    yield from hosting.twice(customer.servers)
    yield from resolve_account.problems(project, stack, customer.aws)
    own_hub = project.provider.hubs.get(stack)
    if own_hub is not None:
        yield from _of_hub(customer, own_hub)
    reserved = dict.fromkeys(project.debian.accounts, "a Debian system account")
    for entry in project.entries.values():
        if not isinstance(entry.general.accounts, Absent):
            reserved.update(dict.fromkeys(entry.general.accounts, f"an account of {entry.general.title}"))
    for name in customer.users:
        if name in reserved:
            yield (("users", name), f"{name!r} is reserved: {reserved[name]}; choose another user name")


def _of_hub(customer: Customer, hub: provider_model.Hub) -> Wrong:
    """Hold a hub's own stack against what provider.yaml says of the hub: others build on it."""
    aws = customer.aws
    for field, found, wanted in (
        ("account_id", aws.account_id, hub.account_id),
        ("region", aws.region, hub.region),
    ):
        if found != wanted:
            yield ("aws", field), f"{found!r} is not that of the hub in provider.yaml, {wanted!r}"
    for name in sorted(customer.servers)[1:]:
        yield ("servers", name), "a hub's stack has one server: the address in provider.yaml is its"


def of_peers(customer: Customer, name: str, keys: Callable[[Path], Collection[str]]) -> Wrong:
    """Yield what is wrong with a server's peers.

    Args:
        customer: whose server it is.
        name: the server's.
        keys: tells which keys have a value at a path, right or wrong.
    """
    for field in ("peers", "behind"):
        yield from _linked(customer, name, field, keys)


def _linked(customer: Customer, name: str, field: str, keys: Callable[[Path], Collection[str]]) -> Wrong:
    named: tuple[str, ...] = getattr(customer.servers[name], field)
    for index, peer in enumerate(named):
        path = ("servers", name, field, index)
        others = [other for other in customer.servers if other != name]
        if peer == name:
            yield path, "is the server itself; name other servers of this customer"
        elif peer not in others:
            yield path, f"{peer!r} is no server of this stack file{nearest(peer, others)}"
        elif peer in named[:index]:
            yield path, f"{peer!r} is listed twice"
        elif customer.leaves(peer) and not customer.leaves(name):
            yield path, f"{peer!r} is to be retired; take it out"
        else:
            given = {each: keys(("servers", each)) for each in (name, peer)}
            if problem := hosting.peer_problem(customer.servers, given, name, peer):
                yield path, problem


def of_server(project: Project, server: spec.ServerSpec, objectives: dict[Priority, int | None]) -> Wrong:
    """Yield what is wrong with a server that has been resolved: paths within it."""
    if server.peers and not any(listen.reach == "peers" for listen in server.listens):
        yield ("peers",), "no software of the server offers anything to peers; take them out"
    if server.behind and not any(entry.facts.get("http_front") for entry in server.entries):
        yield ("behind",), "no software of the server answers web requests; take it out"
    for message in contradictions(server, objectives):
        yield ("software",), message
    for message in schedule.clashes(project, server):
        yield ("software",), message
    for message in schedule.window_clashes(project, server):
        yield ("maintenance",), message
    for key, message in retention.too_small(project, server):
        yield (key,), message
    wanted = set(server.unsupported_packages)
    for package in sorted(wanted & _supported_packages(project, server)) if wanted else ():
        yield (("unsupported_packages",), f"{package!r} belongs to supported software; take it out")


def _supported_packages(project: Project, server: spec.ServerSpec) -> set[str]:
    found: set[str] = set()
    for entry in server.entries:
        packages = project.entries[entry.id].resolved(server.debian, {}).packages
        if not isinstance(packages, Absent):
            found.update(packages)
    return found
