"""Makes a stack file that is wrong in places complete enough to look for what else is wrong with it.

All problems must be reported at once, also those that show only when the file is held against the
catalogue. So what the model refuses is taken out, or replaced where it is needed, and the rest is resolved.
The result is for finding problems alone: nothing is ever rendered or created from it.
"""

import copy
import datetime
from typing import Any

from pydantic import ValidationError

from managed_server.model.customer import Customer, StackFile
from managed_server.model.regions import REGIONS
from managed_server.problems import Path

_ROUNDS = 200  # each round mends at least one place; no file that a person writes has more

_STAND_INS: dict[str, Any] = {
    # for what a file can't do without; each is valid, and says nothing that could be a problem of its own
    "name": "unknown",
    "start": datetime.date(2000, 1, 1),
    "term_months": 1200,
    "account_id": "000000000000",
    "email": "unknown@unknown.example",
    "disk_gb": 16384,  # the largest: too small for nothing that the server has
    "data_gb": 16384,
    "vcpus": 1,
    "memory_mb": 1024,
    "day": "sunday",
    "time": "07:00",
    "reboot": "never",
}
_WHOLE: dict[str, Any] = {
    "contract": {"start": _STAND_INS["start"], "term_months": _STAND_INS["term_months"]},
    "contacts": [{"name": _STAND_INS["name"], "email": _STAND_INS["email"]}],
}


def mended(data: Any, hub: str, instance_type: str, software: str) -> Customer | None:
    """Return the customer that is left of a stack file, or None where nothing sensible is.

    ``hub``, ``instance_type`` and ``software`` stand in for those that are missing or of no use.
    """
    data = copy.deepcopy(data)
    bought = {"instance_type": instance_type, "disk_gb": _STAND_INS["disk_gb"], "software": [software]}
    said = repr(data)
    unused = [region for region in REGIONS if region not in said]  # the two must differ
    regions = dict(zip(("region", "backup_region"), [*unused, *REGIONS], strict=False))
    aws = {"account_id": _STAND_INS["account_id"], **regions}
    stand_ins = {**_STAND_INS, **_WHOLE, **bought, **aws, "aws": aws, "hub": hub}
    stand_ins["servers"] = {"unknown": bought}
    for _ in range(_ROUNDS):
        try:
            return StackFile.model_validate(data).config.customer
        except ValidationError as errors:
            error = errors.errors(include_url=False)[-1]  # the last: what is taken out shifts none before it
            if not _mend(data, error["loc"], error["type"], stand_ins):
                return None
    return None


def _mend(data: Any, loc: tuple[Any, ...], kind: str, stand_ins: dict[str, Any]) -> bool:
    """Take one wrong value out, or put a stand-in in its place; tells whether it could."""
    path = _existing(data, loc)
    if kind == "missing":
        holder, key = _at(data, path), loc[-1]
        if isinstance(holder, dict) and key in stand_ins and key not in holder:
            holder[key] = copy.deepcopy(stand_ins[key])
            return True
    if len(path) <= len(_CUSTOMER):
        return False
    holder, key = _at(data, path[:-1]), path[-1]
    if key == "hosting" and isinstance(holder, dict):
        holder[key] = "aws" if "instance_type" in holder else "elsewhere"
    elif isinstance(holder, dict) and key in stand_ins and holder[key] != stand_ins[key]:
        holder[key] = copy.deepcopy(stand_ins[key])
    else:
        del holder[key]
    return True


_CUSTOMER: Path = ("config", "managed-server:customer")


def _existing(data: Any, loc: tuple[Any, ...]) -> Path:
    """Return the part of a location that is in the file."""
    path: list[Any] = []
    for part in loc:
        inside = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if inside or (isinstance(data, dict) and part in data):
            data = data[part]
            path.append(part)
    return tuple(path)


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data
