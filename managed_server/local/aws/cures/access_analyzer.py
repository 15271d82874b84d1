"""IAM Access Analyzer: moto has no such service, and every call of it fails (500)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from moto import backend_index, backends
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, BaseResponse, EmptyResult

from managed_server.local.aws.cures.patching import PatchTargetError, replace, require

_SERVICE = "accessanalyzer"
_HOSTS = r"https?://access-analyzer\.(.+)\.amazonaws\.com"


class _NotFoundError(JsonRESTError):  # type: ignore[misc]  # moto carries no types
    code = 404

    def __init__(self, name: str) -> None:
        super().__init__("ResourceNotFoundException", f"there is no analyzer {name}")


class _ConflictError(JsonRESTError):  # type: ignore[misc]
    code = 409

    def __init__(self, name: str) -> None:
        super().__init__("ConflictException", f"the analyzer {name} exists already")


class _Backend(BaseBackend):  # type: ignore[misc]
    """The analyzers of an account in a region, as GetAnalyzer tells of them. They find nothing here."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.analyzers: dict[str, dict[str, Any]] = {}

    @property
    def _url_module(self) -> SimpleNamespace:
        paths = ("/analyzer", "/analyzer/<name>", "/tags/<path:arn>")
        return SimpleNamespace(
            url_bases=[_HOSTS], url_paths={f"{{0}}{path}": _Response.dispatch for path in paths}
        )


_BACKENDS = BackendDict(_Backend, _SERVICE)


class _Response(BaseResponse):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__(service_name=_SERVICE)
        self.automated_parameter_parsing = True

    @property
    def _analyzers(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = _BACKENDS[self.current_account][self.region].analyzers
        return found

    def _one(self) -> dict[str, Any]:
        name = self._get_param("analyzerName")
        if name not in self._analyzers:
            raise _NotFoundError(name)
        return self._analyzers[name]

    def _tags(self) -> dict[str, str]:
        arn = self._get_param("resourceArn")
        for analyzer in self._analyzers.values():
            if analyzer["arn"] == arn:
                tags: dict[str, str] = analyzer["tags"]
                return tags
        raise _NotFoundError(arn)

    def create_analyzer(self) -> ActionResult:
        name = self._get_param("analyzerName")
        if name in self._analyzers:
            raise _ConflictError(name)
        arn = f"arn:aws:access-analyzer:{self.region}:{self.current_account}:analyzer/{name}"
        self._analyzers[name] = {
            "arn": arn,
            "name": name,
            "type": self._get_param("type"),
            "createdAt": datetime.now(UTC),
            "tags": dict(self._get_param("tags") or {}),
            "status": "ACTIVE",
        }
        return ActionResult({"arn": arn})

    def get_analyzer(self) -> ActionResult:
        return ActionResult({"analyzer": self._one()})

    def list_analyzers(self) -> ActionResult:
        return ActionResult({"analyzers": list(self._analyzers.values())})

    def delete_analyzer(self) -> EmptyResult:
        del self._analyzers[self._one()["name"]]
        return EmptyResult()

    def list_tags_for_resource(self) -> ActionResult:
        return ActionResult({"tags": self._tags()})

    def tag_resource(self) -> ActionResult:
        self._tags().update(self._get_param("tags"))
        return ActionResult({})

    def untag_resource(self) -> ActionResult:
        tags = self._tags()
        for key in self._get_param("tagKeys"):
            tags.pop(key, None)
        return ActionResult({})


def _with_ours(get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda name: _BACKENDS if name == _SERVICE else get(name)


def apply() -> None:
    """Add a small service: analyzers that can be made, read, tagged and deleted."""
    if any(service == _SERVICE for service, _ in backend_index.backend_url_patterns):
        raise PatchTargetError(f"moto now has {_SERVICE}: the cure that adds it may be dropped")
    require(BaseResponse, "_get_param")
    replace(backends, "get_backend", _with_ours)
    backend_index.backend_url_patterns.append((_SERVICE, re.compile(_HOSTS)))
