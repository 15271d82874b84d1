"""Typed scalars: each says what is wrong and what to write instead.

Every check is a pure function that raises ValueError; the annotated types at the end put them to use.
"""

import base64
import binascii
import datetime
import ipaddress
import re
import struct
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# A network wider than these covers whole registries: for an administrative port it is as good as the world.
WIDEST_ADMIN_PREFIX = {4: 8, 6: 24}

_KEY_BODY_FIELDS = {
    # key type -> number of length-prefixed fields in its body (RFC 4253, 5656, 8709; OpenSSH PROTOCOL.u2f)
    "ssh-ed25519": 2,
    "ssh-rsa": 3,
    "ecdsa-sha2-nistp256": 3,
    "ecdsa-sha2-nistp384": 3,
    "ecdsa-sha2-nistp521": 3,
    "sk-ssh-ed25519@openssh.com": 3,
    "sk-ecdsa-sha2-nistp256@openssh.com": 4,
}
PRIVATE_NETWORKS = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""RFC 1918."""
_LONGEST_TEXT = 2000
_LONGEST_HOST_NAME = 200  # it names files, with an ending, and a file name ends at 255 bytes
_MIN_RSA_BITS = 2048  # OpenSSH's own floor is 1024; NIST SP 800-131A asks for 2048
_ED25519_BYTES = 32


class Matching:
    """Checks that a text matches a regular expression whole; the schemas for editors take over ``regex``."""

    def __init__(self, regex: str, what: str) -> None:
        self.regex, self.what = regex, what
        self._compiled = re.compile(regex)

    def __call__(self, value: str) -> str:
        """Return the text, or raise ValueError."""
        if not self._compiled.fullmatch(value):
            raise ValueError(f"{value!r} is not {self.what}")
        return value


_pattern = Matching


def _quoted(what: str) -> Callable[[Any], Any]:
    """Explain the commonest slip with digits in YAML: leaving the quotes out."""

    def check(value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            raise ValueError(f'{value} is a number; write {what} in quotes: "{value}"')  # noqa: TRY004
        return value

    return check


def parse_network(value: Any) -> Network:
    """Return the network that ``value`` names.

    Raises:
        ValueError: if it is no CIDR, or has bits set behind its prefix.
    """
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a network; write a CIDR such as 203.0.113.0/24")  # noqa: TRY004
    if "/" not in value:
        raise ValueError(f"{value!r} has no prefix length; for one address write {value}/32 (IPv6: /128)")
    try:
        return ipaddress.ip_network(value)
    except ValueError as error:
        try:
            meant = ipaddress.ip_network(value, strict=False)
        except ValueError:
            raise ValueError(f"{value!r} is not a network; write a CIDR such as 203.0.113.0/24") from error
        raise ValueError(f"{value!r} has host bits set; the network is {meant}") from error


def parse_address(value: Any) -> Address:
    """Return the IP address that ``value`` names, or raise ValueError."""
    if isinstance(value, ipaddress.IPv4Address | ipaddress.IPv6Address):
        return value
    try:
        return ipaddress.ip_address(str(value))
    except ValueError as error:
        raise ValueError(f"{value!r} is not an IP address; write one such as 203.0.113.10") from error


def loopback_address(value: str) -> str:
    """Check an address of 127.0.0.0/8 other than the interface's own, which every program uses."""
    address = parse_address(value)
    if address.version != 4 or not address.is_loopback or str(address) == "127.0.0.1":  # noqa: PLR2004
        raise ValueError(f"{value!r} is no loopback address of its own; write one such as 127.0.0.53")
    return str(address)


def admin_network(network: Network) -> Network:
    """Refuse a network that opens an administrative port to the world."""
    widest = WIDEST_ADMIN_PREFIX[network.version]
    if network.prefixlen < widest:
        raise ValueError(
            f"{network} opens an administrative port to the world; name the networks that administrators "
            f"really use (/{widest} is the widest accepted)"
        )
    if network.is_loopback or network.is_multicast or network.is_unspecified or network.is_link_local:
        raise ValueError(f"{network} is no network that anybody connects from")
    return network


def calendar_date(value: Any) -> Any:
    """Read a date, also in the form into which Pulumi rewrites one that has no quotes.

    `pulumi config set` and `pulumi stack init` write ``2026-12-01`` back as
    ``2026-12-01 00:00:00 +0000 UTC``.

    Raises:
        ValueError: if it is no date.
    """
    if isinstance(value, datetime.date):
        return value
    text = value.removesuffix(" 00:00:00 +0000 UTC") if isinstance(value, str) else ""
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=datetime.UTC).date()
    except ValueError as error:
        raise ValueError(f'{value!r} is not a date; write it in quotes: "2027-06-30"') from error


