"""``managed box``: the machines of the stacks that stand on the local AWS.

State lives in ``.local/box/``: ``box.json`` (the plan), a folder for each machine, ``service.log``.
"""

import contextlib
import json
import os
import subprocess
from collections.abc import Collection, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from managed_server.bootstrap import Key, Keys, script
from managed_server.inputs import load_project, load_provider, load_stack, stack_names
from managed_server.local.aws import process as aws
from managed_server.local.aws.client import client
from managed_server.local.box.instances import Instances, Machine
from managed_server.local.box.machine import Box, MachineError
from managed_server.local.box.namespaces import NetworkError
from managed_server.local.box.processes import ProcessError
from managed_server.local.box.session import Session, SessionError
from managed_server.local.debian.host import DebianError
from managed_server.model.customer import Customer
from managed_server.model.provider import Provider
from managed_server.model.types import is_ipv4
from managed_server.resolve import load_customer, resolve_stack
from managed_server.spec import CustomerSpec

LOCAL = ".local"
DRILL = "drill"
"""Folder of the session of `managed drill`."""
RELAY = "203.0.113.100"
"""Where machines look for the provider's mail relay; a client at this address plays it."""
BOOTSTRAP_TIMEOUT = 600.0
"""Seconds that a machine may take until its first bundle is there."""
_EXAMPLE_NETWORK6 = IPv6Address("2001:db8:ec2::")
"""Of machines whose instance has no IPv6: so their firewall's rules for it are exercised as well."""

console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
FAILURES = (SessionError, MachineError, NetworkError, ProcessError, DebianError, aws.LocalAwsError, OSError)


def progress(message: str) -> None:
    """Tell what happens."""
    console.print(f"[dim]·[/] {message}")


def _session(root: Path) -> Session:
    return Session(root / LOCAL / "box", root / LOCAL, progress)


@contextlib.contextmanager
def failing() -> Iterator[None]:
    """Turn a failure into its message and exit code 1."""
    try:
        yield
    except FAILURES as error:
        console.print("error: ", style="red", end="")
        console.print(str(error), markup=False)
        raise SystemExit(1) from error


def _usage(message: str) -> SystemExit:
    console.print("error: ", style="red", end="")
    console.print(message, markup=False)
    return SystemExit(2)


def up(root: Path, stacks: Sequence[str]) -> int:
    """Start the machines of stacks (all that stand, unless named); returns when they have booted."""
    with failing():
        local = aws.status(root / LOCAL)
        if local is None:
            raise SessionError("the local AWS doesn't run, so nothing stands on it: `managed local up` first")
        provider = load_provider(root)
        machines = standing(root, provider, local, stacks)
        if not machines:
            what = ", ".join(stacks) if stacks else "nothing"
            raise SessionError(f"{what} stands on the local AWS without servers: `managed local up` first")
        hubs = {str(hub.ipv4) for hub in provider.hubs.values()}
        hub = next((address for m in machines for address in m.addresses if address in hubs), "")
        networks = [ip_network(str(network)) for network in provider.networks.offices]
        office = next((network for network in networks if isinstance(network, IPv4Network)), None)
        if hub and office is None:
            raise SessionError(
                "provider.yaml has no IPv4 network of an office, from which to ask the hub's pages"
            )
        session = _session(root)
        remove_replaced(session, machines)
        session.up(
            machines,
            hub=hub,
            office=str(next(office.hosts())) if office else "",
            aliases={str(provider.mail.relay): RELAY},
            archives=archives(root, stacks or stack_names(root)),
        )
        bootstrap(root, session, local, [machine for machine in machines if not machine.instance_id])
        plan = session.plan()
        if plan and plan.pages:
            progress(f"the hub's pages: http://127.0.0.1:{plan.pages_port}/")
    return 0


