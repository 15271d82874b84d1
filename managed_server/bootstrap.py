"""``managed bootstrap``: a plain Debian, wherever it stands, becomes the managed server of its stack file.

The script does what user data do on EC2. It holds an access key, which the machine replaces by one of its own
before anything else: whoever has seen the script has a dead key.
"""

import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from managed_server.delivery_keys import bundle_key, pointer_key
from managed_server.deployer import client
from managed_server.rendering import render
from managed_server.spec import CustomerSpec, ServerSpec

_TEMPLATE = "bootstrap/elsewhere.sh.j2"
_SKEW_S = 240
"""Seconds that a machine's clock may be off: AWS refuses requests that are five minutes old or early."""
_SCRIPT_LASTS_S = 86_400
"""Seconds for which a script that was written to a file may be run."""
_AS_ROOT = 'if [ "$(id -u)" = 0 ]; then exec bash -s; else exec sudo -n bash -s; fi'

Progress = Callable[[str], None]


class BootstrapError(Exception):
    """The machine is no managed server yet; the message says why."""


@dataclass(frozen=True)
class Key:
    """An access key."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Keys:
    """The access keys of one server's user, in the hands of whoever deploys."""

    iam: Any
    """A client of IAM in the customer's account."""
    user: str

    def ids(self) -> list[str]:
        """All that there are.

        Raises:
            BootstrapError: there is no such user, or AWS refuses.
        """
        with _refused():
            try:
                listed = self.iam.list_access_keys(UserName=self.user)["AccessKeyMetadata"]
            except self.iam.exceptions.NoSuchEntityException:
                said = f"there is no user {self.user} in AWS: deploy the stack first (pulumi up)"
                raise BootstrapError(said) from None
        return [str(key["AccessKeyId"]) for key in listed]

    def make(self) -> Key:
        """Make one; of all that there were, none is left.

        Raises:
            BootstrapError: AWS refuses.
        """
        for known in self.ids():
            self.delete(known)
        with _refused():
            made = self.iam.create_access_key(UserName=self.user)["AccessKey"]
        return Key(str(made["AccessKeyId"]), str(made["SecretAccessKey"]))

    def delete(self, key_id: str) -> None:
        """Delete one; it is no fault if it is gone.

        Raises:
            BootstrapError: AWS refuses.
        """
        with _refused(), suppress(self.iam.exceptions.NoSuchEntityException):
            self.iam.delete_access_key(UserName=self.user, AccessKeyId=key_id)


@contextmanager
def _refused() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - 0.3 s

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise BootstrapError(str(error)) from error


def keys(customer: CustomerSpec, server: ServerSpec) -> Keys:
    """Return a server's keys, by the deploy role of the customer's account.

    Raises:
        BootstrapError: AWS refuses.
    """
    with _refused():
        iam = client(customer, "iam", f"bootstrap-{server.name}")
    found = Keys(iam, customer.access_user(server.name))
    found.ids()
    return found


def script(
    templates: Path, customer: CustomerSpec, server: ServerSpec, key: Key | None, lasts_s: int = _SKEW_S,
    *, replaces: bool = True,
) -> str:  # fmt: skip
    """Return the script for a machine; without a key, it only looks whether it could be that server.

    Args:
        templates: folder of the templates.
        customer: whose it is.
        server: hosted elsewhere.
        key: what it opens AWS with until it has replaced it.
        lasts_s: seconds after which it refuses to run.
        replaces: whether the machine takes a key of its own at once; not that of a drill, which ends soon.

    Raises:
        RenderError: the template can't be rendered.
    """
    return render(
        templates,
        _TEMPLATE,
        customer=customer,
        server=server,
        pointer_key=pointer_key(server.name),
        bundle_prefix=bundle_key(server.name, "").removesuffix(".tar"),
        key=key,
        replaces=replaces,
        now=int(time.time()),
        skew_s=_SKEW_S,
        late_s=max(lasts_s, _SKEW_S),
    ).decode()


@dataclass(frozen=True)
class Way:
    """How an engineer reaches the machine."""

    where: str
    """User and address, for SSH."""
    ssh: str
    """The program and its options."""

    def run(self, text: str) -> None:
        """Run a script on the machine, as root; what it says is shown as it comes.

        Raises:
            BootstrapError: it failed, or the machine can't be reached.
        """
        command = [*shlex.split(self.ssh), self.where, _AS_ROOT]
        code = subprocess.run(command, input=text.encode(), env=dict(os.environ), check=False).returncode
        if code:
            raise BootstrapError(f"{self.where}: the script ended with {code}; what is wrong stands above")


def by_ssh(
    templates: Path, customer: CustomerSpec, server: ServerSpec, found: Keys, way: Way, *,
    agree: Callable[[str], None], progress: Progress,
) -> None:  # fmt: skip
    """Make a machine that can be reached the managed server.

    Args:
        templates: folder of the templates.
        customer: whose it is.
        server: hosted elsewhere.
        found: its keys.
        way: to the machine.
        agree: is told what stops working, and ends it all where somebody says no.
        progress: told what happens.

    Raises:
        BootstrapError: it failed; the same command begins anew.
    """
    progress(f"looking at {way.where}")
    way.run(script(templates, customer, server, None))
    _agreed(server, found, agree)
    key = found.make()
    try:
        way.run(script(templates, customer, server, key))
    finally:
        found.delete(key.id)  # replaced by the machine; or of no use, as it came to nothing
    progress(f"{server.host_name} has a key that it alone knows")


def to_file(
    templates: Path, customer: CustomerSpec, server: ServerSpec, found: Keys, path: Path, *,
    agree: Callable[[str], None],
) -> None:  # fmt: skip
    """Write the script to a file, for a machine that only its own console reaches.

    Raises:
        BootstrapError: the file stands already, or can't be written, or AWS refuses.
        RenderError: the template can't be rendered. In each case neither file nor key is left.
    """
    _agreed(server, found, agree)
    try:
        path.touch(0o600, exist_ok=False)
        with ExitStack() as undo:
            undo.callback(path.unlink)
            key = found.make()
            undo.callback(found.delete, key.id)
            path.write_text(script(templates, customer, server, key, _SCRIPT_LASTS_S), encoding="utf-8")
            undo.pop_all()
    except OSError as error:
        raise BootstrapError(f"{path}: {error.strerror or error}") from error


def _agreed(server: ServerSpec, found: Keys, agree: Callable[[str], None]) -> None:
    if found.ids():
        agree(
            f"{server.host_name} has an access key: it is deleted now, and whatever runs with it is cut off "
            "from AWS until the machine has the new one."
        )
