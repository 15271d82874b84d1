"""A server's volume for data: what of its software lives on it, and what isn't started without it."""

from collections import defaultdict

from managed_server import spec
from managed_server.model.catalogue import Software
from managed_server.model.catalogue_items import DataDirectory, given
from managed_server.resolve_server import Chosen, Gatherer

_SOFTWARE = "software"
"""Directory on the volume for the directories of software; what is beside it is the customer's own."""


def data_volume(gather: Gatherer) -> spec.DataVolume | None:
    """Return the server's volume for data; None where its stack file names none."""
    if gather.server.data_gb is None:
        return None
    volume = gather.project.debian.data_volume
    sources = f"{volume.path}/{_SOFTWARE}"
    found: dict[str, DataDirectory] = {}
    paths: dict[str, set[str]] = defaultdict(set)
    for chosen in gather.chosen:
        directories = _directories(chosen)
        for directory in directories:
            if directory.owner is not None or directory.path not in found:
                found[directory.path] = directory
            for unit in (*_units(gather, chosen), *directory.units):
                paths[unit].add(directory.path)
    for chosen in gather.chosen:
        for timer in given(chosen.entry.timers):
            if timer.uses_data and gather.holds(timer, chosen.id):
                paths[_service(timer.name)] |= {volume.path, *found}
    return spec.DataVolume(
        gb=gather.server.data_gb,
        device=volume.device,
        path=volume.path,
        unit=mount_unit(volume.path),
        sources=sources,
        mounts=tuple(
            spec.DataMount(mount_unit(path), path, sources + path, directory.owner or "", directory.mode)
            for path, directory in sorted(found.items())
        ),
        users=tuple(spec.DataUser(unit, tuple(sorted(needed))) for unit, needed in sorted(paths.items())),
    )


def antivirus_exclude(gather: Gatherer, data: spec.DataVolume | None) -> tuple[str, ...]:
    """Return what the scan passes over: on a data volume it finds files where they are on the volume."""
    excluded = gather.parts("antivirus", "exclude")
    there: set[str | None] = {data.source_of(path) for path in excluded} if data else set()
    return tuple(sorted({*excluded, *(path for path in there if path is not None)}))


def mount_unit(path: str) -> str:
    """Return the name of a path's mount unit (systemd.unit(5), string escaping)."""
    plain = path.strip("/")
    return "".join(_escaped(each, first=index == 0) for index, each in enumerate(plain)) + ".mount"


def _escaped(character: str, *, first: bool) -> str:
    if character == "/":
        return "-"
    if character.isascii() and (character.isalnum() or character in ":_" or (character == "." and not first)):
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode())


def _directories(chosen: Chosen) -> tuple[DataDirectory, ...]:
    return given(chosen.entry.data) if isinstance(chosen.entry, Software) else ()


def _units(gather: Gatherer, chosen: Chosen) -> list[str]:
    """Return the units that an entry runs, and what its timers start."""
    return [
        *(
            unit.name
            for unit in given(chosen.entry.units)
            if unit.state == "running" and gather.holds(unit, chosen.id)
        ),
        *(_service(timer.name) for timer in given(chosen.entry.timers) if gather.holds(timer, chosen.id)),
    ]


def _service(timer: str) -> str:
    return f"managed-{timer}.service"
