"""Texts that the checks of the models' types let pass."""

import base64
import datetime
import ipaddress
import struct

from hypothesis import strategies as st

from managed_server.model import types as kinds

PRINTABLE = st.characters(exclude_categories=("C", "Z")) | st.just(" ")
TEXT = st.text(PRINTABLE, min_size=1, max_size=30).filter(lambda text: text.strip())


def _network(version, bits, prefix):
    size = {4: 32, 6: 128}[version]
    number = bits >> (size - prefix) << (size - prefix)
    return str((ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network)((number, prefix)))


NETWORKS = st.builds(
    _network, st.just(4), st.integers(1 << 24, (100 << 24) - 1), st.integers(8, 32)
) | st.builds(_network, st.just(6), st.integers(0x2001 << 112, 0x2FFF << 112), st.integers(24, 128))


def _public_key(kind, bodies, comment):
    body = b"".join(struct.pack(">I", len(part)) + part for part in (kind.encode(), *bodies))
    return f"{kind} {base64.b64encode(body).decode()} {comment}".strip()


KEYS = st.builds(
    _public_key,
    st.just("ssh-ed25519"),
    st.tuples(st.binary(min_size=32, max_size=32)),
    st.from_regex(r"([a-z]{1,8}@[a-z]{1,8}\.example)?", fullmatch=True),
) | st.builds(
    _public_key,
    st.just("ssh-rsa"),
    st.tuples(
        st.just(b"\1\0\1"),
        st.binary(min_size=0, max_size=4).map(lambda some: b"\x80" + some * 64 + bytes(256)),
    ),
    st.just(""),
)
DATES = st.dates(datetime.date(1970, 1, 1), datetime.date(2100, 1, 1))
DRAWN = {
    kinds.safe_text: TEXT,
    kinds.host_name: st.from_regex(
        r"[a-z0-9](?:[a-z0-9-]{0,8}[a-z0-9])?(?:\.[a-z]{2,8}){1,2}", fullmatch=True
    ),
    kinds.reachable_address: st.integers(11 << 24, (100 << 24) - 1).map(ipaddress.IPv4Address).map(str)
    | st.from_regex(r"[a-z]{1,8}(?:\.[a-z]{2,8}){1,2}", fullmatch=True),
    kinds.private_address: st.integers(10 << 24, (11 << 24) - 1).map(ipaddress.IPv4Address).map(str),
    kinds.ssh_public_key: KEYS,
    kinds.parse_network: NETWORKS,
    kinds.calendar_date: DATES | DATES.map(str) | DATES.map(lambda day: f"{day} 00:00:00 +0000 UTC"),
}
"""What the checks of types.py let pass, by the check."""
ALONE = (kinds.admin_network,)
"""Checks on what another check has made, which its strategy keeps to."""
