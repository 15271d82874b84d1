"""Puts a server's spec together from what its entries contribute."""

from dataclasses import dataclass
from typing import Any

from managed_server import spec
from managed_server.http_chain import in_turn
from managed_server.model.tables import DebianRelease
from managed_server.resolve_alarms import alarms, cloudwatch
from managed_server.resolve_data import antivirus_exclude, data_volume
from managed_server.resolve_server import Gatherer


@dataclass(frozen=True)
class Whose:
    """What a server has from its customer."""

    stack: str
    users: tuple[spec.User, ...]
    admin_networks: tuple[str, ...]
    hub: spec.Hub


def server_spec(name: str, whose: Whose, gather: Gatherer, release: DebianRelease) -> spec.ServerSpec:
    """Return the spec of a server whose entries have been chosen."""
    server, machine = gather.server, gather.machine
    munin = tuple(sorted((plugin for _, plugin in gather.section("munin")), key=lambda p: p.name))
    data = data_volume(gather)
    collections: dict[str, tuple[Any, ...]] = {
        "sites": tuple(sorted(server.sites)),
        "users": gather.users(whose.users),
        "munin_plugins": munin,
        "apt_sources": gather.apt_sources(),
        "dumps": gather.dumps(),
        "data_mounts": data.mounts if data else (),
        "data_users": data.users if data else (),
    }
    packages, vendor_packages = gather.packages()
    return spec.ServerSpec(
        name=name,
        host_name=f"{whose.stack}-{name}",
        hosting=server.hosting,
        instance_type=server.instance_type or "",
        address=server.address or "",
        private_address=server.private_address or "",
        vcpus=machine.vcpus,
        memory_mb=machine.memory_mb,
        architecture=machine.architecture,
        burstable=machine.burstable,
        disk_gb=server.disk_gb,
        data=data,
        debian=server.debian,
        codename=release.codename,
        image_owner=release.image_owner,
        image_name=release.image_name.replace("{architecture}", machine.architecture),
        root_device=release.root_device,
        software=tuple(sorted(server.software)),
        entries=gather.entries(),
        memory=gather.memory(),
        sites=collections["sites"],
        peers=tuple(sorted(server.peers)),
        reaches=gather.place.reaches,
        behind=tuple(sorted(server.behind)),
        forwarders=gather.place.forwarders,
        unsupported_packages=tuple(sorted(server.unsupported_packages)),
        maintenance=spec.Maintenance(
            server.maintenance.day, server.maintenance.time, server.maintenance.reboot
        ),
        pin=server.pin,
        resize=server.resize,
        packages=packages,
        vendor_packages=vendor_packages,
        units=in_turn(gather.units(), gather.listens(), gather.chosen),
        processes=tuple(
            sorted(
                (spec.Process(origin, p.name, p.user) for origin, p in gather.section("processes")),
                key=lambda p: (p.name, p.user),
            )
        ),
        listens=gather.listens(),
        rules=gather.rules(whose.admin_networks, whose.hub),
        files=gather.files(collections),
        directories=gather.directories(collections),
        links=gather.links(collections),
        removed=gather.removed(),
        timers=gather.timers(),
        setup=gather.setup(),
        secrets=gather.secrets(whose.stack, name),
        apt_sources=collections["apt_sources"],
        dumps=collections["dumps"],
        users=collections["users"],
        groups=gather.groups(),
        checks=gather.checks,
        munin=munin,
        logs=tuple(sorted((item for _, item in gather.section("logs")), key=lambda i: i.path)),
        integrity_watch=gather.parts("integrity", "watch"),
        integrity_ignore=gather.parts("integrity", "ignore"),
        antivirus_exclude=antivirus_exclude(gather, data),
        backup_paths=gather.parts("backup", "paths"),
        backup_exclude=gather.parts("backup", "exclude"),
        alarms=alarms(gather),
        cloudwatch=cloudwatch(gather, whose.stack, name),
    )