def host_name(value: str) -> str:
    """Check a fully qualified host name (RFC 1123, lower case)."""
    labels = value.split(".")
    label = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
    fine = len(labels) > 1 and all(label.fullmatch(part) for part in labels) and not labels[-1].isdigit()
    if not fine or len(value) > _LONGEST_HOST_NAME:
        raise ValueError(f"{value!r} is not a host name; write a full one in lower case: www.acme.example")
    return value


def is_ipv4(text: str) -> bool:
    """Tell an IPv4 address from a name, of what may be either."""
    return text.replace(".", "").isdigit()


def reachable_address(value: Any) -> str:
    """Check an IPv4 address, or a full host name, at which a machine is reached from outside.

    Raises:
        ValueError: it is neither, or nobody can be reached there.
    """
    text = str(value)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        if re.fullmatch(r"[0-9.]+", text):
            raise ValueError(f"{text!r} is not an IPv4 address; write one such as 203.0.113.10") from None
        return host_name(text)
    if address.version == 6:  # noqa: PLR2004
        raise ValueError(f"{text} is an IPv6 address; write the machine's IPv4 address, or a name")
    if address.is_loopback or address.is_multicast or address.is_unspecified or address.is_link_local:
        raise ValueError(f"{text} is no address at which a machine can be reached from outside")
    return str(address)


def private_address(value: Any) -> str:
    """Check an IPv4 address of a private network (RFC 1918).

    Raises:
        ValueError: it is none.
    """
    address = parse_address(value)
    if not any(address in network for network in PRIVATE_NETWORKS if network.version == address.version):
        raise ValueError(f"{address} is no address of a private network; write one such as 10.1.2.3")
    return str(address)


def _fields(body: bytes) -> list[bytes]:
    """Split a public key's body into its length-prefixed fields (RFC 4251, section 5)."""
    fields = []
    while body:
        if len(body) < 4:  # noqa: PLR2004
            raise ValueError("its body ends in the middle of a field")
        (size,) = struct.unpack(">I", body[:4])
        if len(body) < 4 + size:
            raise ValueError("its body is shorter than it says: it was cut when it was copied")
        fields.append(body[4 : 4 + size])
        body = body[4 + size :]
    return fields


def ssh_public_key(value: str) -> str:
    """Check an OpenSSH public key: its type, and a body that decodes to that type.

    Returns it as ``type body [comment]`` with single spaces.

    Raises:
        ValueError: says what is wrong with the key.
    """
    parts = value.split(maxsplit=2)
    if len(parts) < 2:  # noqa: PLR2004
        raise ValueError(
            "is not a public key; paste the whole line of the .pub file: 'ssh-ed25519 AAAA… name'"
        )
    kind, body64 = parts[0], parts[1]
    if kind not in _KEY_BODY_FIELDS:
        raise ValueError(f"{kind!r} is not an accepted key type; use one of {', '.join(_KEY_BODY_FIELDS)}")
    try:
        fields = _fields(base64.b64decode(body64, validate=True))
    except binascii.Error as error:
        raise ValueError("its body is not base64: paste the line of the .pub file again") from error
    if not fields or fields[0] != kind.encode():
        raise ValueError(f"its body is not a {kind} key: type and body do not belong together")
    if len(fields) != _KEY_BODY_FIELDS[kind]:
        raise ValueError(f"its body has {len(fields)} fields, a {kind} key has {_KEY_BODY_FIELDS[kind]}")
    if kind == "ssh-ed25519" and len(fields[1]) != _ED25519_BYTES:
        raise ValueError(f"its body holds {len(fields[1])} bytes, an ed25519 key has {_ED25519_BYTES}")
    if kind == "ssh-rsa":
        bits = int.from_bytes(fields[2], "big").bit_length()
        if bits < _MIN_RSA_BITS:
            raise ValueError(
                f"an RSA key of {bits} bits is too short; use ed25519, or RSA of {_MIN_RSA_BITS} bits"
            )
    if len(parts) == 3 and not re.fullmatch(r"[\x20-\x7e]+", parts[2]):  # noqa: PLR2004
        raise ValueError("its comment holds characters that are not printable ASCII")
    return " ".join(parts)


def safe_text(value: str) -> str:
    """Refuse control characters: the text ends up in configuration files, a line each."""
    if not value.strip() or not value.isprintable():
        raise ValueError("must be one line of text, without control or invisible characters")
    if len(value) > _LONGEST_TEXT:
        raise ValueError(f"is longer than {_LONGEST_TEXT} characters")
    return value


