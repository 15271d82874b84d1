"""EC2: which key new disks are encrypted with can be set, but neither asked for nor set back (500)."""

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response

from managed_server.local.aws.cures.patching import add, require

_AWS_OWN = "alias/aws/ebs"


def _get(self: Any) -> ActionResult:
    return ActionResult({"KmsKeyId": self.ec2_backend.default_kms_key_id or _AWS_OWN})


def _reset(self: Any) -> ActionResult:
    self.ec2_backend.default_kms_key_id = ""
    return ActionResult({"KmsKeyId": _AWS_OWN})


def apply() -> None:
    """Answer with the key that was set, or the one that AWS keeps for an account."""
    require(EC2Backend, "modify_ebs_default_kms_key_id")
    add(EC2Response, "get_ebs_default_kms_key_id", _get)
    add(EC2Response, "reset_ebs_default_kms_key_id", _reset)
