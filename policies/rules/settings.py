"""Every list and figure that a pack's user may change, with its default, in one place.

Change one for a run with `--policy-pack-config FILE`; policies/README.md shows the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_policy import PolicyConfigSchema


@dataclass(frozen=True)
class Setting:
    """One entry of a policy's configuration: its name, and a JSON schema that holds its default."""

    name: str
    schema: Mapping[str, Any]

    def read(self, config: Mapping[str, Any]) -> Any:
        """Returns the configured value, or the default where no engine has filled it in."""
        return config.get(self.name, self.schema["default"])


def _setting(name: str, kind: str, default: Any, about: str) -> Setting:
    return Setting(name, {"type": kind, "description": about, "default": default})


def _list(name: str, kind: str, default: list[Any], about: str) -> Setting:
    return Setting(name, {"type": "array", "items": {"type": kind}, "description": about, "default": default})


def schema_of(settings: tuple[Setting, ...]) -> PolicyConfigSchema | None:
    """Returns the configuration schema of a policy with these settings, None without any."""
    return PolicyConfigSchema({one.name: dict(one.schema) for one in settings}) if settings else None


# Source: AWS Security Hub EC2.19, parameter blockedPorts.
_HIGH_RISK = [
    20, 21, 22, 23, 25, 110, 135, 143, 445, 1433, 1434, 3000, 3306, 3389, 4333, 5000, 5432, 5500, 5601,
    8080, 8088, 8888, 9200, 9300,
]  # fmt: skip
# Of this service: monitoring agents and enrolment, and software that only its peers may reach.
_SERVICE = [1515, 4949, 5666, 6081, 6082, 6379, 8884, 8983, 9988, 9989, 11211]

ADMIN_PORTS = _list(
    "adminPorts",
    "integer",
    sorted(_HIGH_RISK + _SERVICE),
    "Ports that must never be open to the world, over TCP or UDP.",
)
WORLD_PORTS = _list(
    "worldPorts",
    "string",
    ["tcp/80", "tcp/443", "tcp/53", "udp/53", "tcp/636", "udp/1194"],
    "The only ports that may be open to the world, as protocol/port (icmp: protocol/type).",
)
# IANA's largest assignment of IPv4 addresses to one organisation is a /8, and IPv6 registries get a /12:
# what is wider than that isn't the network of one customer.
WORLD_PREFIX_V4 = _setting(
    "worldPrefixV4", "integer", 7, "An IPv4 network of this prefix length or shorter is the world."
)
WORLD_PREFIX_V6 = _setting(
    "worldPrefixV6", "integer", 12, "An IPv6 network of this prefix length or shorter is the world."
)
REQUIRED_TAGS = _list(
    "requiredTags", "string", ["customer", "managed-by", "stack"], "Tags that every resource must have."
)
PURPOSE_TAG = _setting(
    "purposeTag", "string", "purpose", "The tag that says what a bucket, a parameter or an alarm is for."
)
BACKUP_PURPOSE = _setting("backupPurpose", "string", "backup", "Its value on a bucket that holds backups.")
REPLACEABLE_PURPOSE = _setting(
    "replaceablePurpose",
    "string",
    "software-secret",
    "Its value on a secret parameter that is made anew where it goes, as nothing is lost with it.",
)
LOGGED_PURPOSES = _list(
    "loggedPurposes", "string", ["backup"], "Purposes of buckets to which accesses are logged."
)
# CIS AWS Foundations Benchmark 1.8; Security Hub IAM.7 asks for 8 at least.
PASSWORD_LENGTH = _setting("passwordLength", "integer", 14, "The fewest characters of a password.")
PASSWORD_MEMORY = _setting("passwordMemory", "integer", 24, "How many earlier passwords can't be used again.")
# Security Hub CloudWatch.16 takes 365 where nothing else is said. A choice: what has to be kept longer, such
# as the trail, is in a bucket.
LOG_DAYS = _setting("logDays", "integer", 30, "The fewest days for which a log group keeps what is in it.")
# As contract/limits.yaml has it (retention.offsite).
LOCK_DAYS = _setting(
    "lockDays", "integer", 35, "The fewest days for which a backup bucket locks what is new."
)
AWS_POLICIES = _list(
    "awsPolicies",
    "string",
    ["AmazonSSMManagedInstanceCore"],
    "The only policies of AWS's own that may be attached, with their path (job-function/Billing).",
)
