"""What a stack's state says of servers that leave, and what is changed in it so that they can."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Resource = dict[str, Any]

_SERVER, _PUBLISHED = "managed-server:index:ManagedServer", "managed-server:index:HubFragment"
_ACCESS = "managed-server:index:ServerAccess"
_STACK = "pulumi:pulumi:Stack"
_INSTANCE, _VOLUME = "aws:ec2/instance:Instance", "aws:ebs/volume:Volume"
_ADDRESSES = ("aws:ec2/eip:Eip", "aws:ec2/eipAssociation:EipAssociation")
_BUCKET = "aws:s3/bucket:Bucket"
_TRAIL = "aws:cloudtrail/trail:Trail"


@dataclass(frozen=True)
class State:
    """The resources of a stack, as Pulumi exports them."""

    stack: str
    resources: list[Resource]

    def standing(self, names: Collection[str]) -> dict[str, dict[str, Any]]:
        """What is known of servers that stand and leave, by name.

        The outputs are those of the last whole update: a server whose first one came to no end isn't in them.
        What of it is still protected tells that nobody has agreed to its end.
        """
        servers = self._outputs().get("servers") or {}
        made = {name: [*self._below(_SERVER, {f"{self.stack}-{name}"})] for name in names}
        return {
            name: dict(servers[name]) if name in servers else _known(made[name])
            for name in names
            if name in servers or any(each.get("protect") for each in made[name])
        }

    def remaining(self, names: Collection[str]) -> list[Resource]:
        """Resources of servers: all have its tag, or are below what it is, or below what it may do.

        By its name alone they aren't known: that of another server may begin like it.
        """
        below = {
            each["urn"]
            for kind, part in ((_SERVER, ""), (_ACCESS, "-access"))
            for each in self._below(kind, {f"{self.stack}-{name}{part}" for name in names})
        }
        return [
            each
            for each in self.resources
            if each.get("custom")
            and (
                each["urn"] in below or ((each.get("inputs") or {}).get("tags") or {}).get("server") in names
            )
        ]

    def published(self, names: Collection[str]) -> list[Resource]:
        """What servers have told their hub, in its account."""
        return [*self._below(_PUBLISHED, {f"{self.stack}-{name}-hub" for name in names})]

    def buckets(self) -> list[Resource]:
        """Buckets that aren't emptied when they are deleted: what they hold is somebody's."""
        return [
            each
            for each in self.resources
            if each["type"] == _BUCKET and not (each.get("inputs") or {}).get("forceDestroy")
        ]

    def trails(self) -> list[Resource]:
        """What records calls to the account."""
        return [each for each in self.resources if each["type"] == _TRAIL]

    def provider_of(self, resource: Resource) -> dict[str, Any]:
        """Inputs of a resource's provider: region, account and role."""
        known = {f"{each['urn']}::{each.get('id')}": each for each in self.resources}
        return dict(known[resource["provider"]]["inputs"])

    def let_go(self, names: Collection[str]) -> int:
        """Take Pulumi's protection from servers, and their names from the stack's outputs, in one step.

        Without the name the program takes a server for gone, and refuses no longer to go on without it
        (managed_server/changes.py). Returns how many resources were protected.
        """
        below = self._below(_SERVER, {f"{self.stack}-{name}" for name in names})
        freed = [each for each in below if each.get("protect")]
        for each in freed:
            each["protect"] = False
        servers = self._outputs().get("servers") or {}
        for name in names:
            servers.pop(name, None)
        return len(freed)

    def let_all_go(self) -> None:
        """Take Pulumi's protection from everything."""
        for each in self.resources:
            if each.get("protect"):
                each["protect"] = False

    def forget(self, gone: Collection[str]) -> None:
        """Take resources out of the state, by URN, as if they had been deleted."""
        self.resources[:] = [each for each in self.resources if each["urn"] not in gone]
        for each in self.resources:
            each["dependencies"] = [urn for urn in each.get("dependencies") or [] if urn not in gone]
            links = each.get("propertyDependencies") or {}
            for key, urns in links.items():
                links[key] = [urn for urn in urns or [] if urn not in gone]

    def _outputs(self) -> dict[str, Any]:
        found = next((each for each in self.resources if each["type"] == _STACK), {})
        outputs: dict[str, Any] = found.get("outputs") or {}
        return outputs

    def _below(self, kind: str, names: Collection[str]) -> Iterator[Resource]:
        """Yield the custom resources below components of a type."""
        parents: Mapping[str, str | None] = {each["urn"]: each.get("parent") for each in self.resources}
        tops = {each["urn"] for each in self.resources if each["type"] == kind and _name(each) in names}
        for each in self.resources:
            urn: str | None = each["urn"]
            while urn is not None and urn not in tops:
                urn = parents.get(urn)
            if urn is not None and each.get("custom"):
                yield each


def _known(made: list[Resource]) -> dict[str, Any]:
    """Return what the outputs would know of a server; its instance is None where none was made."""
    live = {each["type"]: each for each in made if not each.get("delete")}
    told = {kind: each.get("outputs") or {} for kind, each in live.items()}
    found: dict[str, Any] = {"instance_id": live.get(_INSTANCE, {}).get("id")}
    addresses = [told[kind]["publicIp"] for kind in _ADDRESSES if told.get(kind, {}).get("publicIp")]
    if addresses:
        found["address"] = addresses[0]
    if _VOLUME in live:
        found["data_gb"] = (live[_VOLUME].get("inputs") or {})["size"]
    return found


def _name(resource: Resource) -> str:
    return str(resource["urn"]).rpartition("::")[2]