def regular_expression(value: str) -> str:
    """Check a regular expression."""
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is no regular expression: {error}") from error
    return value


Date = Annotated[datetime.date, BeforeValidator(calendar_date)]
Text = Annotated[str, AfterValidator(safe_text)]
CustomerId = Annotated[
    str,
    AfterValidator(
        _pattern(
            r"[a-z](?:-?[a-z0-9]){1,19}",
            "a customer id; use 2 to 20 lower-case letters, digits and single hyphens, a letter first",
        )
    ),
]
ServerName = Annotated[
    str,
    AfterValidator(
        _pattern(
            r"[a-z](?:-?[a-z0-9]){0,14}",
            "a server name; use up to 15 lower-case letters, digits and single hyphens, a letter first",
        )
    ),
]
EntryId = Annotated[
    str,
    AfterValidator(
        _pattern(r"[a-z](?:-?[a-z0-9]){0,29}", "an id; use lower-case letters, digits and hyphens")
    ),
]
UserName = Annotated[
    str,
    AfterValidator(
        _pattern(
            r"[a-z][a-z0-9_-]{0,30}",
            "a user name; use up to 31 lower-case letters, digits, _ and -, a letter first",
        )
    ),
]
HostName = Annotated[str, AfterValidator(host_name)]
Email = Annotated[
    str,
    AfterValidator(
        _pattern(r"[A-Za-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+", "an e-mail address: name@acme.example")
    ),
]
Phone = Annotated[
    str,
    BeforeValidator(_quoted("a telephone number")),
    AfterValidator(
        _pattern(r"\+[1-9][0-9 ]{6,20}", 'a telephone number; write it internationally: "+44 20 7946 0000"')
    ),
]
AccountId = Annotated[
    str,
    BeforeValidator(_quoted("an account id")),
    AfterValidator(_pattern(r"[0-9]{12}", "an AWS account id; it has 12 digits, in quotes")),
]
NetworkId = Annotated[
    str, AfterValidator(_pattern(r"vpc-[0-9a-f]{8,17}", "the id of a VPC, such as vpc-0123456789abcdef0"))
]
SubnetId = Annotated[
    str,
    AfterValidator(
        _pattern(r"subnet-[0-9a-f]{8,17}", "the id of a subnet, such as subnet-0123456789abcdef0")
    ),
]
InstanceType = Annotated[
    str,
    AfterValidator(
        _pattern(
            r"[a-z][a-z0-9-]*\.(?:nano|micro|small|medium|large|[0-9]*xlarge|metal(?:-[0-9]+xl)?)",
            "an EC2 instance type, such as t3.large",
        )
    ),
]
ClockTime = Annotated[
    str,
    BeforeValidator(_quoted("a time of day")),
    AfterValidator(
        _pattern(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", 'a time of day; write it in quotes: "03:00"')
    ),
]
Sha256 = Annotated[
    str, AfterValidator(_pattern(r"[0-9a-f]{64}", "a sha256: 64 lower-case hexadecimal digits"))
]
SshPublicKey = Annotated[str, AfterValidator(ssh_public_key)]
Cidr = Annotated[Network, BeforeValidator(parse_network), PlainSerializer(str)]
AdminCidr = Annotated[
    Network, BeforeValidator(parse_network), AfterValidator(admin_network), PlainSerializer(str)
]
IpAddress = Annotated[Address, BeforeValidator(parse_address), PlainSerializer(str)]
ReachableAddress = Annotated[str, BeforeValidator(reachable_address)]
PrivateAddress = Annotated[str, BeforeValidator(private_address)]
LoopbackAddress = Annotated[str, AfterValidator(loopback_address)]
PackageName = Annotated[
    str,
    AfterValidator(
        _pattern(r"[a-z0-9][a-z0-9+.-]{1,80}", "the name of a Debian package, such as imagemagick")
    ),
]
Pattern = Annotated[str, AfterValidator(regular_expression)]
Port = Annotated[int, Field(ge=1, le=65535)]
FileMode = Annotated[
    str,
    BeforeValidator(_quoted("a mode")),
    AfterValidator(_pattern(r"0[0-7]{3}", 'a file mode; write it in quotes: "0644"')),
]
AbsolutePath = Annotated[
    str, AfterValidator(_pattern(r"/(?!.*(?:/\.\.?/|//))[\x21-\x7e]*", "an absolute path"))
]
UnitName = Annotated[
    str,
    AfterValidator(
        _pattern(
            r"[A-Za-z0-9@._-]+\.(?:service|socket|timer|path|mount|target)",
            "a systemd unit; write its full name, such as nginx.service",
        )
    ),
]
