"""A session: machines, their network, and the service behind it, in one folder and under one prefix of names.

Everything that runs is in one control group, everything in the network has the prefix, every mount ends with
its process, and every file is in the folder: so the end of a session is complete, whatever was killed before.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from managed_server.local.box import image, processes
from managed_server.local.box import plan as plans
from managed_server.local.box.instances import Machine
from managed_server.local.box.machine import BOOT_TIMEOUT, Box
from managed_server.local.box.network import Network
from managed_server.local.box.service import MODULE, OFFICE
from managed_server.local.debian import host
from managed_server.local.debian.tree import cache_directory

PROGRAMS = (*host.PROGRAMS, "systemd-nspawn", "nsenter", "ip", "nft", "sysctl", "losetup")
START_TIMEOUT = 30.0  # seconds for the service

Progress = Callable[[str], None]


class SessionError(Exception):
    """A session can't be started; the message says why."""


class Session:
    """One session. Any number may run at once, each in a folder of its own."""

    def __init__(self, folder: Path, aws_folder: Path, progress: Progress) -> None:
        """Look at a session, without starting anything.

        Args:
            folder: holds all of it; made by `up`, removed by `down`.
            aws_folder: state folder of the local AWS whose instances the machines play.
            progress: told what happens, in single lines.
        """
        self.folder = folder.resolve()
        self.prefix = "box-" + hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:8]
        self.network = Network(self.prefix)
        self._aws_folder = aws_folder.resolve()
        self._progress = progress

    # What there is

    def plan(self) -> plans.Plan | None:
        """What the session was started with; None without one."""
        return plans.load(self.folder)

    def boxes(self) -> dict[str, Box]:
        """The machines by name, running or not."""
        now = self.plan()
        return {machine.name: self._box(machine) for machine in now.machines} if now else {}

    def box(self, name: str) -> Box:
        """One machine.

        Raises:
            SessionError: there is none of that name.
        """
        boxes = self.boxes()
        if name not in boxes:
            raise SessionError(f"no machine {name!r}; there are: {', '.join(boxes) or 'none'}")
        return boxes[name]

    def _box(self, machine: Machine) -> Box:
        packages = cache_directory() / f"packages-{machine.release}"
        return Box(self.folder / "machines" / machine.name, machine, self.network, packages)

    # Up

    def up(
        self, machines: Sequence[Machine], *, hub: str, office: str, aliases: dict[str, str],
        archives: Sequence[str] = (), timeout: float = BOOT_TIMEOUT,
    ) -> None:  # fmt: skip
        """Start machines, besides those that run already, and wait until they have booted.

        Args:
            machines: to start.
            hub: address of the machine whose pages the host's loopback offers; empty for none.
            office: address that they are asked from; empty without a hub.
            aliases: names that all machines know, with their addresses.
            archives: hosts of vendors' package archives, which are reached by way of this host.
            timeout: seconds that a boot may take.

        Raises:
            DebianError: this host can't, or the image can't be built.
            MachineError, NetworkError, ProcessError, SessionError: what didn't come up.
        """
        host.check_host(PROGRAMS)
        bases = {
            release: image.base(release, self._progress)
            for release in sorted({machine.release for machine in machines})
        }
        with self._alone():
            before = self.plan()
            now = self._planned(machines, bases, hub, aliases, archives)
            if before is not None and before.mirrors != now.mirrors:
                processes.end_group(self._service_group)  # it listens for those that it began with
            self.network.start()
            for address in (plans.METADATA, plans.AWS, *(mirror.address for mirror in now.mirrors)):
                self.network.offer(address)
            self.network.attach(OFFICE, [office] if office else [])
            self._start_service()
            started = [self._start(machine, bases[machine.release], now) for machine in machines]
            for box in started:
                said = box.wait(timeout)
                self._progress(f"{box.name}: {said} at {', '.join(box.machine.addresses)}")
            for box in self.boxes().values():
                if box.running() and box.read("/etc/hosts") != now.hosts():
                    box.write("/etc/hosts", now.hosts())

    def _planned(
        self, machines: Sequence[Machine], bases: dict[int, Path], hub: str, aliases: dict[str, str],
        archives: Sequence[str],
    ) -> plans.Plan:  # fmt: skip
        """The session's plan, with these machines in it, written down."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        now = self.plan() or plans.Plan(
            self.prefix, str(self._aws_folder), (), hub, _free_port(), aliases, ()
        )
        if not now.pages_port:  # of a copy: chosen now, as it is soon used
            now = replace(now, pages_port=_free_port())
        known = {machine.name: machine for machine in now.machines}
        for machine in machines:
            if known.setdefault(machine.name, machine) != machine:
                raise SessionError(
                    f"{machine.name} is another instance now ({machine.instance_id}, was "
                    f"{known[machine.name].instance_id}): `managed box down` first"
                )
        now = replace(
            now, machines=tuple(known.values()), pages=hub or now.pages, aliases={**now.aliases, **aliases},
            mirrors=plans.mirrors(bases.values(), archives, now.mirrors),
        )  # fmt: skip
        now.save(self.folder)
        return now

    def _start(self, machine: Machine, base: Path, now: plans.Plan) -> Box:
        layer = self.folder / f"layer-{machine.release}"
        if not layer.is_dir():
            image.make_layer(layer, base, _aws_environment())
        box = self._box(machine)
        if not box.running():
            self._progress(f"{box.name}: starting")
        box.prepare(base, layer, now.hosts())
        box.start()
        return box

    @property
    def _service_group(self) -> str:
        return f"{self.prefix}/.service"

    def _start_service(self) -> None:
        if processes.recorded(self.folder / "service.pid"):
            return
        group = self._service_group
        processes.end_group(group)
        log = self.folder / "service.log"
        start = log.stat().st_size if log.exists() else 0
        with log.open("ab") as sink:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", MODULE, "--state", str(self.folder)],
                stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
            )  # fmt: skip
        processes.join_group(group, process.pid)
        deadline = time.monotonic() + START_TIMEOUT
        while b"ready" not in log.read_bytes()[start:]:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SessionError(f"the service behind the network doesn't start; see {log}")
            time.sleep(0.05)
        process.returncode = 0  # it outlives us: nobody here waits for it

    def remove(self, name: str) -> None:
        """Switch a machine off and remove it with all that it wrote, as one whose instance is gone.

        Raises:
            SessionError: there is none of that name.
            NetworkError, ProcessError, OSError: what can't be removed.
        """
        with self._alone():
            box, now = self.box(name), self.plan()
            box.power_off()
            self.network.detach(name)
            if box.folder.exists():
                shutil.rmtree(box.folder)
            if now:
                replace(now, machines=tuple(m for m in now.machines if m.name != name)).save(self.folder)

    # For tests of faults

    def client(self, name: str, *addresses: str) -> str:
        """A place without a machine, at these addresses: the name of its network namespace."""
        return self.network.attach(name, addresses)

    def settle(self, layers: Path) -> None:
        """Let what the machines wrote be layers that copies share; all of them are off.

        Args:
            layers: folder on the same file system; it stays as long as this session and any copy.
        """
        layers.mkdir(parents=True)
        for box in self.boxes().values():
            box.settle(layers)

    def copy(self, folder: Path, aws_folder: Path) -> "Session":
        """Another session whose machines begin as these are, on a network of their own; `up` starts them.

        Args:
            folder: of the new one.
            aws_folder: state folder of its local AWS, which has the same instances.

        Raises:
            SessionError: there is no session to copy.
        """
        now, made = self.plan(), Session(folder, aws_folder, self._progress)
        if now is None:
            raise SessionError("no session to copy")
        made.folder.mkdir(mode=0o700, parents=True)
        volumes = self.folder / "volumes"
        if volumes.exists():  # mostly holes
            subprocess.run(["cp", "-a", "--sparse=always", volumes, made.folder], check=True)
        copied = replace(now, prefix=made.prefix, aws_folder=str(made._aws_folder), pages_port=0)
        copied.save(made.folder)
        for name, box in made.boxes().items():
            box.begin_with(self.box(name))
        return made

    def cut(self, what: str, of: str | None = None) -> None:
        """Cut something off: `aws`, `mirror`, `metadata`, or a machine.

        Args:
            what: is cut off.
            of: a machine for which alone it is, until it is switched off; all by default.

        Raises:
            SessionError: there is no such thing.
        """
        self._switch(what, of, on=False)

    def mend(self, what: str, of: str | None = None) -> None:
        """Undo `cut`."""
        self._switch(what, of, on=True)

    def _switch(self, what: str, of: str | None, *, on: bool) -> None:
        now = self.plan()
        if now is None:
            raise SessionError("no session runs")
        places = {
            "aws": [plans.AWS],
            "metadata": [plans.METADATA],
            "mirror": [mirror.address for mirror in now.mirrors],
        }
        addresses = places[what] if what in places else self.box(what).machine.addresses
        if of is not None:
            for address in addresses:
                (self.network.reopen if on else self.network.close)(of, address)
        elif what in places:
            for address in addresses:
                (self.network.offer if on else self.network.withdraw)(address)
        elif on:
            self.network.join(what, addresses)
        else:
            self.network.part(addresses)

    # Down

    def down(self) -> bool:
        """End everything and remove it; return whether there was anything.

        Raises:
            DebianError: this process isn't root, or lacks a program.
            NetworkError, ProcessError, OSError: what can't be removed.
        """
        try:
            host.check_host(PROGRAMS)
        except host.DebianError:
            if self.folder.exists():
                raise
            return False  # who lacks that has started none
        with self._alone():
            there = self.folder.exists()
            with contextlib.suppress(ValueError, TypeError, LookupError):  # a plan that can't be read
                for box in self.boxes().values():
                    box.power_off()
            processes.end_group(self.prefix)
            self.network.stop()
            if there:
                shutil.rmtree(self.folder)
        self._lock_file.unlink(missing_ok=True)
        return there

    @property
    def _lock_file(self) -> Path:
        return self.folder.with_name(self.folder.name + ".lock")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one command at a time change the session."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self._lock_file.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._progress("waiting for another command, which is at work on the same machines")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _aws_environment() -> dict[str, str]:
    """The files that set `AWS_ENVIRONMENT` for services and logins, by path."""
    settings = [f"{name}={value}" for name, value in plans.AWS_ENVIRONMENT.items()]
    return {
        "etc/environment": "".join(f"{setting}\n" for setting in settings),
        "etc/systemd/system.conf.d/box.conf": f"[Manager]\nDefaultEnvironment={' '.join(settings)}\n",
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
