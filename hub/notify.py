"""Tells a person what Nagios found: `notify host|service`, with Nagios' macros in the environment.

They are data of servers that are not the hub's own: they go into a message's text, and nowhere else. A page
whose mail can't be handed over goes out by the hub's topic instead.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import jinja2

from hub import settings as configured
from hub.settings import Settings
from hub.tree import write

TICKETS = configured.STATE / "tickets"
"""When each ticket was opened, since its follow-ups must say the same. Nagios' account writes here."""

PAGER = "page"
"""The contact whose mail wakes a person."""

_SENDMAIL = ("/usr/sbin/sendmail", "-i", "-t")
_SENDMAIL_TIMEOUT = 10  # seconds; Nagios ends the whole after 30
_SUBJECT = 100  # characters: the limit of a topic's subject
_MINUTE = 60


class Macros:
    """What Nagios says, one line each."""

    def __init__(self, about: str) -> None:
        """`about`: host or service."""
        self.about = about.upper()

    def get(self, name: str, limit: int = 1000) -> str:
        """The value of a macro, without control characters; empty if it isn't there.

        `*` in its name stands for HOST or SERVICE, whichever it is about.
        """
        value = os.environ.get("NAGIOS_" + name.replace("*", self.about), "")
        return re.sub(r"[\x00-\x1f\x7f]+", " ", value)[:limit].strip()

    def number(self, name: str) -> int:
        """A macro that is a number; 0 if it isn't there."""
        value = self.get(name)
        return int(value) if value.isdecimal() else 0


@dataclass(frozen=True)
class Ticket:
    """A mail opens it, and its follow-ups belong to it. Seconds since 1970."""

    name: str
    """Of the fault's place: contact, host and service."""
    problem: int
    """Nagios' number of the fault."""
    opened: int
    since: int
    """When the fault was noticed."""


def ticket_of(folder: Path, macros: Macros, now: int) -> tuple[Ticket, bool]:
    """The ticket that a message belongs to, and whether the message opens it."""
    over = macros.get("NOTIFICATIONTYPE") == "RECOVERY"
    key = "\n".join(macros.get(name) for name in ("CONTACTNAME", "HOSTNAME", "SERVICEDESC"))
    name = hashlib.sha256(key.encode()).hexdigest()[:32]
    problem = macros.number("LAST*PROBLEMID" if over else "*PROBLEMID")
    place = folder / f"{name}.json"
    try:
        known = Ticket(**json.loads(place.read_text(encoding="utf-8")))
        if over:
            place.unlink()
    except (OSError, ValueError, TypeError):
        known = None
    if known is not None and known.problem == problem:
        return known, False
    made = Ticket(name, problem, now, macros.number("LAST*STATECHANGE") or now)
    if not over:
        try:
            write(place, json.dumps(asdict(made)))
        except OSError as error:  # a full disk must not hold back the page that speaks of it
            print(f"notify: {error}", file=sys.stderr)
    return made, True


