"""A fleet in memory, and certificates as machines make them."""

import datetime
import json
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hub.settings import Part
from hub.store import UNCHANGED, Got, StoreError
from managed_server.fragment import build_fragment, fragment_json
from managed_server.inputs import load_project
from managed_server.resolve import resolve_stack
from tests.conftest import ROOT

ACCOUNT = "111122223333"


@cache
def certificate(name: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


@cache
def example() -> str:
    customer = resolve_stack(load_project(ROOT), "example")[0]
    return fragment_json(build_fragment(customer, customer.servers[0]))


def fragment(customer: str = "example", server: str = "web1", **changes) -> dict:
    """The example's fragment as data, as if it were another one's."""
    host = f"{customer}-{server}"
    own = {"server": server, "host": host, "munin_node": host, "ossec_agent": host}
    data = json.loads(example()) | own | changes
    return {**data, "customer": {**data["customer"], "id": customer}}


class Bucket:
    """The fleet bucket, with what each side writes; `broken` makes it unreadable."""

    def __init__(self):
        self.objects: dict[str, bytes] = {}
        self.broken = False
        self.read: list[str] = []

    def listed(self, prefix):
        self._must_answer()
        return {key: self._etag(key) for key in self.objects if key.startswith(prefix)}

    def get(self, key, known=""):
        self._must_answer()
        if key not in self.objects:
            return None
        if known == self._etag(key):
            return UNCHANGED
        self.read.append(key)
        return Got(self._etag(key), self.objects[key])

    def put(self, key, content):
        self._must_answer()
        self.objects[key] = content

    def _must_answer(self):
        if self.broken:
            raise StoreError("can't list the fleet bucket: access denied")

    def _etag(self, key):
        return str(hash(self.objects[key]))

    # What stacks and machines do

    def publish(self, customer="example", server="web1", ipv4="198.51.100.64", account=ACCOUNT, **changes):
        name = f"{customer}/{server}.json"
        self.objects[f"fragments/{name}"] = json.dumps(fragment(customer, server, **changes)).encode()
        self.objects[f"addresses/{name}"] = json.dumps({"account_id": account, "ipv4": ipv4}).encode()

    def show(self, customer="example", server="web1", account=ACCOUNT, text=None):
        host = f"{customer}-{server}"
        self.objects[f"machines/{account}/{host}/nrpe.pem"] = (text or certificate(host)).encode()

    def join(self, customer="example", server="web1", **more):
        self.publish(customer, server, **more)
        self.show(customer, server)

    def leave(self, customer, server):
        for prefix in ("fragments", "addresses"):
            del self.objects[f"{prefix}/{customer}/{server}.json"]

    # What members.judge asks

    def keys(self, prefix):
        return sorted(self.listed(prefix))

    def text(self, key):
        got = self.get(key)
        return got and got.content


def parts(verify: tuple[str, ...] = (), changed: tuple[str, ...] = ()) -> tuple[Part, ...]:
    """The hub's parts, as its bundle has them, with other programs."""
    told = "templates/{0}/server/etc/managed-server/hub/parts/{0}.json.j2"
    nagios, munin = (json.loads((ROOT / told.format(name)).read_text()) for name in ("nagios", "munin"))
    return (
        Part("munin", ROOT / "templates/munin/fleet", munin["each"], munin["together"], (), ()),
        Part("nagios", ROOT / "templates/nagios/fleet", nagios["each"], nagios["together"], verify, changed),
    )


def program(path: Path, script: str) -> tuple[str, ...]:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return (str(path),)
