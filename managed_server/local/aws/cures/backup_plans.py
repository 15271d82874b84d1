"""Backup: UpdateBackupPlan is not implemented (500), and the name of a deleted plan can't be used again."""

import json
from collections.abc import Callable
from typing import Any

from moto.backup.models import BackupBackend, Plan
from moto.backup.responses import BackupResponse
from moto.core.responses import ActionResult

from managed_server.local.aws.cures.patching import add, replace


def _update_backup_plan(self: Any) -> ActionResult:
    plan = self.backup_backend.get_backup_plan(self._get_param("backupPlanId"), version_id=None)
    # A plan made of the new document has the defaults filled in, and ids for its rules and version.
    new = Plan(json.loads(self.body)["BackupPlan"], plan.creator_request_id, self.backup_backend)
    plan.backup_plan, plan.version_id = new.backup_plan, new.version_id
    plan.advanced_backup_settings = new.advanced_backup_settings
    return ActionResult(plan.to_dict())


def _forgetting_deleted(create: Callable[..., Plan]) -> Callable[..., Plan]:
    def create_backup_plan(self: Any, *arguments: Any, **options: Any) -> Plan:
        # AWS still describes a deleted plan by its id for a while; nothing here asks for one.
        self.plans = {key: plan for key, plan in self.plans.items() if plan.deletion_date is None}
        return create(self, *arguments, **options)

    return create_backup_plan


def apply() -> None:
    """Add the call, and drop deleted plans when a plan is made."""
    add(BackupResponse, "update_backup_plan", _update_backup_plan)
    replace(BackupBackend, "create_backup_plan", _forgetting_deleted)