def at(seconds: int) -> str:
    """A time in UTC, rounded up to the minute, so that nothing is ever named too early."""
    minutes = -(-seconds // _MINUTE)
    return datetime.fromtimestamp(minutes * _MINUTE, UTC).strftime("%A %Y-%m-%d %H:%M UTC")


def text(told: Settings, macros: Macros, ticket: Ticket, *, opens: bool) -> str:
    """The message: a line with the subject, an empty one, and the body."""
    minutes, may_phone = macros.number("_*MINUTES"), macros.get("_*PHONE") == "1"
    over = macros.get("NOTIFICATIONTYPE") == "RECOVERY"
    due = at(ticket.opened + minutes * _MINUTE) if minutes and not (over and opens) else None
    context: dict[str, Any] = {
        "about": macros.about.lower(),
        "address": macros.get("HOSTADDRESS"),
        "author": macros.get("NOTIFICATIONAUTHOR"),
        "check": macros.get("SERVICEDISPLAYNAME"),
        "comment": macros.get("NOTIFICATIONCOMMENT"),
        "customer": macros.get("_HOSTCUSTOMER"),
        "customer_name": macros.get("_HOSTCUSTOMER_NAME"),
        "due": due,
        "host": macros.get("HOSTNAME"),
        "in_sla": macros.get("_*IN_SLA") == "1",
        "kind": macros.get("NOTIFICATIONTYPE", 40),
        "maintenance": macros.get("_HOSTMAINTENANCE"),
        "minutes": minutes,
        "now": at(macros.number("LAST*STATECHANGE")) if over else None,
        "number": macros.number("*NOTIFICATIONNUMBER"),
        "output": macros.get("*OUTPUT"),
        "phone": may_phone,
        "priority": macros.get("_*PRIORITY"),
        "provider": told.provider,
        "runbook": macros.get("_*RUNBOOK"),
        "server": macros.get("_HOSTSERVER"),
        "service": macros.get("SERVICEDESC"),
        "since": None if over and opens else at(ticket.since),
        "state": macros.get("*STATE", 20),
        "working_days": macros.number("_*WORKING_DAYS"),
    }
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701 - plain text
    return environment.from_string(Path(told.message).read_text(encoding="utf-8")).render(**context)


def mail(told: Settings, to: str, said: str, ticket: Ticket, *, opens: bool, priority: str, now: int) -> bool:
    """Hand a message over to the machine's own mail program; returns whether it was taken."""
    subject, _, body = said.partition("\n\n")
    domain = told.mail_from.rpartition("@")[2]
    first = f"<{ticket.name}.{ticket.opened}@{domain}>"
    message = EmailMessage(policy=SMTP)
    message["From"] = told.mail_from
    message["To"] = to
    message["Subject"] = subject
    message["Auto-Submitted"] = "auto-generated"
    message["X-Managed-Priority"] = priority
    message["Message-ID"] = first if opens else f"<{ticket.name}.{ticket.opened}.{now}@{domain}>"
    if not opens:
        message["In-Reply-To"] = message["References"] = first
    message.set_content(body)
    try:
        done = subprocess.run(
            _SENDMAIL, input=message.as_bytes(), capture_output=True, check=False, timeout=_SENDMAIL_TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"notify: {error}", file=sys.stderr)
        return False
    if done.returncode:
        print(f"notify: sendmail: exit code {done.returncode}", file=sys.stderr)
    return done.returncode == 0


def publish(told: Settings, said: str) -> bool:
    """Send a message by the hub's topic, a way of its own; returns whether it was taken."""
    import boto3  # noqa: PLC0415 - takes a second, which a mail need not wait for
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    subject, _, body = said.partition("\n\n")
    options = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
    try:
        boto3.client("sns", region_name=told.region, config=options).publish(
            TopicArn=told.topic,
            Subject=subject.encode("ascii", "replace").decode()[:_SUBJECT],
            Message=body,
        )
    except (BotoCoreError, ClientError, OSError) as error:
        print(f"notify: {error}", file=sys.stderr)
        return False
    return True


def main() -> int:
    """Send one message; 0 if somebody took it."""
    if sys.argv[1:] not in (["host"], ["service"]):
        print("usage: notify host|service", file=sys.stderr)
        return 2
    macros, told, now = Macros(sys.argv[1]), configured.load(), int(time.time())
    to = macros.get("CONTACTEMAIL")
    if not re.fullmatch(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+", to):
        print("notify: NAGIOS_CONTACTEMAIL is no address", file=sys.stderr)
        return 1
    ticket, opens = ticket_of(TICKETS, macros, now)
    said = text(told, macros, ticket, opens=opens).removeprefix("Subject: ")
    priority = macros.get("_*PRIORITY", 20)
    if mail(told, to, said, ticket, opens=opens, priority=priority, now=now):
        return 0
    return 0 if macros.get("CONTACTNAME") == PAGER and publish(told, said) else 1


if __name__ == "__main__":
    sys.exit(main())
