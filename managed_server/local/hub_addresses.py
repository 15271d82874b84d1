"""What is done by hand once for each hub: its address is allocated in its account (docs/operate.md, Hubs)."""

from pathlib import Path

from managed_server.inputs import load_provider
from managed_server.local.aws.client import client
from managed_server.local.aws.process import LocalAws
from managed_server.model.provider import Hub


def allocate(root: Path, local: LocalAws) -> None:
    """Allocate the recorded address of every hub on the local AWS, if it isn't yet.

    Raises:
        InputError: provider.yaml is wrong.
    """
    for hub in load_provider(root).hubs.values():
        _allocate(local, hub)


def _allocate(local: LocalAws, hub: Hub) -> None:
    ec2 = client(local, "ec2", hub.account_id, hub.region)
    given = {address["PublicIp"] for address in ec2.describe_addresses()["Addresses"]}
    if str(hub.ipv4) not in given:
        ec2.allocate_address(Domain="vpc", Address=str(hub.ipv4))
