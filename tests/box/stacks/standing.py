"""How stacks come to stand as machines: their files, the engine on the local AWS, boots, first converges.

Provisioning mostly waits, and so do the tests of a machine, while a machine's first converge takes minutes
of a processor. So the example is provisioned beside its hub, from when that one's bucket is there.
"""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from managed_server.bundle import build
from managed_server.inputs import load_project
from managed_server.local.aws import process
from managed_server.local.aws.client import session as clients
from managed_server.local.box import commands, image
from managed_server.local.box.instances import Machine
from managed_server.resolve import load_customer
from tests.box.stacks.fleet import CONVERGE_TIMEOUT, Fleet, Server, until
from tests.box.stacks.vendor import ADDRESS, NAME
from tests.conftest import ROOT
from tests.e2e.support import UP, Clone, copy_repository

STACK_FILES = {
    "hub": ROOT / "stacks/Pulumi.hub.yaml",
    "example": ROOT / "stacks/Pulumi.example.yaml",
    "gadgets": Path(__file__).with_name("gadgets.yaml"),
}
FIRST, LATER = ("hub", "example"), ("gadgets",)
"""Stacks that stand when the first test begins, and those that come up beside it if a test looks at them.

Of the first ones, a process that shares a stand has the hub only where a test looks at it.
"""

OFFICE = "203.0.113.1"
LIFE_CYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
"""Type of what the provider takes a minute for, in which all else stands."""
ADDRESS_GIVEN = "aws:ec2/eipAssociation:EipAssociation"
"""Type of what each server gets late."""
POINTER = "-pointer"
"""End of the name of the object that tells a server its bundle."""
ATTACHMENT = "aws:ec2/volumeAttachment:VolumeAttachment"
"""Type of what the provider looks at for a while after AWS has made it."""

STAND = os.environ.get("MANAGED_SERVER_TEST_STAND")
"""A folder in which machines are left standing, for whoever writes these tests: the next run goes on."""


def servers(stacks: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The servers of stacks as their files have them, by the names of their machines."""
    files = {stack: yaml.safe_load(STACK_FILES[stack].read_text()) for stack in stacks}
    return {
        f"{stack}-{name}": server
        for stack, file in files.items()
        for name, server in file["config"]["managed-server:customer"]["servers"].items()
    }


def repository(root: Path, keys: Path) -> Path:
    """A copy of the repository with the stacks of these tests, if it isn't there yet."""
    if not root.exists():
        root.mkdir()
        copy_repository(root)
        for stack, path in STACK_FILES.items():
            shutil.copy(path, root / "stacks" / f"Pulumi.{stack}.yaml")
            adapt(root, stack, keys)
    return root


def adapt(root: Path, stack: str, keys: Path) -> None:
    """Put the keys of these tests into a stack file, and maintenance far from now: in it nobody is paged.

    The example's server has a data volume besides; a machine without one is the hub's.
    """
    path = root / "stacks" / f"Pulumi.{stack}.yaml"
    data = yaml.safe_load(path.read_text())
    customer = data["config"]["managed-server:customer"]
    for name, user in customer["users"].items():
        if (keys / name).exists():
            user["keys"] = [(keys / f"{name}.pub").read_text().strip()]
    if stack == "example":
        customer["servers"]["web1"]["data_gb"] = 10
    day = f"{datetime.now(tz=UTC) + timedelta(days=3):%A}".lower()
    for server in customer["servers"].values():
        window = server.setdefault("maintenance", {"time": "07:00", "reboot": "if-needed"})
        window["day"] = day
    path.write_text(yaml.safe_dump(data, sort_keys=False))


def make_relay(folder: Path) -> None:
    """Make the folder of a relay, with a certificate."""
    if folder.exists():
        return
    folder.mkdir()
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-days", "30", "-subj", "/CN=mail.hosting.example", "-keyout", str(folder / "relay.key")]
    subprocess.run([*command, "-out", str(folder / "relay.pem")], check=True, capture_output=True)


@contextmanager
def first_provisioned(clone: Clone, progress) -> Iterator[dict[str, Future[process.LocalAws]]]:
    """The first stacks, each from when it stands; who leaves before that waits for none of them."""
    hub, *others = FIRST
    with ThreadPoolExecutor(len(FIRST)) as pool:
        found = {hub: pool.submit(provision, clone, hub, progress)}
        found |= {stack: pool.submit(provision_beside, clone, stack, found[hub]) for stack in others}
        try:
            yield found
        finally:
            if not all(future.done() for future in found.values()):
                process.stop(clone.path / ".local")


def stands_already(clone: Clone, stack: str) -> bool:
    """Whether an earlier run provisioned a stack, and left it standing."""
    return process.status(clone.path / ".local") is not None and clone.of(stack).checkpoint.exists()


def provision_beside(clone: Clone, stack: str, hub: Future[process.LocalAws]) -> process.LocalAws:
    """Provision a stack beside its hub's, from when the bucket is there to which servers are published."""
    if not stands_already(clone, stack):
        spec = load_customer(clone.path, FIRST[0])

        def begun() -> bool:
            return process.status(clone.path / ".local") is not None and bool(clone.of(FIRST[0]).in_flight())

        def ready() -> bool:
            local = process.status(clone.path / ".local")
            if local is None or spec.runs_hub is None:
                return False
            s3 = clients(local, spec.account_id, spec.region).client("s3")
            return spec.runs_hub.fleet_bucket in {each["Name"] for each in s3.list_buckets()["Buckets"]}

        def provided(*command: str) -> None:
            done = plain.pulumi(*command)
            assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]

        plain = clone.of(stack)
        until(lambda: hub.done() or begun(), 900, "the hub isn't provisioned", 0.5)
        plain.point_at_local_aws()
        provided("stack", "init")
        until(lambda: hub.done() or ready(), 900, "the hub's bucket isn't there", 0.5)
        provided(*UP, "--yes")
    return hub.result()


