"""One machine of a session: start it, run programs in it, pull its plug."""

import contextlib
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from managed_server.local.box import plan, processes
from managed_server.local.box.instances import Machine
from managed_server.local.box.network import Network

BOOT_TIMEOUT = 180.0  # seconds; a boot takes two to four, and user data run in it
_UNUSED = 30 * 86_400  # seconds after which a package that no machine has installed is downloaded anew
STOP_TIMEOUT = 60.0
POLL = 0.1

_POWER_OFF, _REBOOT = signal.SIGRTMIN + 4, signal.SIGRTMIN + 5  # systemd(1), signals
_BOOTED = ("running", "degraded")
_BOOT_TARGETS = ("multi-user.target", "cloud-init.target")
"""The second one only where the machine plays an instance."""
_BY_HAND = {
    "etc/cloud/cloud-init.disabled": "",
    # Debian's image has no host keys, as cloud-init makes them.
    "etc/systemd/system/ssh.service.d/box.conf": (
        "[Service]\nExecStartPre=\nExecStartPre=/usr/bin/ssh-keygen -A\nExecStartPre=/usr/sbin/sshd -t\n"
    ),
}
_ENVIRONMENT = {
    **plan.AWS_ENVIRONMENT,
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root", "LC_ALL": "C.UTF-8", "TERM": "dumb", "DEBIAN_FRONTEND": "noninteractive",
}  # fmt: skip


class MachineError(Exception):
    """A machine didn't do what it was told; the message says which, and where its console is written."""