def bootstrap(root: Path, session: Session, local: aws.LocalAws, machines: Sequence[Machine]) -> None:
    """Do what `managed bootstrap` does over SSH, for machines that play no instance and have not had it yet.

    Raises:
        InputError: a stack file is wrong.
        SessionError: a machine can't become what its stack file says.
    """
    for machine in machines:
        box = session.box(machine.name)
        if box.run(["test", "-e", "/etc/managed-server/identity"]).returncode == 0:
            continue
        progress(f"{machine.name}: managed bootstrap")
        customer = load_customer(root, machine.name.removesuffix(f"-{machine.server}"))
        iam = client(local, "iam", machine.account_id, machine.region)
        key = Keys(iam, customer.access_user(machine.server)).make()
        give(root, box, customer, key)


def give(root: Path, box: Box, customer: CustomerSpec, key: Key, *, replaces: bool = True) -> None:
    """Run the script of `managed bootstrap` on a machine.

    Args:
        root: the repository.
        box: the machine.
        customer: whose it is.
        key: that it begins with.
        replaces: whether it takes one of its own at once.

    Raises:
        SessionError: it can't become what its stack file says.
    """
    server = customer.server(box.machine.server)
    text = script(root / "templates", customer, server, key, replaces=replaces)
    done = box.run(["bash", "-s"], timeout=BOOTSTRAP_TIMEOUT, input=text)
    if done.returncode:
        raise SessionError(f"{box.name}: managed bootstrap: {done.stderr.strip()}")


def remove_replaced(session: Session, machines: Sequence[Machine]) -> None:
    """Remove those that play an instance in whose place another one stands now."""
    standing_now = {machine.name: machine.instance_id for machine in machines}
    for name, box in session.boxes().items():
        now = standing_now.get(name, box.machine.instance_id)
        if now != box.machine.instance_id:
            progress(f"{name}: {box.machine.instance_id} is gone, and its machine with it; {now} is new")
            session.remove(name)


def archives(root: Path, stacks: Sequence[str]) -> tuple[str, ...]:
    """The hosts from which the stacks' software comes, besides Debian's: vendors' archives and their keys.

    Raises:
        InputError: a stack file or the catalogue is wrong.
    """
    project = load_project(root)
    servers = [server for stack in stacks for server in resolve_stack(project, stack)[0].servers]
    urls = [
        url for server in servers for source in server.apt_sources for url in (source.uri, source.key_url)
    ]
    return tuple(sorted({host for url in urls if (host := urlsplit(url).hostname)}))


def standing(root: Path, provider: Provider, local: aws.LocalAws, stacks: Sequence[str]) -> list[Machine]:
    """The servers of stacks that stand on the local AWS, as machines.

    Raises:
        InputError: a stack file is wrong, or there is none.
        SessionError: a stack that was named has no server there.
    """
    instances, machines = Instances(local), []
    for stack in stacks or stack_names(root):
        _, customer = load_stack(root, stack)
        linked = {name for name, server in customer.servers.items() if server.peers}
        linked |= {peer for server in customer.servers.values() for peer in server.peers}
        found = []
        for name, server in customer.servers.items():
            tags = {"stack": stack, "server": name}
            for instance in instances.running(customer.aws.account_id, customer.aws.region, tags):
                hub = provider.hubs.get(stack)
                addresses = (
                    [str(address) for address in (hub.ipv4, hub.ipv6) if address]
                    if hub and len(customer.servers) == 1
                    else _addresses(instance)
                )
                found.append(
                    Machine(
                        f"{stack}-{name}", name, customer.aws.account_id, customer.aws.region,
                        instance["InstanceId"], server.debian, tuple(addresses),
                        instance["NetworkInterfaces"][0]["MacAddress"],
                        instance["PrivateIpAddress"] if name in linked else "",
                        "", *instances.volume(customer.aws.account_id, customer.aws.region, instance),
                    )
                )  # fmt: skip
            if server.hosting != "aws":
                found += _elsewhere(instances, customer, f"{stack}-{name}", name, linked)
        if stacks and not found:
            raise SessionError(f"{stack} doesn't stand on the local AWS: `managed local up {stack}` first")
        machines += found
    private = [machine.private for machine in machines if machine.private]
    twice = {address for address in private if private.count(address) > 1}
    if twice:  # each customer has the same network, and there is one router here
        names = ", ".join(machine.name for machine in machines if machine.private in twice)
        raise SessionError(f"{names} have the same private address: start one stack at a time")
    return machines


