"""What is let through to a server and out of it: the parts of `managed_server.spec` on its network."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of a firewall and of the security group: one port, one protocol, one network or peer."""

    direction: str
    protocol: str
    port: int
    network: str
    """Empty where a peer is named."""
    purpose: str
    origins: tuple[str, ...]
    peer: str | None = None
    """Another server of the customer: security groups know it by its group, the machine by its address."""

    @property
    def family(self) -> int:
        """IP version, 4 or 6; peers know one another by IPv4."""
        return 6 if ":" in self.network else 4

    @property
    def key(self) -> str:
        """A name made of the rule itself, so that no other rule's coming or going changes it."""
        network = f"server-{self.peer}" if self.peer else self.network.replace("/", "-").replace(":", ".")
        return f"{self.direction}-{self.protocol}-{self.port}-{network}"


@dataclass(frozen=True, slots=True)
class Network:
    """Where the servers on AWS are: a network that stands, or one of the stack's own."""

    vpc_id: str | None
    subnet_id: str | None
    ipv6: bool
    """Whether servers have an IPv6 address beside their IPv4 one."""

    @property
    def own(self) -> bool:
        """Whether the stack makes it."""
        return self.vpc_id is None


@dataclass(frozen=True, slots=True)
class Listen:
    """A listening socket."""

    origin: str
    port: int
    protocol: str
    bind: str
    reach: str
    purpose: str
    address: str | None
    """The one loopback address that it is bound to, where that isn't the usual one."""
    each_address: bool
    """It binds each address of the interfaces by itself."""

    def meets(self, other: "Listen") -> bool:
        """Tell whether the two can't be on one machine, as they want the same port of the same address."""
        if (self.port, self.protocol) != (other.port, other.protocol):
            return False
        if self.address and other.address:
            return self.address == other.address
        return not (self.address and other.each_address) and not (self.each_address and other.address)
