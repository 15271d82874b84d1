"""What the hub's Nagios knows, what it is told, and what people are told by it."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from tests.box.stacks.fleet import Fleet, Server
from tests.box.stacks.relay import message
from tests.box.stacks.test_checks import NOT_IN_A_BOX

STATUS = "/var/lib/nagios4/status.dat"
COMMANDS = "/var/lib/nagios4/rw/nagios.cmd"

Service = tuple[str, str]
"""Host and name of the check."""


def blocks(hub: Server, kind: str) -> list[dict[str, str]]:
    """All blocks of a kind in Nagios' status file; empty while it has none."""
    text = hub.box.run(["cat", STATUS]).stdout
    found = re.findall(rf"^{kind} \{{(.*?)^\t\}}", text, re.MULTILINE | re.DOTALL)
    return [dict(line.strip().split("=", 1) for line in block.splitlines() if "=" in line) for block in found]


def services(hub: Server) -> dict[Service, tuple[int, str]]:
    """State and output of each service that Nagios has asked for at least once."""
    return {
        (values["host_name"], values["service_description"]): (
            int(values["current_state"]),
            values["plugin_output"],
        )
        for values in blocks(hub, "servicestatus")
        if values["has_been_checked"] == "1"
    }


def told(hub: Server, *commands: str) -> None:
    """Tell Nagios something, as its own programs do: a command and its arguments, with semicolons."""
    now = int(time.time())
    text = "".join(f"[{now}] {command}\n" for command in commands)
    hub.box.run(["tee", COMMANDS], input=text, check=True)


def ask_now(hub: Server, keys: Iterable[Service]) -> None:
    """Have Nagios ask at once: the first round of the slow checks takes a quarter of an hour."""
    now = int(time.time())
    told(hub, *(f"SCHEDULE_FORCED_SVC_CHECK;{host};{service};{now}" for host, service in keys))


@dataclass(frozen=True)
class Mail:
    """What the relay has taken, and when (seconds since 1970)."""

    at: float
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def to(self) -> str:
        return str(self.message["To"])

    @property
    def text(self) -> str:
        return "\n".join(self.message.get_content().splitlines())  # as it comes, its lines end as SMTP has it


def mails(folder: Path, since: float = 0.0) -> list[Mail]:
    """What has come since then, in the order in which it came."""
    times = ((int(path.stem) / 1e9, path) for path in sorted(folder.glob("*.eml")))
    return [Mail(at, message(path)) for at, path in times if at >= since]


def expected(fleet: Fleet) -> set[Service]:
    """All services, but those of what can't be installed or be well here."""
    return {
        (server.spec.host_name, check.name)
        for server in fleet.servers.values()
        for check in server.spec.checks
        if not server.spec.needs(check.origin) and check.name not in NOT_IN_A_BOX
    }


def settle(fleet: Fleet, hub: Server, timeout: float = 300) -> None:
    """Wait until all is well; Nagios asks for what isn't yet."""
    wanted = expected(fleet)

    def bad() -> dict[Service, tuple[int, str]]:
        known = services(hub)
        return {key: known.get(key, (9, "never asked")) for key in wanted if known.get(key, (9,))[0] != 0}

    deadline = time.monotonic() + timeout
    while late := bad():
        assert time.monotonic() < deadline, late
        ask_now(hub, late)
        time.sleep(5)
