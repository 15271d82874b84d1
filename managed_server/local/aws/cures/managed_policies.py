"""IAM: AWS's own managed policies don't exist (404); moto's switch for them costs a second per account."""

import json
from functools import cache
from typing import Any

from moto.iam import models
from moto.iam.models import AWSManagedPolicy, IAMBackend

from managed_server.local.aws.cures.patching import replace, require

PARTITION = "aws"


@cache
def _documents() -> dict[str, Any]:
    return dict(json.loads(models.aws_managed_policies_data))


def _init_aws_policies(self: Any) -> list[AWSManagedPolicy]:
    # moto makes a backend for each of six partitions, in every account: only one is ever used here.
    if self.region_name != PARTITION:
        return []
    return [
        AWSManagedPolicy.from_data(name, self.account_id, self.region_name, document)
        for name, document in _documents().items()
    ]


def apply() -> None:
    """Load them in the ordinary partition, parsed once for all accounts."""
    require(models, "aws_managed_policies_data")
    require(AWSManagedPolicy, "from_data")
    replace(IAMBackend, "_init_aws_policies", lambda _: _init_aws_policies)