def boots(clone: Clone, provided: Future[process.LocalAws]) -> process.LocalAws:
    """Wait until a stack's machines may boot, as those of EC2 do before all else stands.

    That is from when nothing is left but rules of life cycles, for which the provider takes a minute, and
    attachments (`start` looks whether these are there).
    """

    def so_far() -> bool:
        resources = clone.deployment().get("resources", ())
        addresses = [it for it in resources if it["type"] == ADDRESS_GIVEN]
        pointers = [it for it in resources if it["urn"].endswith(POINTER)]
        complete = len(addresses) == len(pointers) == len(servers([clone.stack]))
        return provided.done() or (complete and set(clone.in_flight()) <= {LIFE_CYCLE, ATTACHMENT})

    until(so_far, 900, f"{clone.stack} isn't provisioned")
    local = provided.result() if provided.done() else process.status(clone.path / ".local")
    assert local is not None
    return local


def provision(clone: Clone, stack: str, progress) -> process.LocalAws:
    """Provision a stack by the real engine; the image is built beside it, as that mostly waits."""
    if not stands_already(clone, stack):
        with ThreadPoolExecutor(1) as pool:
            base = pool.submit(image.base, 13, progress)
            done = clone.managed("local", "up", stack)
            assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
            base.result()
    local = process.status(clone.path / ".local")
    assert local is not None
    return local


def start(fleet: Fleet, *stacks: str) -> list[Server]:
    """Start the machines of stacks, and return their servers."""
    project = load_project(fleet.root)
    customers = [load_customer(fleet.root, stack) for stack in stacks]
    with_volume = {server.host_name for customer in customers for server in customer.servers if server.data}

    def complete() -> list[Machine] | None:
        found = commands.standing(fleet.root, project.provider, fleet.local, stacks)
        return found if with_volume <= {machine.name for machine in found if machine.volume_id} else None

    fleet.session.up(
        until(complete, 60, f"{with_volume} have no volume"),
        hub=str(project.provider.hubs["hub"].ipv4),
        office=OFFICE,
        aliases={str(project.provider.mail.relay): commands.RELAY, NAME: ADDRESS},
    )
    return [
        Server(
            fleet,
            customer,
            server,
            fleet.session.box(server.host_name),
            build(fleet.root / "templates", customer, server),
        )
        for customer in customers
        for server in customer.servers
    ]


def start_each(fleet: Fleet, clone: Clone, stands: Mapping[str, Future[process.LocalAws]]) -> None:
    """Start the machines of the first stacks, those of each as soon as they may boot."""
    for stack, provided in stands.items():
        boots(clone.of(stack), provided)
        fleet.know(start(fleet, stack))


def calm(servers: Iterable[Server]) -> None:
    """Wait until machines that have just booted have started all, and looked for another bundle."""
    for server in servers:
        jobs = ["systemctl", "list-jobs", "--no-legend"]
        until(lambda jobs=jobs, server=server: not server.box.run(jobs).stdout.strip(), 180, "still starting")


def converged(servers: Iterable[Server], ended: threading.Event) -> None:
    """Wait until machines are what their bundles say, or the tests have ended, as by an interruption here."""

    def wait(server: Server) -> None:
        if STAND is not None and server.heartbeat():  # it has stood since an earlier run
            server.converge()
        server.wait(ended)
        # It may be ready before its hub, whose certificate it would get by a timer, minutes later.
        exchange = ["systemctl", "start", "managed-nrpe-trust"]
        until(
            lambda: ended.is_set() or server.box.run(exchange).returncode == 0,
            CONVERGE_TIMEOUT,
            "the hub shows no certificate",
            5,
        )
        if server.spec.linked:  # by itself it would learn within a minute where the others are
            server.box.run(["systemctl", "start", "managed-peers"], check=True)

    found = list(servers)
    with ThreadPoolExecutor() as pool:
        try:
            list(pool.map(wait, found))
        except BaseException:
            ended.set()  # else all the others would be waited for
            raise
    for hub in (server for server in found if server.customer.runs_hub and not ended.is_set()):
        hub.box.run(["systemctl", "start", "managed-fleet"], check=True)  # as its timer does each minute
