"""Backup: ListTags wants a slash at the end of its path; boto3 sends one, the SDK for Go doesn't (500)."""

from typing import Any
from urllib.parse import unquote

from moto.backup.responses import BackupResponse
from moto.core.responses import ActionResult

from managed_server.local.aws.cures.patching import replace


def _list_tags(self: Any) -> ActionResult:
    arn = unquote(self.path.split("/tags/", 1)[1].rstrip("/"))
    return ActionResult({"Tags": self.backup_backend.list_tags(resource_arn=arn)})


def apply() -> None:
    """Read the name of the resource from the path with or without the slash."""
    replace(BackupResponse, "list_tags", lambda _: _list_tags)
