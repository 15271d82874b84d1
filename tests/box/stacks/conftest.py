"""The stand: stacks provisioned by the real engine on a local AWS, as real machines; made once (standing.py).

The machines of `gadgets`, with the software that the example hasn't, are for `make soak`: they take as long
as the first ones. There they come up beside the tests of those, and the tests that look at them come last.
"""

import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from managed_server.local.aws import process
from managed_server.local.box import commands
from managed_server.local.box.session import Session
from tests.box.stacks import shared
from tests.box.stacks.backups import Bucket, backed_up
from tests.box.stacks.fleet import Fleet, Place, Server
from tests.box.stacks.shared import Share
from tests.box.stacks.standing import (
    FIRST,
    LATER,
    STAND,
    boots,
    calm,
    converged,
    first_provisioned,
    make_relay,
    provision,
    repository,
    servers,
    start,
    start_each,
)
from tests.box.stacks.vendor import ADDRESS, Vendor
from tests.e2e.support import Clone

SERVERS = [*servers(FIRST), *(pytest.param(name, marks=pytest.mark.soak) for name in servers(LATER))]
"""The names of all machines."""
ADMIN, FOREIGN = "192.0.2.5", "198.18.0.7"
ADMIN6, FOREIGN6 = "2001:db8:100::5", "2001:db8:bad::7"


@pytest.fixture(scope="session")
def share(tmp_path_factory) -> Iterator[Share]:
    """What this process has of the stand: all of it, unless several share one."""
    if STAND is not None:
        Path(STAND).mkdir(parents=True, exist_ok=True)
        yield Share(Path(STAND))
    elif shared.FOLDER is None:
        yield Share(tmp_path_factory.mktemp("stand"))
    else:
        with shared.claimed(Path(shared.FOLDER)) as share:
            yield share


@pytest.fixture(scope="session")
def stand(share) -> Path:
    """Where everything is."""
    return share.stand


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


def looks_at(item: pytest.Item, stacks: Iterable[str], fixtures: set[str]) -> bool:
    """Whether a test is of some of these stacks, by its parameters or by one of these fixtures."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    of = {*stacks, *servers(stacks)}
    return bool(fixtures & set(getattr(item, "fixturenames", ()))) or any(
        value in of for value in parameters.values() if isinstance(value, str)
    )


def looks_at_later(item: pytest.Item) -> bool:
    """Whether a test is of the stacks that come later."""
    return looks_at(item, LATER, {"gadgets"})


def looks_at_hub(item: pytest.Item) -> bool:
    """Whether a test is of the hub as well."""
    return looks_at(item, FIRST[:1], {"hub", "hub_server", "watched", "whole"})


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
def fleet(request, tmp_path_factory, share, stand, keys, progress) -> Iterator[Fleet]:
    """The first stacks up and converged; the others, where a test needs them, on their way."""
    root = repository(stand / "stacks", keys)
    vendor, clone = Vendor(stand / "vendor"), Clone(root, {})
    session = Session(stand / "box", root / ".local", progress)
    ready, ended = threading.Event(), threading.Event()
    try:
        with ThreadPoolExecutor(1) as early:
            early.submit(process.start, root / ".local", progress)  # where it can't, provisioning says why
            vendor.make()
        vendor.enter(root)
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
            local = boots(clone.of(FIRST[0]), stands[FIRST[0]])
            made = Fleet(root, tmp_path_factory.mktemp("work"), local, session, keys)
            wanted = FIRST if any(map(looks_at_hub, request.session.items)) else FIRST[1:]
            if share.first:
                start_each(made, clone, stands)
            else:
                made.know(start(made, *wanted))
            if any(looks_at_later(item) for item in request.session.items):
                made.others = pool.submit(bring, clone, made, ready, ended, progress)
            try:
                if share.first:
                    converged(made.servers.values(), ended)
                    for provided in stands.values():
                        provided.result()
                if share.shared:
                    if share.first:
                        shared.copy(stand, session)
                        share.made()
                        made.servers.clear()
                        made.know(start(made, *wanted))
                    calm(made.servers.values())
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
