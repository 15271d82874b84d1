"""The stand: stacks provisioned by the real engine on a local AWS, as real machines; made once."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from managed_server.bundle import build
from managed_server.inputs import load_project
from managed_server.local.aws import process
from managed_server.local.box import commands, image
from managed_server.local.box.session import Session
from managed_server.resolve import load_customer
from tests.box.stacks.backups import Bucket, backed_up
from tests.box.stacks.fleet import Fleet, Place, Server
from tests.box.stacks.vendor import ADDRESS, NAME, Vendor
from tests.conftest import ROOT
from tests.e2e.support import Clone, copy_repository

STACK_FILES = {
    "hub": ROOT / "stacks/Pulumi.hub.yaml",
    "example": ROOT / "stacks/Pulumi.example.yaml",
    "gadgets": Path(__file__).with_name("gadgets.yaml"),
}
FIRST, LATER = ("hub", "example"), ("gadgets",)
"""Stacks whose machines converge while the others are provisioned, which mostly waits."""
SERVERS = [
    f"{stack}-{name}"
    for stack, path in STACK_FILES.items()
    for name in yaml.safe_load(path.read_text())["config"]["managed-server:customer"]["servers"]
]
"""The names of all machines."""
OFFICE, ADMIN, FOREIGN = "203.0.113.1", "192.0.2.5", "198.18.0.7"
ADMIN6, FOREIGN6 = "2001:db8:100::5", "2001:db8:bad::7"


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


@pytest.fixture(scope="session")
def fleet(tmp_path_factory, stand, keys, progress) -> Iterator[Fleet]:
    """Everything up and converged."""
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
    try:
        new = process.status(root / ".local") is None
        if new:
            provision(clone, FIRST, progress)
        local = process.status(root / ".local")
        assert local is not None
        made = Fleet(root, tmp_path_factory.mktemp("work"), local, session, keys)
        session.network.start()  # the vendor answers before the first machine asks
        serve = ["python3", "-u", "-m", "http.server", "80", "--directory", str(stand / "vendor" / "www")]
        make_relay(stand / "mail")
        relay = [sys.executable, "-I", str(Path(__file__).with_name("relay.py")), str(stand / "mail"), "587"]
        with (
            made.at("vendor", ADDRESS).started(serve),
            made.at("relay", commands.RELAY).started(relay),
        ):
            start(made, FIRST)
            if new:
                provision(clone, LATER, progress)
            start(made, LATER)
            converged(made)
            yield made
    finally:
        if STAND is None:
            session.down()
            clone.managed("local", "down")


def adapt(root: Path, stack: str, keys: Path) -> None:
    """Put the keys of these tests into a stack file, and maintenance far from now: in it nobody is paged."""
    path = root / "stacks" / f"Pulumi.{stack}.yaml"
    data = yaml.safe_load(path.read_text())
    customer = data["config"]["managed-server:customer"]
    for name, user in customer["users"].items():
        if (keys / name).exists():
            user["keys"] = [(keys / f"{name}.pub").read_text().strip()]
    day = f"{datetime.now(tz=UTC) + timedelta(days=3):%A}".lower()
    for server in customer["servers"].values():
        window = server.setdefault("maintenance", {"time": "07:00", "reboot": "if-needed"})
        window["day"] = day
    path.write_text(yaml.safe_dump(data, sort_keys=False))


def provision(clone: Clone, stacks: Sequence[str], progress) -> None:
    """Provision stacks by the real engine; the image is built beside it, as that mostly waits."""
    with ThreadPoolExecutor(1) as pool:
        base = pool.submit(image.base, 13, progress)
        done = clone.managed("local", "up", *stacks)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
        base.result()


def start(fleet: Fleet, stacks: Sequence[str] = tuple(STACK_FILES)) -> None:
    """Start the machines of stacks."""
    project = load_project(fleet.root)
    machines = commands.standing(fleet.root, project.provider, fleet.local, stacks)
    fleet.session.up(
        machines,
        hub=str(project.provider.hubs["hub"].ipv4),
        office=OFFICE,
        aliases={str(project.provider.mail.relay): commands.RELAY, NAME: ADDRESS},
    )
    for stack in stacks:
        customer = load_customer(fleet.root, stack)
        for server in customer.servers:
            box = fleet.session.box(server.host_name)
            bundle = build(fleet.root / "templates", customer, server)
            fleet.servers[server.host_name] = Server(fleet, customer, server, box, bundle)


def converged(fleet: Fleet) -> None:
    """Wait until all machines are what their bundles say."""

    def wait(server: Server) -> None:
        if STAND is not None and server.heartbeat():  # it has stood since an earlier run
            server.converge()
        server.wait()
        if server.spec.linked:  # by itself it would learn within a minute where the others are
            server.box.run(["systemctl", "start", "managed-peers"], check=True)

    with ThreadPoolExecutor() as pool:
        list(pool.map(wait, fleet.servers.values()))


@pytest.fixture(params=SERVERS)
def server(fleet, request) -> Server:
    """Each of all machines."""
    return fleet.servers[request.param]


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
