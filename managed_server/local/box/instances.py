"""What the local AWS says of the instances that machines play: addresses, user data, credentials."""

import base64
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from managed_server.local.aws.client import Session, session
from managed_server.local.aws.process import LocalAws

_CREDENTIALS_LAST = 3600  # seconds: what every role allows
_RENEWED = timedelta(minutes=15)  # before they end; AWS promises at least 5 minutes


@dataclass(frozen=True)
class Machine:
    """A machine, and the instance that it plays; or one that stands elsewhere, and is no instance."""

    name: str
    """Of the machine: `<customer>-<server>`; unique in a session, and in its /etc/hosts."""
    server: str
    account_id: str
    region: str
    instance_id: str
    """Empty where it plays none: it reaches no metadata, and nothing makes it a managed server by itself."""
    release: int
    """Of Debian."""
    addresses: tuple[str, ...]
    """Of its network interface, IPv4 first, without a prefix length."""
    mac: str
    private: str = ""
    """IPv4 by which other servers of the same customer know it; empty where none does."""
    session_policy: str = ""
    """Limits its credentials to what it allows as well as the role (JSON); empty: the role alone counts."""
    volume_id: str = ""
    """Of its volume for data; empty without one."""
    volume_gb: int = field(default=0, compare=False)
    """A larger one is the same."""
    volume_device: str = ""
    """By which it is attached."""

    def as_json(self) -> dict[str, Any]:
        """For the session's state."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Machine":
        """The reverse of `as_json`."""
        return cls(**{**data, "addresses": tuple(data["addresses"])})


@dataclass(frozen=True)
class Credentials:
    """Of an instance's role, for a while."""

    access_key: str
    secret_key: str
    token: str
    given: datetime
    expires: datetime


class Instances:
    """Asks the local AWS, as EC2 itself would know; used by several threads."""

    def __init__(self, local: LocalAws) -> None:
        """`local`: where the instances are."""
        self._local = local
        self._sessions: dict[tuple[str, str], Session] = {}
        self._credentials: dict[tuple[str, str], Credentials] = {}

    def _client(self, service: str, account_id: str, region: str) -> Any:
        key = (account_id, region)
        if key not in self._sessions:
            self._sessions[key] = session(self._local, account_id, region)
        return self._sessions[key].client(service)

    def running(self, account_id: str, region: str, tags: dict[str, str]) -> list[dict[str, Any]]:
        """The running instances with these tags, as EC2 describes them."""
        filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
        filters.append({"Name": "instance-state-name", "Values": ["running"]})
        found = self._client("ec2", account_id, region).describe_instances(Filters=filters)
        return [instance for group in found["Reservations"] for instance in group["Instances"]]

    def volume(self, account_id: str, region: str, instance: dict[str, Any]) -> tuple[str, int, str]:
        """Id, size (GiB) and device of an instance's volume beside its root; empty and 0 without one."""
        found = {
            mapping["Ebs"]["VolumeId"]: str(mapping["DeviceName"])
            for mapping in instance.get("BlockDeviceMappings", [])
            if mapping["DeviceName"] != instance["RootDeviceName"]
        }
        if not found:
            return "", 0, ""
        ec2 = self._client("ec2", account_id, region)
        [volume] = ec2.describe_volumes(VolumeIds=list(found))["Volumes"]
        return str(volume["VolumeId"]), int(volume["Size"]), found[volume["VolumeId"]]

    def has_user(self, account_id: str, region: str, name: str) -> bool:
        """Whether an IAM user stands."""
        pages = self._client("iam", account_id, region).get_paginator("list_users").paginate()
        return any(user["UserName"] == name for page in pages for user in page["Users"])

    def describe(self, machine: Machine) -> dict[str, Any]:
        """The machine's instance, as EC2 describes it."""
        ec2 = self._client("ec2", machine.account_id, machine.region)
        found = ec2.describe_instances(InstanceIds=[machine.instance_id])
        return dict(found["Reservations"][0]["Instances"][0])

    def user_data(self, machine: Machine) -> bytes | None:
        """What the instance was launched with."""
        found = self._client("ec2", machine.account_id, machine.region).describe_instance_attribute(
            InstanceId=machine.instance_id, Attribute="userData"
        )
        value = found.get("UserData", {}).get("Value")
        return base64.b64decode(value) if value else None

    def profile(self, machine: Machine) -> dict[str, Any] | None:
        """The instance's profile, as IAM describes it; None without one."""
        named = self.describe(machine).get("IamInstanceProfile")
        if not named:
            return None
        iam = self._client("iam", machine.account_id, machine.region)
        return dict(
            iam.get_instance_profile(InstanceProfileName=named["Arn"].rpartition("/")[2])["InstanceProfile"]
        )

    def credentials(self, machine: Machine, role_arn: str) -> Credentials:
        """Credentials of the instance's role, that last for some minutes at least."""
        whose = (machine.instance_id, machine.session_policy)
        known = self._credentials.get(whose)
        now = datetime.now(UTC)
        if known is None or known.expires - now < _RENEWED:
            limit = {"Policy": machine.session_policy} if machine.session_policy else {}
            given = self._client("sts", machine.account_id, machine.region).assume_role(
                RoleArn=role_arn,
                RoleSessionName=machine.instance_id,
                DurationSeconds=_CREDENTIALS_LAST,
                **limit,
            )["Credentials"]
            known = Credentials(
                given["AccessKeyId"],
                given["SecretAccessKey"],
                given["SessionToken"],
                now,
                given["Expiration"],
            )
            self._credentials[whose] = known
        return known