class Box:
    """A machine, running or not. Its files stay until the session ends, however it is switched off."""

    def __init__(self, folder: Path, machine: Machine, network: Network, packages: Path) -> None:
        """`folder`: of the machine alone; `packages`: what apt downloaded, for all machines and sessions."""
        self.folder, self.machine, self._network, self._packages = folder, machine, network, packages
        self._group = f"{network.prefix}/{machine.name}"
        self.console = folder / "console.log"

    @property
    def name(self) -> str:
        """Of the machine."""
        return self.machine.name

    # Life

    def prepare(self, base: Path, layer: Path, hosts: str) -> None:
        """Make the machine's folder, unless it is there.

        Args:
            base: the tree it starts from.
            layer: files over it.
            hosts: text of /etc/hosts.
        """
        if (self.folder / "base").is_symlink():
            return
        for name in ("upper", "upper/etc", "archives", "archives/partial", "hypervisor", "root"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            (self.folder / name).chmod(0o755)  # whatever the umask: the machine's accounts look at it
        (self.folder / "upper/etc/hosts").write_text(hosts, encoding="utf-8")
        (self.folder / "upper/etc/hosts").chmod(0o644)
        self._take_packages()
        if self.machine.instance_id:
            self._be_an_instance()
        else:
            self._be_as_installed_by_hand()
        (self.folder / "layer").symlink_to(layer)
        (self.folder / "base").symlink_to(base)  # last: a machine that has it is complete

    def _be_an_instance(self) -> None:
        """Have what an instance on Xen has: cloud-init knows EC2 by it, and nothing else in a container."""
        digest = hashlib.sha256(self.machine.instance_id.encode()).hexdigest()
        uuid = f"ec2{digest[:5]}-{digest[5:9]}-4{digest[9:12]}-8{digest[12:15]}-{digest[15:27]}"
        (self.folder / "hypervisor/uuid").write_text(uuid + "\n", encoding="ascii")

    def _be_as_installed_by_hand(self) -> None:
        """Nobody tells the machine anything at its boot, and it has SSH's host keys."""
        for name, text in _BY_HAND.items():
            path = self.folder / "upper" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            for folder in [each for each in path.parents if each.is_relative_to(self.folder / "upper")]:
                folder.chmod(0o755)
            path.write_text(text, encoding="ascii")
            path.chmod(0o644)

    def settle(self, layers: Path) -> None:
        """Let what it wrote so far be one more layer below it, which copies may share; it is off. Once.

        Args:
            layers: folder on the same file system that keeps the layer, by the machine's name.

        Raises:
            MachineError: it has been done, or the machine runs.
        """
        if self.running() or (self.folder / "written").is_symlink():
            raise MachineError(f"{self.name} runs, or what it wrote is a layer already")
        written = layers.resolve() / self.name
        (self.folder / "upper").rename(written)
        self._below(written)

    def begin_with(self, other: "Box") -> None:
        """Begin with what another one settled; `prepare` makes the rest."""
        self.folder.mkdir(parents=True)
        self._below((other.folder / "written").resolve(strict=True))

    def _below(self, written: Path) -> None:
        (self.folder / "upper").mkdir()
        (self.folder / "upper").chmod(0o755)
        (self.folder / "written").symlink_to(written)

    def running(self) -> bool:
        """Whether it is switched on."""
        return processes.recorded(self.folder / "machine.pid") is not None

    def start(self) -> None:
        """Switch it on, if it is off; `wait` until it has booted.

        Raises:
            ProcessError: what an earlier run left can't be ended.
        """
        if self.running():
            return
        processes.end_group(self._group)
        self._network.detach(self.name)  # what it set in its network goes with a boot
        namespace = self._network.attach(
            self.name, self.machine.addresses, self.machine.mac, self.machine.private
        )
        if not self.machine.instance_id:
            self._network.close(self.name, plan.METADATA)
        volume = [str(self._volume()), self.machine.volume_device] if self.machine.volume_id else []
        with self.console.open("ab") as console:
            process = subprocess.Popen(
                processes.private("start-machine.sh", self._group, namespace, self.name, *volume),
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                start_new_session=True,
            )  # fmt: skip
        processes.record(self.folder / "machine.pid", process.pid)
        process.returncode = 0  # it outlives us: nobody here waits for it

    def _volume(self) -> Path:
        """The volume for data, as a file of the session's: it outlives the machine, as EC2's does."""
        image = self.folder.parent.parent / "volumes" / f"{self.machine.volume_id}.img"
        image.parent.mkdir(exist_ok=True)
        with image.open("ab") as file:
            file.truncate(max(self.machine.volume_gb << 30, file.tell()))
        return image

    def wait(self, timeout: float = BOOT_TIMEOUT, *, other_than: int | None = None) -> str:
        """Wait until it has booted, its user data included.

        Args:
            timeout: seconds.
            other_than: leader of an earlier boot, which doesn't count.

        Returns:
            systemd's word: `running`, or `degraded` where a unit failed.

        Raises:
            MachineError: it went off, or took longer.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            leader = self.leader()
            if leader is not None and leader != other_than:
                said = self._said()
                if said in _BOOTED:
                    return said
            elif not self.running():
                raise MachineError(f"{self.name} went off while it booted: {self._tail()}")
            time.sleep(POLL)
        raise MachineError(f"{self.name} has not booted within {timeout:.0f} s: {self._tail()}")

    def _said(self) -> str:
        try:
            said = self.run(["systemctl", "is-system-running"], timeout=10).stdout.strip()
            # A job that a timer started early, such as a first converge, keeps systemd at that to its end.
            if said == "starting":
                targets = _BOOT_TARGETS if self.machine.instance_id else _BOOT_TARGETS[:1]
                reached = self.run(["systemctl", "is-active", *targets], timeout=10).stdout.split()
                said = _BOOTED[0] if reached == ["active"] * len(targets) else said
        except (MachineError, subprocess.TimeoutExpired):  # it is about to start, or to go
            return ""
        else:
            return said

    def stop(self, timeout: float = STOP_TIMEOUT) -> None:
        """Shut it down in order; after the timeout (seconds), pull its plug."""
        leader, deadline = self.leader(), time.monotonic() + timeout
        if leader is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(leader, _POWER_OFF)
            while self.running() and time.monotonic() < deadline:
                time.sleep(POLL)
        self.power_off()

    def power_off(self) -> None:
        """Pull the plug: SIGKILL for all that runs on it. Its files are left as they are at that moment."""
        processes.end_group(self._group)
        self.keep_packages()

    def power_cut(self) -> None:
        """Pull the plug, and switch it on again."""
        self.power_off()
        self.start()
        self.wait()

    def reboot(self) -> None:
        """Reboot it in order, as from the inside; returns when it has booted.

        Raises:
            MachineError: it doesn't run, or doesn't come back.
        """
        leader = self._leader()
        os.kill(leader, _REBOOT)
        self.wait(STOP_TIMEOUT + BOOT_TIMEOUT, other_than=leader)
        self.keep_packages()

    # From the inside

    def leader(self) -> int | None:
        """The process that is the machine's first one; None while there is none."""
        pid = processes.recorded(self.folder / "machine.pid")
        for nspawn in processes.children(pid) if pid else ():
            for first in processes.children(nspawn):
                return first
        return None

    def _leader(self) -> int:
        leader = self.leader()
        if leader is None:
            raise MachineError(f"{self.name} doesn't run")
        return leader

    def command(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> list[str]:
        """The command line that runs a program on the machine, as root.

        Raises:
            MachineError: it doesn't run.
        """
        environment = [f"{name}={value}" for name, value in {**_ENVIRONMENT, **(env or {})}.items()]
        return [
            "nsenter",
            "--target",
            str(self._leader()),
            "--all",
            "--",
            "env",
            "--chdir=/",
            "-i",
            *environment,
            *argv,
        ]

    def run(
        self,
        argv: Sequence[str] | str,
        timeout: float = 60,
        *,
        input: str = "",  # noqa: A002 - as subprocess.run has it
        check: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on the machine, as root; text goes through bash.

        Args:
            argv: program and arguments, or a script for bash (with errexit and pipefail).
            timeout: seconds; then it is killed.
            input: for its standard input.
            check: raise an error where it fails.
            env: besides the few variables that it has.

        Raises:
            MachineError: the machine doesn't run, or the program failed and `check` is set.
            subprocess.TimeoutExpired: it took longer.
        """
        if isinstance(argv, str):
            argv = ["bash", "-o", "errexit", "-o", "pipefail", "-c", argv]
        command = self.command(argv, env)
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", start_new_session=True,
        ) as process:  # fmt: skip
            try:
                out, err = process.communicate(input, timeout=timeout)
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
        if check and process.returncode:
            raise MachineError(
                f"{self.name}: {shlex.join(argv)} ended with {process.returncode}: {(err or out).strip()}"
            )
        return subprocess.CompletedProcess(list(argv), process.returncode, out, err)

    def read(self, path: str) -> str:
        """The text of a file.

        Raises:
            MachineError: it can't be read.
        """
        return self.run(["cat", "--", path], check=True).stdout

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file, owned by root; its folder is made if need be.

        Raises:
            MachineError: it can't be written.
        """
        script = 'mkdir -p -- "$(dirname -- "$1")" && cat > "$1" && chmod "$2" -- "$1"'
        self.run(["bash", "-c", script, "write", path, f"{mode:o}"], input=text, check=True)

    def _tail(self) -> str:
        text = self.console.read_text(encoding="utf-8", errors="replace") if self.console.exists() else ""
        return f"{' | '.join(text.splitlines()[-3:])} (all of it: {self.console})"

    # Packages that apt has downloaded, shared with later machines. Links, since apt replaces files, and never
    # changes one; each machine has a folder of its own, as apt locks it.

    def _take_packages(self) -> None:
        for package in self._packages.glob("*"):
            with contextlib.suppress(FileNotFoundError):  # another machine has just removed it
                if time.time() - package.stat().st_atime > _UNUSED:
                    package.unlink()
                elif package.suffix == ".deb":
                    _link(package, self.folder / "archives" / package.name)

    def keep_packages(self) -> None:
        """Add what apt has downloaded to what later machines begin with; done when it goes off as well."""
        self._packages.mkdir(parents=True, exist_ok=True)
        for package in (self.folder / "archives").glob("*.deb"):
            kept = self._packages / package.name
            if not kept.exists():
                # apt gives it the times that the mirror says; whoever installs it sets this one by reading.
                os.utime(package, (time.time(), package.stat().st_mtime))
                _link(package, kept)


def _link(source: Path, target: Path) -> None:
    if target.exists():
        return
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except OSError:  # another file system
        unfinished = target.with_suffix(f".{os.getpid()}")
        shutil.copyfile(source, unfinished)
        unfinished.replace(target)
