"""CloudTrail: whoever describes one trail gets all of the account; deleting by ARN deletes nothing."""

import json
from collections.abc import Callable
from typing import Any

from moto.cloudtrail.models import CloudTrailBackend
from moto.cloudtrail.responses import CloudTrailResponse

from managed_server.local.aws.cures.patching import replace, require


def _named(describe: Callable[[Any], str]) -> Callable[[Any], str]:
    def describe_trails(self: Any) -> str:
        answer = json.loads(describe(self))
        wanted = json.loads(self.body or "{}").get("trailNameList")
        if wanted:
            answer["trailList"] = [
                trail for trail in answer["trailList"] if {trail["Name"], trail["TrailARN"]} & set(wanted)
            ]
        return json.dumps(answer)

    return describe_trails


def _by_either(delete: Callable[..., None]) -> Callable[..., None]:
    def delete_trail(self: Any, name: str) -> None:
        delete(self, self.get_trail(name).trail_name)

    return delete_trail


def apply() -> None:
    """Leave out what the call doesn't name, by name or ARN; delete by both, and refuse an unknown one."""
    require(CloudTrailBackend, "get_trail")
    replace(CloudTrailResponse, "describe_trails", _named)
    replace(CloudTrailBackend, "delete_trail", _by_either)