def _elsewhere(
    instances: Instances, customer: Customer, full_name: str, name: str, linked: Collection[str]
) -> list[Machine]:
    """The machine of a server that is hosted elsewhere, if its stack stands: it has a user there."""
    server, account, region = customer.servers[name], customer.aws.account_id, customer.aws.region
    if not instances.has_user(account, region, f"{full_name}-access-user"):
        return []
    address = str(server.address)
    if not is_ipv4(address):
        progress(f"{full_name}: is known by a name alone, {address}; a machine here needs an address")
        return []
    addresses = (address, _example6(address))
    private = server.private_address or "" if name in linked else ""
    return [Machine(full_name, name, account, region, "", server.debian, addresses, "", private)]


def _example6(address: str) -> str:
    return str(IPv6Address(int(_EXAMPLE_NETWORK6) + int(IPv4Address(address))))


def _addresses(instance: dict[str, Any]) -> list[str]:
    """What the world reaches the instance at."""
    if not instance.get("PublicIpAddress"):
        raise SessionError(f"instance {instance['InstanceId']} has no public address yet")
    given = [
        address["Ipv6Address"]
        for interface in instance["NetworkInterfaces"]
        for address in interface.get("Ipv6Addresses", [])
    ]
    return [instance["PublicIpAddress"], *(given[:1] or [_example6(instance["PublicIpAddress"])])]


def down(root: Path) -> int:
    """Switch all machines off, and remove them, with that of a drill which was killed."""
    local = root / LOCAL
    with failing():
        there = [session.down() for session in (_session(root), Session(local / DRILL, local, progress))]
    console.print("The machines are gone." if any(there) else "There were no machines.")
    return 0


def status(root: Path, *, as_json: bool) -> int:
    """Print the machines; exit code 1 where none runs."""
    with failing():
        session = _session(root)
        plan = session.plan()
        found: list[dict[str, Any]] = [
            {
                "name": box.name,
                "running": box.running(),
                "addresses": list(box.machine.addresses),
                "instance": box.machine.instance_id,
                "folder": str(box.folder),
            }
            for box in session.boxes().values()
        ]
    pages = f"http://127.0.0.1:{plan.pages_port}/" if plan and plan.pages else None
    if as_json:
        print(json.dumps({"machines": found, "pages": pages}, indent=1))  # noqa: T201
    else:
        table = Table("machine", "state", "addresses", "instance", box=None)
        for item in found:
            state = "runs" if item["running"] else "off"
            table.add_row(str(item["name"]), state, "\n".join(item["addresses"]), str(item["instance"]))
        out = Console(highlight=False, soft_wrap=True, emoji=False)
        out.print(table if found else "no machines: `managed box up`")
        if pages:
            out.print(f"the hub's pages: {pages}")
    return 0 if any(item["running"] for item in found) else 1


def shell(root: Path, name: str, argv: Sequence[str]) -> int:
    """Run a program on a machine as root (a shell, unless named), on this terminal; returns its exit code."""
    with failing():
        session = _session(root)
        if name not in session.boxes():
            raise _usage(f"no machine {name!r}; there are: {', '.join(session.boxes()) or 'none'}")
        term = {"TERM": os.environ.get("TERM", "dumb")}
        command = session.box(name).command(list(argv) or ["bash", "--login"], term)
        return subprocess.run(command, check=False).returncode


def logs(root: Path, name: str, *, follow: bool) -> int:
    """Print a machine's journal."""
    return shell(root, name, ["journalctl", "--no-pager", *(["--follow"] if follow else [])])
