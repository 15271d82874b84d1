"""Typed scalars: what they take, and what they say."""

import base64
import datetime
import struct

import botocore.session
import pytest
from pydantic import TypeAdapter, ValidationError

from managed_server.model import regions, types


def packed(*fields):
    return b"".join(struct.pack(">I", len(field)) + field for field in fields)


def key(kind, *fields, inner=None):
    body = packed((inner or kind).encode(), *fields)
    return f"{kind} {base64.b64encode(body).decode()} someone@acme.example"


ED25519 = key("ssh-ed25519", bytes(range(32)))


def test_regions_are_those_that_aws_has():
    """A new one comes with a newer botocore; it is added there, and `managed schema` written anew."""
    partitions = botocore.session.get_session().get_data("endpoints")["partitions"]
    [commercial] = [each for each in partitions if each["partition"] == "aws"]
    assert sorted(regions.REGIONS) == sorted(commercial["regions"])


GOOD = [
    (types.CustomerId, "acme"),
    (types.CustomerId, "a1-b2"),
    (types.ServerName, "w"),
    (types.UserName, "alice_b-c"),
    (types.HostName, "www.acme.example"),
    (types.HostName, "xn--bcher-kva.example"),
    (types.AccountId, "012345678901"),
    (regions.Region, "eu-west-2"),
    (regions.Region, "ap-southeast-3"),
    (types.InstanceType, "t3.large"),
    (types.InstanceType, "m7i.metal-24xl"),
    (types.ClockTime, "23:59"),
    (types.Port, 65535),
    (types.FileMode, "0640"),
    (types.AbsolutePath, "/etc/nginx"),
    (types.UnitName, "php8.4-fpm.service"),
    (types.Phone, "+44 20 7946 0000"),
    (types.Email, "a.b+c@acme.example"),
    (types.SshPublicKey, ED25519),
    (types.SshPublicKey, key("ssh-rsa", b"\1\0\1", b"\x80" + bytes(255))),
    (types.Cidr, "0.0.0.0/0"),
    (types.AdminCidr, "203.0.113.0/24"),
    (types.AdminCidr, "2001:db8::/32"),
]
BAD = [
    (types.CustomerId, "Acme", "is not a customer id"),
    (types.CustomerId, "a--b", "is not a customer id"),
    (types.CustomerId, "a", "is not a customer id"),
    (types.CustomerId, "a" * 21, "is not a customer id"),
    (types.CustomerId, "acme\n", "is not a customer id"),
    (types.HostName, "localhost", "is not a host name"),
    (types.HostName, "-a.example", "is not a host name"),
    (types.HostName, "a..example", "is not a host name"),
    (types.AccountId, 123456789012, 'write an account id in quotes: "123456789012"'),
    (types.AccountId, "1234", "has 12 digits"),
    (regions.Region, "london", "is not an AWS region with ARNs of arn:aws:; write one of af-south-1"),
    (regions.Region, "xx-nowhere-9", "is not an AWS region"),
    (regions.Region, "eu-west-22", "; write one of eu-west-2, us-west-2, eu-west-3"),
    (regions.Region, "us-gov-east-1", "is not an AWS region with ARNs of arn:aws:"),
    (regions.Region, "cn-north-1", "is not an AWS region with ARNs of arn:aws:"),
    (regions.Region, "eusc-de-east-1", "is not an AWS region with ARNs of arn:aws:"),
    (types.InstanceType, "t3 large", "is not an EC2 instance type"),
    (types.ClockTime, "24:00", "is not a time of day"),
    (types.ClockTime, 180, "write a time of day in quotes"),
    (types.Port, 0, "greater than or equal to 1"),
    (types.Port, 65536, "less than or equal to 65535"),
    (types.FileMode, 644, "write a mode in quotes"),
    (types.AbsolutePath, "/etc/../root", "is not an absolute path"),
    (types.AbsolutePath, "etc", "is not an absolute path"),
    (types.UnitName, "nginx", "is not a systemd unit"),
    (types.Text, "a\nb", "one line of text"),
    (types.Cidr, "203.0.113.1/24", "the network is 203.0.113.0/24"),
    (types.Cidr, "203.0.113.1", "write 203.0.113.1/32"),
    (types.Cidr, "300.0.0.0/8", "is not a network"),
    (types.AdminCidr, "0.0.0.0/0", "opens an administrative port to the world"),
    (types.AdminCidr, "::/0", "opens an administrative port to the world"),
    (types.AdminCidr, "0.0.0.0/1", "opens an administrative port to the world"),
    (types.SshPublicKey, "ssh-ed25519", "is not a public key"),
    (types.SshPublicKey, "ssh-dss AAAA x", "is not an accepted key type"),
    (types.SshPublicKey, "ssh-ed25519 AAAA!!!! x", "is not base64"),
    (types.SshPublicKey, ED25519[:40], "was cut when it was copied"),
    (types.SshPublicKey, key("ssh-ed25519", bytes(32), inner="ssh-rsa"), "do not belong together"),
    (types.SshPublicKey, key("ssh-ed25519", bytes(31)), "holds 31 bytes"),
    (types.SshPublicKey, key("ssh-ed25519", bytes(32), b"x"), "has 3 fields"),
    (types.SshPublicKey, key("ssh-rsa", b"\1\0\1", b"\x80" + bytes(127)), "of 1024 bits is too short"),
    (types.SshPublicKey, ED25519 + "\u00e9", "not printable ASCII"),
]


@pytest.mark.parametrize(("kind", "value"), GOOD)
def test_good(kind, value):
    assert str(TypeAdapter(kind).validate_python(value)) == str(value)


@pytest.mark.parametrize(("kind", "value", "message"), BAD)
def test_bad(kind, value, message):
    with pytest.raises(ValidationError, match=message.replace("(", r"\(")):
        TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize("value", ["2026-12-01", "2026-12-01 00:00:00 +0000 UTC", datetime.date(2026, 12, 1)])
def test_date_also_as_pulumi_rewrites_it(value):
    assert TypeAdapter(types.Date).validate_python(value) == datetime.date(2026, 12, 1)


@pytest.mark.parametrize(
    "value", ["tomorrow", "2026-02-30", "01.12.2026", 20261201, "2026-12-01 05:00:00 +0000 UTC"]
)
def test_no_date(value):
    with pytest.raises(ValidationError, match="is not a date; write it in quotes"):
        TypeAdapter(types.Date).validate_python(value)
