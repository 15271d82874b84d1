"""Backup: selections (create, get, list, delete) are not implemented (500)."""

import json
import uuid
from collections.abc import Callable
from typing import Any

from moto.backup.exceptions import InvalidRequestException, ResourceNotFoundException
from moto.backup.models import BackupBackend
from moto.backup.responses import BackupResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import unix_time

from managed_server.local.aws.cures.patching import add, replace

Selections = dict[str, dict[str, Any]]


def _of_plan(response: Any) -> Selections:
    """The selections of the plan that the request names; they live and die with the plan."""
    plan = response.backup_backend.get_backup_plan(response._get_param("backupPlanId"), version_id=None)  # noqa: SLF001
    selections: Selections = vars(plan).setdefault("selections", {})
    return selections


def _one(response: Any) -> dict[str, Any]:
    try:
        return _of_plan(response)[response._get_param("selectionId")]  # noqa: SLF001
    except KeyError:
        raise ResourceNotFoundException(msg="Cannot find Backup selection") from None


def _create(self: Any) -> ActionResult:
    body = json.loads(self.body)
    selection = {
        "BackupPlanId": self._get_param("backupPlanId"),
        "SelectionId": str(uuid.uuid4()),
        "CreationDate": unix_time(),
        "CreatorRequestId": body.get("CreatorRequestId"),
        "BackupSelection": body["BackupSelection"],
    }
    _of_plan(self)[selection["SelectionId"]] = selection
    return ActionResult(selection)


def _get(self: Any) -> ActionResult:
    return ActionResult(_one(self))


def _list(self: Any) -> ActionResult:
    return ActionResult(
        {"BackupSelectionsList": [{**s, **s["BackupSelection"]} for s in _of_plan(self).values()]}
    )


def _delete(self: Any) -> EmptyResult:
    del _of_plan(self)[_one(self)["SelectionId"]]
    return EmptyResult()


def _not_with_selections(delete: Callable[..., Any]) -> Callable[..., Any]:
    def delete_backup_plan(self: Any, backup_plan_id: str) -> Any:
        plan = self.plans.get(backup_plan_id)
        if plan and vars(plan).get("selections"):
            raise InvalidRequestException(
                "Related backup plan selections must be deleted prior to backup plan deletion"
            )
        return delete(self, backup_plan_id)

    return delete_backup_plan


def apply() -> None:
    """Keep selections on their plan, and refuse to delete a plan that has any, as AWS does."""
    add(BackupResponse, "create_backup_selection", _create)
    add(BackupResponse, "get_backup_selection", _get)
    add(BackupResponse, "list_backup_selections", _list)
    add(BackupResponse, "delete_backup_selection", _delete)
    replace(BackupBackend, "delete_backup_plan", _not_with_selections)
