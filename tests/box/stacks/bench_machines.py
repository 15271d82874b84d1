"""How long things take on real machines: no test, but run by `make bench`, and told in docs/bench.md.

It asserts that what it measures took place, never how long that took. It works on the same machines as the
tests beside it, and needs them for itself alone.
"""

import os
import shutil
import statistics
import threading
import time

import pytest

from tests.box.stacks.ansible import VERSION, Ansible
from tests.box.stacks.fleet import HEARTBEATS, until
from tests.box.stacks.standing import converged, start
from tests.box.stacks.test_checks import NOT_IN_A_BOX, outcomes
from tests.box.stacks.watching import mails, settle

ROUNDS = int(os.environ.get("MANAGED_SERVER_BENCH_ROUNDS", "3"))
RECEIVED = 600  # seconds for an urgent page; it gives up after that
SLOWER = 3600  # for all others


@pytest.fixture
def say(capfd):
    """Prints a line at once: what programs print is kept from between them."""

    def line(text):
        with capfd.disabled():
            print(text, flush=True)  # noqa: T201

    return line


def row(say, name, seconds):
    """Print one row, as tests/bench.py does."""
    low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
    runs = f"{len(seconds)} run{'s' if len(seconds) > 1 else ''}"
    say(f"{name:<64} {middle:8.1f} s  ({low:.1f} to {high:.1f}, {runs})")


def timed(run):
    """Seconds that something takes; it must succeed."""
    began = time.monotonic()
    done = run()
    took = time.monotonic() - began
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return took


# converging


def test_converging(fleet, web1, admin, say):
    bare = [from_nothing(fleet, web1) for _ in range(ROUNDS)]
    row(say, "bare image, switched on, to converged", bare)
    address = web1.box.machine.addresses[0]

    def by_ssh(*command):
        return admin.ssh("alice", address, "sudo", *command, timeout=600)

    assert web1.converge().returncode == 0
    assert web1.changes() == []
    real, dry, other = [], [], []
    with Ansible(web1, admin) as ansible:
        for _ in range(ROUNDS):  # in turn, so that all three meet the same load
            real.append(timed(lambda: by_ssh("managed-converge")))
            assert web1.changes() == []
            dry.append(timed(lambda: by_ssh("managed-converge", "--noop")))
            other.append(timed(ansible.check))
    row(say, "second converge, nothing to do, by SSH", real)
    row(say, "managed-converge --noop, by SSH", dry)
    row(say, f"ansible-playbook --check (ansible-core {VERSION}), by SSH", other)


def from_nothing(fleet, server):
    """Seconds in which a machine that has nothing but the image is what its bundle says."""
    server.box.power_off()
    shutil.rmtree(server.box.folder)
    began = time.time()
    converged(start(fleet, server.customer.id), threading.Event())
    written = server.box.run(["stat", "-c", "%.Y", f"{HEARTBEATS}/converge"], check=True).stdout
    return float(written) - began


# pages


class Outage:
    """All units of one entry of the catalogue are stopped, and Nagios is waited for."""

    def __init__(self, server, mail, origin):
        self.server, self.mail, self.origin = server, mail, origin
        self.units = [
            unit.name
            for unit in server.spec.units
            if unit.origin == origin and unit.state == "running" and not server.spec.needs(unit.origin)
        ]
        self.began = self.over = 0.0

    def stop(self):
        self.began = time.time()
        self.server.box.run(["systemctl", "stop", *self.units], check=True)

    def start(self):
        self.over = time.time()
        self.server.box.run(["systemctl", "start", *self.units], check=True)

    def _after(self, since, name, start):
        host = self.server.spec.host_name
        about = f"{host}: {name} is" if name else f"{host} is"
        for mail in mails(self.mail, since):
            if mail.subject.startswith(start) and about in mail.subject and "WARNING" not in mail.subject:
                return mail.at - since
        return None

    def paged(self, name):
        """Seconds from the stop to the received mail; None before that."""
        return self._after(self.began, name, "[")

    def resolved(self, name):
        """Seconds from the start to the mail that says so; None before that."""
        return self._after(self.over, name, "RESOLVED")


def all_of(checks, when, timeout, said):
    """Seconds of each check, when all have them."""
    until(lambda: all(when(check.name) is not None for check in checks), timeout, said, 1)
    return {check.name: when(check.name) for check in checks}


