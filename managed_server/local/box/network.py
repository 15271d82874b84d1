"""The network of a box session: one namespace routes between all others, and to nothing else.

Each machine (and each client of a test) has a namespace with an address of its own (/32, /128) on a link to
the router, as on AWS: no two share a wire. The router has no link to the host. What lies outside (metadata,
the local AWS, the packages' mirror) are addresses of the router, on which service.py listens.
"""

import hashlib
import ipaddress
from collections.abc import Sequence

from managed_server.local.box import namespaces
from managed_server.local.box.namespaces import ip, sysctl

GATEWAY4 = "169.254.0.1"
GATEWAY6 = "fe80::1"
PRIVATE = "10.0.0.0/8"


class Network:
    """The namespaces of one session; all their names start with its prefix."""

    def __init__(self, prefix: str) -> None:
        """`prefix`: of this session alone."""
        self.prefix = prefix
        self.router = f"{prefix}.router"

    def namespace(self, name: str) -> str:
        """The namespace of a machine or client."""
        return f"{self.prefix}.{name}"

    def is_up(self) -> bool:
        """Whether the router is there."""
        return self.router in namespaces.names(self.prefix)

    def start(self) -> None:
        """Make the router, unless it is there."""
        if self.is_up():
            return
        namespaces.add(self.router)
        sysctl(
            self.router,
            "net.ipv4.ip_forward=1",
            "net.ipv6.conf.all.forwarding=1",
            "net.ipv6.conf.default.accept_dad=0",
            "net.ipv4.conf.all.send_redirects=0",
            "net.ipv4.icmp_ratelimit=0",  # whoever asks for what is cut off is told so at once, each time
            "net.ipv6.icmp.ratelimit=0",
        )
        ip(self.router, "address", "add", f"{GATEWAY4}/32", "dev", "lo")

    def offer(self, address: str) -> None:
        """Give the router an IPv4 address, on which something listens."""
        ip(self.router, "address", "replace", f"{address}/32", "dev", "lo")

    def withdraw(self, address: str) -> None:
        """Take it away again: whoever connects there is told at once that there is no such place."""
        ip(self.router, "address", "delete", f"{address}/32", "dev", "lo")

    def attach(self, name: str, addresses: Sequence[str], mac: str | None = None, private: str = "") -> str:
        """Make the namespace of a machine or client, unless it is there; return its name.

        Args:
            name: of the machine or client.
            addresses: by which all others know it.
            mac: of its interface.
            private: one more, by which it and those on the same private network know one another.
        """
        namespace, link = self.namespace(name), _link(name)
        if self._attached(name, addresses):
            return namespace
        self.detach(name)  # a half made one, of a command that was killed
        namespaces.add(namespace)
        sysctl(namespace, "net.ipv6.conf.default.accept_dad=0")
        ip(self.router, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        if mac:
            ip(namespace, "link", "set", "eth0", "address", mac)
        ip(self.router, "link", "set", link, "up")
        ip(self.router, "address", "add", f"{GATEWAY6}/64", "dev", link, "nodad")
        for address in addresses:
            ip(namespace, "address", "add", address, "dev", "eth0")
        ip(namespace, "link", "set", "eth0", "up")
        ip(namespace, "route", "add", GATEWAY4, "dev", "eth0", "scope", "link")
        ip(namespace, "route", "add", "default", "via", GATEWAY4)
        if any(_version(address) == 6 for address in addresses):  # noqa: PLR2004 - IPv6
            ip(namespace, "route", "add", "default", "via", GATEWAY6, "dev", "eth0")
        if private:
            ip(namespace, "address", "add", private, "dev", "eth0")
            ip(namespace, "route", "add", PRIVATE, "via", GATEWAY4, "src", private)
        self.join(name, [*addresses, *([private] if private else [])])
        return namespace

    def close(self, name: str, address: str) -> None:
        """Let a machine or client not reach an address: whoever connects there is told so at once."""
        ip(self.namespace(name), "route", "replace", "unreachable", address)

    def reopen(self, name: str, address: str) -> None:
        """Undo `close`."""
        ip(self.namespace(name), "route", "delete", "unreachable", address)

    def detach(self, name: str) -> None:
        """Remove the namespace of a machine or client and its link, if they are there."""
        if self.is_up():
            # With the namespace alone it would go some time later; the name may be attached anew before.
            namespaces.unlink(self.router, _link(name))
        if self.namespace(name) in namespaces.names(self.prefix):
            namespaces.delete(self.namespace(name))

    def _attached(self, name: str, addresses: Sequence[str]) -> bool:
        return self.namespace(name) in namespaces.names(self.prefix) and all(
            ip(self.router, f"-{_version(address)}", "route", "show", "to", "exact", address)
            for address in addresses
        )

    def join(self, name: str, addresses: Sequence[str]) -> None:
        """Route addresses to a machine or client."""
        for address in addresses:
            ip(self.router, "route", "replace", address, "dev", _link(name))

    def part(self, addresses: Sequence[str]) -> None:
        """Route addresses nowhere: their machine is cut off."""
        for address in addresses:
            ip(self.router, "route", "replace", "unreachable", address)

    def stop(self) -> None:
        """Remove all namespaces of the session."""
        for name in namespaces.names(self.prefix + "."):
            namespaces.delete(name)


def _version(address: str) -> int:
    return ipaddress.ip_address(address).version


def _link(name: str) -> str:
    """A link's name, of at most 15 characters."""
    return "v" + hashlib.sha256(name.encode()).hexdigest()[:12]
