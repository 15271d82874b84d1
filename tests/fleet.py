"""Many customers of three servers each, all different: for `make bench`, and for what holds at any size."""

import base64
import random
import struct
from pathlib import Path

_CHAINS = (
    ("nginx", "php", "redis", "percona"),
    ("haproxy", "varnish", "apache", "php", "percona"),
    ("nginx", "nodejs", "redis"),
    ("apache", "tomcat", "percona"),
    ("varnish", "nginx", "fastcgi", "memcached"),
    ("nginx", "python", "memcached"),
    ("elasticsearch", "kibana", "nginx"),
    ("haproxy", "nginx", "php", "memcached"),
    ("gitlab",),
    ("jenkins",),
    ("named", "openvpn"),
    ("openldap",),
    ("percona", "redis"),
    ("solr", "memcached"),
)
_OF_THE_NEWEST = {"jenkins"}  # Debian 12 doesn't have it
_TYPES = ("t3.medium", "t3.large", "m6i.large", "m6i.xlarge", "t3.xlarge", "r6i.large")

_CUSTOMER = """\
config:
  managed-server:customer:
    name: Customer {index} Ltd
    contract: {{start: 2026-{month:02}-01, term_months: {months}}}
    hub: hub
    aws: {{account_id: "{account}", region: eu-west-2, backup_region: eu-west-1}}
    contacts:
      - {{name: Contact {index}, email: it@{name}.example, phone: "+44 20 7946 0000"}}
    access:
      ssh_from: [10.{high}.{low}.0/24]
    users:
{users}    servers:
{servers}"""

_SERVER = """\
      {server}:
        instance_type: {kind}
        disk_gb: {disk}
        debian: {debian}
        software: [{software}]
        sites: [{sites}]
{more}"""


def _key(chance: random.Random) -> str:
    parts = (b"ssh-ed25519", chance.randbytes(32))
    return base64.b64encode(b"".join(struct.pack(">I", len(part)) + part for part in parts)).decode()


def _server(chance: random.Random, customer: str, server: str) -> str:
    software = chance.choice(_CHAINS)
    more = ""
    if "php" in software and chance.random() < 0.5:
        more += f"        settings: {{php: {{pm_max_children: {chance.randint(4, 64)}}}}}\n"
    if chance.random() < 0.3:
        more += '        maintenance: {day: saturday, time: "07:00", reboot: never}\n'
    return _SERVER.format(
        server=server,
        kind=chance.choice(_TYPES),
        disk=chance.choice((40, 60, 80, 100)),
        debian=13 if _OF_THE_NEWEST & set(software) else chance.choice((12, 13, 13)),
        software=", ".join(software),
        sites=", ".join(f"s{number}.{server}.{customer}.example" for number in range(chance.randint(1, 3))),
        more=more,
    )


def stack_file(index: int) -> tuple[str, str]:
    """Return the name and the text of a customer's stack file; the same for the same number."""
    chance = random.Random(index)  # noqa: S311 - the same in every run
    name = f"cust{index:05}"
    users = [
        f"      user{number}:\n        admin: {'false' if number else 'true'}\n"
        f"        keys:\n          - ssh-ed25519 {_key(chance)} user{number}@{name}.example\n"
        for number in range(chance.randint(2, 6))
    ]
    text = _CUSTOMER.format(
        index=index,
        name=name,
        month=chance.randint(1, 12),
        months=chance.choice((12, 24, 36)),
        account=100_000_000_000 + index,
        high=index // 250 % 250,
        low=index % 250,
        users="".join(users),
        servers="".join(_server(chance, name, server) for server in ("app1", "db1", "web1")),
    )
    return name, text


def write_fleet(folder: Path, count: int) -> list[str]:
    """Write so many customers' stack files into a folder, and return their names."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for index in range(count):
        name, text = stack_file(index)
        (folder / f"Pulumi.{name}.yaml").write_text(text)
        names.append(name)
    return names
