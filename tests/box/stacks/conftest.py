"""The stand: stacks provisioned by the real engine on a local AWS, as real machines; made once.

Provisioning mostly waits, and so do the tests of a machine, while a machine's first converge takes minutes
of a processor. So the example is provisioned beside its hub, from when that one's bucket is there. The
machines of `gadgets`, with the software that the example hasn't, are for `make soak`: they take as long
again. There they come up beside the tests of the first two stacks, and the tests that look at them come last.
"""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from managed_server.bundle import build
from managed_server.inputs import load_project
from managed_server.local.aws import process
from managed_server.local.aws.client import session as clients
from managed_server.local.box import commands, image
from managed_server.local.box.session import Session
from managed_server.resolve import load_customer
from tests.box.stacks.backups import Bucket, backed_up
from tests.box.stacks.fleet import CONVERGE_TIMEOUT, Fleet, Place, Server, until
from tests.box.stacks.vendor import ADDRESS, NAME, Vendor
from tests.conftest import ROOT
from tests.e2e.support import UP, Clone, copy_repository

STACK_FILES = {
    "hub": ROOT / "stacks/Pulumi.hub.yaml",
    "example": ROOT / "stacks/Pulumi.example.yaml",
    "gadgets": Path(__file__).with_name("gadgets.yaml"),
}
FIRST, LATER = ("hub", "example"), ("gadgets",)
"""Stacks that stand when the first test begins, and those that come up beside it if a test looks at them."""


