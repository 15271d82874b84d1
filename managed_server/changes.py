"""What a stack file may not do to servers that stand: the program asks this before it registers anything.

The stack's own outputs, as its last whole update wrote them, say what stands. They are compared with what the
stack file says now. Nothing here needs a cloud or an engine.
"""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from managed_server import spec
from managed_server.proofs.calendars import DAY, DAYS, WEEK

Standing = Mapping[str, Mapping[str, Any]]
"""The output ``servers`` of a stack: what is known of each server, by its name."""


@dataclass(frozen=True)
class Refusal:
    """What is refused, and what to do instead."""

    server: str
    message: str
    preview: bool = True
    """Whether a preview is refused as well, or only warns."""


def refusals(customer: spec.CustomerSpec, standing: Standing, now: datetime.datetime) -> list[Refusal]:
    """Return what must not be done to servers that stand.

    Args:
        customer: what the stack file says.
        standing: what stands.
        now: the time, UTC.
    """
    wanted = {server.name: server for server in customer.servers}
    found: list[Refusal] = []
    for name, known in sorted(standing.items()):
        if name in wanted:
            found += _changed(customer, wanted[name], known, now)
        else:
            found.append(Refusal(name, _gone(customer, name)))
    return found


def _gone(customer: spec.CustomerSpec, name: str) -> str:
    if name in customer.retiring:
        command = f"managed retire {customer.id}" + ("" if customer.retires else f" {name}")
        return (
            f"is to be retired, and stands: `{command}` takes its last backup and ends it; deploy after that"
        )
    return (
        "stands, and the stack file has it no more. A server isn't renamed: its name is in its backups, in "
        "its bundles and at its hub. Write its lines back. Then either keep the name, or add a new server "
        f"beside it, move the data, and write `retire: true` for {name} (docs/operate.md, Renaming)"
    )


def _changed(
    customer: spec.CustomerSpec, server: spec.ServerSpec, known: Mapping[str, Any], now: datetime.datetime
) -> Iterator[Refusal]:
    """Yield what is wrong with a change of a machine."""
    if ("instance_id" in known) != (server.hosting == "aws"):
        stands, other = ("on AWS", "elsewhere") if "instance_id" in known else ("elsewhere", "on AWS")
        message = (
            f"hosting: it stands {stands}, and a server doesn't move: write its lines back, add a new server "
            f"{other} beside it, move the data, and write `retire: true` for {server.name}"
        )
        yield Refusal(server.name, message)
        return
    release = known.get("debian")  # a stack from before it was kept has none
    if release is not None and server.debian != release:
        message = (
            f"debian: it runs Debian {release:.0f}, and refuses the bundles of another: write `debian: "
            f"{release:.0f}`, add a new server with {server.debian} beside it, move the data, and write "
            f"`retire: true` for {server.name}"
        )
        yield Refusal(server.name, message)
    disk, kind, architecture = (known.get(key) for key in ("disk_gb", "instance_type", "architecture"))
    name, wanted = server.name, server.instance_type
    if disk is not None and server.disk_gb < disk:
        yield Refusal(name, f"disk_gb: it has {disk:.0f} GB, and no disk shrinks: write {disk:.0f} or more")
    if volume := _other_data_volume(server, known):
        yield Refusal(name, f"data_gb: {volume}")
    if architecture is not None and server.architecture != architecture:
        message = (
            f"instance_type: {wanted} is {server.architecture}, and what is on its disk is for "
            f"{architecture}: choose a type of that, or add a new server and retire this one"
        )
        yield Refusal(name, message)
    elif kind is not None and wanted != kind and not may_stop(customer, server, now):
        window = server.maintenance
        message = (
            f"instance_type: {kind} becomes {wanted}, which stops the server for minutes. Deploy in its "
            f"window ({window.day} {window.time} UTC, {customer.window_minutes} minutes), or agree on a day "
            f'with the customer, and write it (UTC): `resize: "{now:%Y-%m-%d}"`'
        )
        yield Refusal(name, message, preview=False)


def _other_data_volume(server: spec.ServerSpec, known: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a change of a server's volume for data: it grows, and does nothing else."""
    stands = known.get("data_gb")
    elsewhere = "add a new server {} beside this one, move the data, and write `retire: true` for {}"
    if stands is None:
        if server.data is None or "disk_gb" not in known:
            return None
        return (
            "it stands without a data volume, and an empty one would be mounted over its data: take the line "
            f"out. To have one, {elsewhere.format('with it', server.name)} (docs/operate.md, Data volumes)"
        )
    if server.data is None:
        return (
            f"its data are on a volume of {stands:.0f} GB, and would be cut off: write `data_gb: "
            f"{stands:.0f}` back. To do without, {elsewhere.format('without it', server.name)}"
        )
    if server.data.gb < stands:
        return f"the volume has {stands:.0f} GB, and none shrinks: write {stands:.0f} or more"
    return None


def may_stop(customer: spec.CustomerSpec, server: spec.ServerSpec, now: datetime.datetime) -> bool:
    """Tell whether a server may be stopped now: in its window, or on the day that was agreed.

    Args:
        customer: whose it is.
        server: the server.
        now: the time, UTC.
    """
    if server.resize == now.date():
        return True
    hour, minute = server.maintenance.time.split(":")
    begin = DAYS.index(server.maintenance.day) * DAY + int(hour) * 60 + int(minute)
    minutes = now.weekday() * DAY + now.hour * 60 + now.minute
    return (minutes - begin) % WEEK < customer.window_minutes
