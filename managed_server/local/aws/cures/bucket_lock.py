"""S3: the object lock of a bucket can't be changed or removed once it holds objects; in AWS it can."""

from collections.abc import Callable
from typing import Any

from moto.s3.exceptions import BucketNeedsToBeNew
from moto.s3.models import S3Backend

from managed_server.local.aws.cures.patching import replace


def _also_with_objects(put: Callable[..., None]) -> Callable[..., None]:
    def put_object_lock_configuration(
        self: Any,
        bucket_name: str,
        lock_enabled: bool,  # noqa: FBT001
        mode: str | None = None,
        days: int | None = None,
        years: int | None = None,
    ) -> None:
        try:
            put(self, bucket_name, lock_enabled, mode, days, years)
        except BucketNeedsToBeNew:
            bucket = self.get_bucket(bucket_name)
            bucket.object_lock_enabled = bucket.object_lock_enabled or bool(lock_enabled)
            bucket.default_lock_mode, bucket.default_lock_days, bucket.default_lock_years = mode, days, years

    return put_object_lock_configuration


def apply() -> None:
    """Where moto objects to the objects, set what was asked."""
    replace(S3Backend, "put_object_lock_configuration", _also_with_objects)
