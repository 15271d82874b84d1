"""The provider's mail relay: a real SMTP server with TLS, which keeps what it gets.

Usage: relay.py FOLDER PORT
"""

import email
import ssl
import sys
import threading
import time
from email import policy
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


class Keeper:
    """Writes each message into a file, in one step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's name
        new = self.folder / ".new"
        new.write_bytes(envelope.content)
        new.rename(self.folder / f"{time.time_ns()}.eml")
        return "250 OK"


class Relay(Controller):
    """Takes mail over TLS alone, from whoever reaches it."""

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(Keeper(folder), hostname="0.0.0.0", port=port)  # noqa: S104 - in a namespace
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(folder / "relay.pem", folder / "relay.key")

    def factory(self):
        return SMTP(
            self.handler, tls_context=self.context, require_starttls=True, hostname="mail.hosting.example"
        )


def message(path: Path):
    """One of the files."""
    return email.message_from_bytes(path.read_bytes(), policy=policy.default)


if __name__ == "__main__":
    relay = Relay(Path(sys.argv[1]), int(sys.argv[2]))
    relay.start()
    print("ready", flush=True)  # noqa: T201
    threading.Event().wait()
