"""S3: every account reads and writes every other account's buckets, whether or not their policies say so."""

import json
from collections.abc import Callable
from typing import Any

from moto.s3.exceptions import AccessDeniedByLock, BucketError
from moto.s3.models import S3Backend, s3_backends

from managed_server.local.aws.cures.patching import replace, require


class NameTakenError(BucketError):  # type: ignore[misc]  # moto carries no types
    """Another account has a bucket of that name (409, as in AWS)."""

    code = "BucketAlreadyExists"

    def __init__(self, bucket: str) -> None:
        """`bucket`: the name."""
        super().__init__("The requested bucket name is not available: all accounts share the names.")
        self.bucket_name = bucket


def _principals(statement: dict[str, Any]) -> list[str]:
    principal = statement.get("Principal", {})
    named = principal if isinstance(principal, str) else principal.get("AWS", [])
    return [named] if isinstance(named, str) else list(named)


def _lets_in(policy: bytes | str | None, account_id: str) -> bool:
    if not policy:
        return False
    statements = json.loads(policy)["Statement"]
    for statement in [statements] if isinstance(statements, dict) else statements:
        if statement.get("Effect") == "Allow":
            for named in _principals(statement):
                if named in ("*", account_id) or f":{account_id}:" in named:
                    return True
    return False


def _kept_apart(get: Callable[..., Any]) -> Callable[..., Any]:
    def get_bucket(self: Any, bucket_name: str) -> Any:
        bucket = get(self, bucket_name)
        owner = getattr(bucket, "account_id", self.account_id)
        # Which of the actions, and on what condition, is not decided here: IAM enforcement is off.
        if owner != self.account_id and not _lets_in(bucket.policy, self.account_id):
            raise AccessDeniedByLock
        return bucket

    return get_bucket


def _names_shared(create: Callable[..., Any]) -> Callable[..., Any]:
    def create_bucket(self: Any, bucket_name: str, *arguments: Any, **options: Any) -> Any:
        # moto would look at the bucket that is there, which is now refused.
        _, owner = s3_backends.bucket_accounts.get(bucket_name, ("", self.account_id))
        if owner != self.account_id:
            raise NameTakenError(bucket_name)
        return create(self, bucket_name, *arguments, **options)

    return create_bucket


def apply() -> None:
    """Refuse (403) an account that no statement of the bucket's policy allows anything."""
    require(s3_backends, "bucket_accounts")
    replace(S3Backend, "create_bucket", _names_shared)
    replace(S3Backend, "get_bucket", _kept_apart)