def servers(stacks: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The servers of stacks as their files have them, by the names of their machines."""
    files = {stack: yaml.safe_load(STACK_FILES[stack].read_text()) for stack in stacks}
    return {
        f"{stack}-{name}": server
        for stack, file in files.items()
        for name, server in file["config"]["managed-server:customer"]["servers"].items()
    }


SERVERS = [*servers(FIRST), *(pytest.param(name, marks=pytest.mark.soak) for name in servers(LATER))]
"""The names of all machines."""
OFFICE, ADMIN, FOREIGN = "203.0.113.1", "192.0.2.5", "198.18.0.7"
ADMIN6, FOREIGN6 = "2001:db8:100::5", "2001:db8:bad::7"


LIFE_CYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"

STAND = os.environ.get("MANAGED_SERVER_TEST_STAND")
"""A folder in which machines are left standing, for whoever writes these tests: the next run goes on."""


@pytest.fixture(scope="session")
def stand(tmp_path_factory) -> Path:
    """Where everything is."""
    if STAND is None:
        return tmp_path_factory.mktemp("stand")
    Path(STAND).mkdir(parents=True, exist_ok=True)
    return Path(STAND)


@pytest.fixture(scope="session")
def keys(stand):
    """An SSH key for each user of the customers, made for these tests."""
    folder = stand / "keys"
    if folder.exists():
        return folder
    folder.mkdir()
    for name in ("alice", "bob", "carol", "other"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{name}@widgets.example"]
        subprocess.run([*command, "-f", str(folder / name)], check=True)
    return folder


def looks_at_later(item: pytest.Item) -> bool:
    """Whether a test is of the stacks that come later."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    of = {*LATER, *servers(LATER)}
    return "gadgets" in getattr(item, "fixturenames", ()) or any(
        value in of for value in parameters.values() if isinstance(value, str)
    )


def waits(item: pytest.Item) -> bool:
    """Whether a test waits for the stacks that come later, if there are any."""
    return looks_at_later(item) or "whole" in getattr(item, "fixturenames", ())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that wait for all stacks behind the others, and those that give a machine up behind all."""
    folder = Path(__file__).parent
    here = [item for item in items if item.path.parent == folder]
    ordered = iter(sorted(here, key=lambda item: (item.path.name.startswith("test_zz"), waits(item))))
    items[:] = [next(ordered) if item.path.parent == folder else item for item in items]


@pytest.fixture(scope="session")
def fleet(request, tmp_path_factory, stand, keys, progress) -> Iterator[Fleet]:
    """The first stacks up and converged; the others, where a test needs them, on their way."""
    root = stand / "stacks"
    if not root.exists():
        root.mkdir()
        copy_repository(root)
        for stack, path in STACK_FILES.items():
            shutil.copy(path, root / "stacks" / f"Pulumi.{stack}.yaml")
            adapt(root, stack, keys)
    vendor = Vendor(stand / "vendor")
    vendor.make()
    vendor.enter(root)
    clone = Clone(root, {})
    session = Session(stand / "box", root / ".local", progress)
    ready, ended = threading.Event(), threading.Event()
    try:
        session.network.start()  # the vendor answers before the first machine asks
        serve = ["python3", "-u", "-m", "http.server", "80", "--directory", str(stand / "vendor" / "www")]
        make_relay(stand / "mail")
        relay = [sys.executable, "-I", str(Path(__file__).with_name("relay.py")), str(stand / "mail"), "587"]
        with (
            first_provisioned(clone, progress) as stands,
            Place.of(session, keys, "vendor", ADDRESS).started(serve),
            Place.of(session, keys, "relay", commands.RELAY).started(relay),
            ThreadPoolExecutor(1) as pool,
        ):
            made = None
            for stack, provided in stands.items():
                local = boots(clone.of(stack), provided)
                made = made or Fleet(root, tmp_path_factory.mktemp("work"), local, session, keys)
                made.know(start(made, stack))
            if any(looks_at_later(item) for item in request.session.items):
                made.others = pool.submit(bring, clone, made, ready, ended, progress)
            try:
                converged(made.servers.values(), ended)
                for provided in stands.values():
                    provided.result()
                ready.set()
                yield made
            finally:
                ended.set()
                ready.set()
                if STAND is None and made.others and not made.others.done():
                    process.stop(root / ".local")  # else what is being provisioned would be waited for
    finally:
        with ExitStack() as ends:  # each, also where another one fails
            if STAND is None:
                ends.callback(clone.managed, "local", "down")
                ends.callback(session.down)
            ends.callback(vendor.end)


def bring(
    clone: Clone, fleet: Fleet, ready: threading.Event, ended: threading.Event, progress
) -> list[Server]:
    """Provision the later stacks, start their machines and wait for them, unless the tests have ended.

    The machines leave the processor to the first ones until those are `ready`: tests wait for them.
    """
    for stack in LATER:
        if not ended.is_set():
            provision(clone, stack, progress)
    ready.wait()
    found: list[Server] = []
    for stack in LATER:
        if not ended.is_set():
            found += start(fleet, stack)
    converged(found, ended)
    return found


@pytest.fixture(scope="session")
def whole(fleet) -> Fleet:
    """Everything that this run is of, up and converged."""
    if fleet.others:
        fleet.know(fleet.others.result())
    return fleet


@pytest.fixture(scope="session")
def gadgets(whole) -> dict[str, Server]:
    """The servers of that stack, by their names in its file."""
    return {server.spec.name: server for server in whole.servers.values() if server.customer.id == "gadgets"}


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

        def ready() -> bool:
            local = process.status(clone.path / ".local")
            if local is None or spec.runs_hub is None:
                return False
            s3 = clients(local, spec.account_id, spec.region).client("s3")
            return spec.runs_hub.fleet_bucket in {each["Name"] for each in s3.list_buckets()["Buckets"]}

        until(lambda: hub.done() or ready(), 900, "the hub's bucket isn't there", 1)
        plain = clone.of(stack)
        plain.point_at_local_aws()
        for command in (("stack", "init"), (*UP, "--yes", "--skip-preview")):
            done = plain.pulumi(*command)
            assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    return hub.result()


def boots(clone: Clone, provided: Future[process.LocalAws]) -> process.LocalAws:
    """Wait until a stack's machines may boot, as those of EC2 do before all else stands.

    That is from when nothing is left but rules of life cycles, for which the provider takes a minute.
    """

    def so_far() -> bool:
        resources = clone.deployment().get("resources", ())
        told = any(it["type"] == "pulumi:pulumi:Stack" and it.get("outputs") for it in resources)
        return provided.done() or (told and set(clone.in_flight()) <= {LIFE_CYCLE})

    until(so_far, 900, f"{clone.stack} isn't provisioned", 1)
    local = provided.result() if provided.done() else process.status(clone.path / ".local")
    assert local is not None
    return local


def provision(clone: Clone, stack: str, progress) -> process.LocalAws:
    """Provision a stack by the real engine; the image is built beside it, as that mostly waits."""
    local = process.status(clone.path / ".local")
    if not stands_already(clone, stack):
        with ThreadPoolExecutor(1) as pool:
            base = pool.submit(image.base, 13, progress)
            done = clone.managed("local", "up", stack)
            assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
            base.result()
        local = process.status(clone.path / ".local")
    assert local is not None
    return local


def start(fleet: Fleet, stack: str) -> list[Server]:
    """Start the machines of a stack, and return its servers."""
    project = load_project(fleet.root)
    machines = commands.standing(fleet.root, project.provider, fleet.local, [stack])
    fleet.session.up(
        machines,
        hub=str(project.provider.hubs["hub"].ipv4),
        office=OFFICE,
        aliases={str(project.provider.mail.relay): commands.RELAY, NAME: ADDRESS},
    )
    customer = load_customer(fleet.root, stack)
    found = []
    for server in customer.servers:
        box = fleet.session.box(server.host_name)
        bundle = build(fleet.root / "templates", customer, server)
        found.append(Server(fleet, customer, server, box, bundle))
    return found


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

    with ThreadPoolExecutor() as pool:
        try:
            list(pool.map(wait, servers))
        except BaseException:
            ended.set()  # else all the others would be waited for
            raise


@pytest.fixture(params=["first", *(pytest.param(stack, marks=pytest.mark.soak) for stack in LATER)])
def watched(fleet, request) -> Fleet:
    """The first stacks as the hub watches them, or all."""
    if request.param in LATER:
        request.getfixturevalue("whole")
    return fleet


def known(fleet: Fleet, request: pytest.FixtureRequest) -> Server:
    """The machine that a fixture's parameter names, once it stands."""
    if request.param not in fleet.servers:
        request.getfixturevalue("whole")
    return fleet.servers[request.param]


@pytest.fixture(params=SERVERS)
def server(fleet, request) -> Server:
    """Each of all machines."""
    return known(fleet, request)


@pytest.fixture(scope="session")
def web1(fleet) -> Server:
    """The example's server."""
    return fleet.servers["example-web1"]


@pytest.fixture(scope="session")
def admin(fleet):
    """Somebody in the customer's own network."""
    return fleet.at("admin", ADMIN, ADMIN6)


@pytest.fixture(scope="session")
def foreign(fleet):
    """Somebody anywhere."""
    return fleet.at("foreign", FOREIGN, FOREIGN6)


@pytest.fixture(scope="session")
def hub_server(fleet) -> Server:
    """The hub."""
    return fleet.servers["hub-mon1"]


@pytest.fixture(scope="session")
def hub(fleet):
    """Somebody on the hub itself."""
    box = fleet.session.box("hub-mon1")
    return Place(fleet.session.network.namespace(box.name), fleet.keys, box.machine.addresses)


@pytest.fixture(scope="session")
def mail(stand):
    """The folder in which the provider's relay keeps what it gets."""
    return stand / "mail"


@pytest.fixture(scope="module")
def backup(web1):
    """A site and databases, backed up; their state."""
    with backed_up(web1) as before:
        yield before


@pytest.fixture
def bucket(web1, backup):  # noqa: ARG001
    """The bucket; what a test adds to it is removed."""
    made = Bucket(web1)
    with made.kept():
        yield made


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
