"""What a person should know of a stack file, and what must never stop a deploy."""

import datetime
from collections.abc import Iterator

from managed_server import spec
from managed_server.model.customer import Customer
from managed_server.problems import Path
from managed_server.project import Project
from managed_server.proofs import end_of_life, exceptions

Advice = Iterator[tuple[Path, str]]
"""Where, and what to know."""


def advice(
    project: Project, stack: str, customer: Customer, resolved: spec.CustomerSpec, today: datetime.date
) -> Advice:
    """Yield the warnings of a stack: paths within the customer."""
    surcharge = project.contract.fees.surcharge.over_gb
    for server_spec in resolved.servers:
        for message, _ in end_of_life.warnings(project, server_spec, today):
            yield ("servers", server_spec.name, "software"), message
        for message in _too_many_rules(project, server_spec):
            yield ("servers", server_spec.name), message
        for message in _too_little_memory(project, server_spec):
            yield ("servers", server_spec.name), message
    yield from _changing(stack, customer, today)
    for name, server in customer.servers.items():
        if customer.leaves(name):
            continue
        if server.disk_gb + (server.data_gb or 0) > surcharge:
            key, together = ("disk_gb", "") if server.data_gb is None else ("data_gb", "with disk_gb ")
            yield ("servers", name, key), f"{together}over {surcharge} GB: backups may cost a surcharge"
        if server.pin:
            yield ("servers", name, "pin"), "the server keeps an earlier bundle; no change reaches it"
    yield from exceptions.ending(customer.exceptions, today)
    for name, user in customer.users.items():
        if user.expires and user.expires < today:
            yield ("users", name), f"expired on {user.expires}: the account is locked"


def _too_many_rules(project: Project, server: spec.ServerSpec) -> Iterator[str]:
    """Yield where a server's security group has more rules than AWS takes by default: it may be more here."""
    most = project.limits.security_group_rules
    for direction, called in (("in", "inbound"), ("out", "outbound")) if server.hosting == "aws" else ():
        for family in (4, 6):
            rules = sum(
                rule.direction == direction and (rule.peer is not None or rule.family == family)
                for rule in server.rules
            )
            if rules > most:
                yield (
                    f"its security group has {rules} {called} rules of IPv{family}, and AWS takes {most} by "
                    "default: have the quota of the account raised before the deploy, which fails halfway "
                    "else, or write fewer, wider networks (access.ssh_from)"
                )


def _too_little_memory(project: Project, server: spec.ServerSpec) -> Iterator[str]:
    """Yield where what runs on a server may take more memory than it has."""
    own = project.limits.system_memory_mb
    taken = sum(each.mb for each in server.memory) + own
    if taken > server.memory_mb:
        parts = ", ".join(f"{each.origin} {each.mb} ({each.purpose})" for each in server.memory)
        yield (
            f"what runs on it may take {taken} MiB of memory, and it has {server.memory_mb}: {parts}, the "
            f"system {own}. The kernel then ends what takes most: write smaller settings, or a larger "
            f"{'instance_type' if server.hosting == 'aws' else 'machine'}"
        )


def _changing(stack: str, customer: Customer, today: datetime.date) -> Advice:
    """Yield what the stack file says of servers only for a while."""
    for name, server in sorted(customer.servers.items()):
        if customer.leaves(name):
            whole = "" if customer.retire else f" {name}"
            yield (
                ("servers", name),
                f"is to be no more: `managed retire {stack}{whole}` sees to it",
            )
        elif server.resize and server.resize < today:
            yield ("servers", name, "resize"), f"{server.resize} is over; take it out"