def noticed_by(server, outage, well):
    """The checks that page, or open a ticket, for the outage."""
    outage.stop()
    try:
        found = outcomes(server, well)
    finally:
        outage.start()
    broken = {name for name, (code, _) in found.items() if code >= 2}  # critical, or can't be carried out
    until(lambda: not sick(server, broken), 60, f"{outage.origin} doesn't come back")
    return [check for check in server.spec.checks if check.name in broken]


def sick(server, names):
    return {name for name, (code, _) in outcomes(server, names).items() if code != 0}


def test_pages(fleet, web1, hub_server, mail, say):
    settle(fleet, hub_server)
    held = [unit.name for unit in web1.spec.units if unit.origin == "converge" and unit.state == "running"]
    web1.box.run(["systemctl", "stop", *held], check=True)  # it would start what is stopped here
    try:
        measure(fleet, web1, hub_server, mail, say)
    finally:
        web1.box.run(["systemctl", "start", *held], check=True)
        assert web1.converge().returncode == 0
    settle(fleet, hub_server)


def measure(fleet, web1, hub_server, mail, say):
    checks = {check.name for check in web1.spec.checks if not web1.spec.needs(check.origin)} - NOT_IN_A_BOX
    well = checks - sick(web1, checks)
    by_origin = {}
    for origin in dict.fromkeys(unit.origin for unit in web1.spec.units):
        # NRPE is what is asked by: its stop is the machine's, as the hub sees it.
        outage = Outage(web1, mail, origin)
        if outage.units and origin not in {"converge", "nrpe"}:
            by_origin[origin] = noticed_by(web1, outage, well)
    say(f"stops that no check has to notice: {', '.join(o for o, c in by_origin.items() if not c)}")

    # Those that may take half an hour are all stopped at once; meanwhile the urgent ones are, in turn.
    slow = {
        origin: Outage(web1, mail, origin)
        for origin, broken in by_origin.items()
        if broken and not any(check.priority == "urgent" for check in broken)
    }
    settle(fleet, hub_server)
    for outage in slow.values():
        outage.stop()
    try:
        urgent(web1, mail, by_origin, say)
        for origin, outage in slow.items():
            found = all_of(by_origin[origin], outage.paged, SLOWER, f"{origin}: no mail")
            for check in by_origin[origin]:
                row(say, f"{check.priority}: {check.name}", [found[check.name]])
    finally:
        for outage in slow.values():
            outage.start()
    until(lambda: not sick(web1, well), 60, "not all is well")
    settle(fleet, hub_server)
    unreachable(web1, mail, say)


def unreachable(web1, mail, say):
    """Nobody answers for the machine any more."""
    found, over = [], []
    for _ in range(ROUNDS):
        outage = Outage(web1, mail, "nrpe")
        outage.stop()
        try:
            found.append(until(lambda outage=outage: outage.paged(""), RECEIVED, "no page", 1))
        finally:
            outage.start()
        over.append(until(lambda outage=outage: outage.resolved(""), RECEIVED, "not over", 1))
    row(say, "urgent: the server can't be reached, page received", found)
    row(say, "urgent: the server can't be reached, its end received", over)


def urgent(web1, mail, by_origin, say):
    found, over = {}, {}
    # Each stop follows upon Nagios' last good look: a page takes about as long as it ever does.
    for origin, broken in by_origin.items():
        checks = [check for check in broken if check.priority == "urgent"]
        for _ in range(ROUNDS if checks else 0):
            outage = Outage(web1, mail, origin)
            outage.stop()
            try:
                paged = all_of(checks, outage.paged, RECEIVED, f"{origin}: no page")
            finally:
                outage.start()
            resolved = all_of(checks, outage.resolved, RECEIVED, f"{origin}: not over")
            for check in checks:
                found.setdefault(check.name, []).append(paged[check.name])
                over.setdefault(check.name, []).append(resolved[check.name])
    for name, seconds in found.items():
        row(say, f"urgent: {name}, page received", seconds)
        row(say, f"urgent: {name}, its end received", over[name])
    mixed = [
        (origin, check)
        for origin, broken in by_origin.items()
        for check in broken
        if check.priority != "urgent"
        and check.name not in found
        and any(c.priority == "urgent" for c in broken)
    ]
    for origin, check in mixed:
        outage = Outage(web1, mail, origin)
        outage.stop()
        try:
            taken = all_of([check], outage.paged, SLOWER, f"{check.name}: no mail")
        finally:
            outage.start()
        row(say, f"{check.priority}: {check.name}", [taken[check.name]])
