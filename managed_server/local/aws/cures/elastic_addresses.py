"""EC2: an Elastic IP address is a loopback address (127.0.0.0/8), and two of them may be equal."""

from collections.abc import Callable
from ipaddress import IPv4Address

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends, elastic_ip_addresses

from managed_server.local.aws.cures.patching import replace, require

FIRST, LAST = IPv4Address("198.51.100.64"), IPv4Address("198.51.100.254")
"""Set aside for documentation (RFC 5737): nobody in the world has one."""


class NoAddressLeftError(EC2ClientError):  # type: ignore[misc]  # moto carries no types
    """All addresses are given (400, as in AWS)."""

    def __init__(self) -> None:
        super().__init__("AddressLimitExceeded", "The maximum number of addresses has been reached.")


def _given() -> set[str]:
    return {
        address.public_ip
        for account in ec2_backends.values()
        for backend in account.values()
        for address in backend.addresses
    }


def _unused(_original: Callable[[], str]) -> Callable[[], str]:
    def address() -> str:
        given = _given()
        for number in range(int(FIRST), int(LAST) + 1):
            found = str(IPv4Address(number))
            if found not in given:
                return found
        raise NoAddressLeftError

    return address


def apply() -> None:
    """Give the first one of a range for documentation that nobody has, in all accounts and regions."""
    require(ec2_backends, "values")
    replace(elastic_ip_addresses, "random_ip", _unused)
