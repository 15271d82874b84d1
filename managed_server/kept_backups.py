"""What is left in buckets when a server or a customer has gone: until when it is locked, and its end."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

_BATCH = 1000  # objects that one call deletes: all that S3 takes


@dataclass(frozen=True)
class Kept:
    """Versions of objects in a bucket, below a prefix."""

    bucket: str
    prefix: str
    versions: tuple[tuple[str, str], ...]
    """Key and version; markers of deleted objects as well."""
    until: datetime | None
    """When the last lock has ended; none where nothing is locked."""

    @property
    def text(self) -> str:
        """Where they are, and how many."""
        where = f"{self.bucket}/{self.prefix}".rstrip("/")
        return f"{len(self.versions)} versions of objects in {where}"


class KeptError(Exception):
    """The bucket can't be looked at, or not emptied; the message says why."""


def look(s3: Any, bucket: str, prefix: str = "") -> Kept:
    """Look at what a bucket holds. The bucket's own rule tells for how long each new version is locked.

    Args:
        s3: a client with rights in the bucket's account.
        bucket: its name.
        prefix: of the keys.

    Raises:
        KeptError: AWS refuses.
    """
    return _asked(lambda: _look(s3, bucket, prefix))


def remove(s3: Any, kept: Kept) -> None:
    """Delete versions for good.

    Raises:
        KeptError: AWS refuses one of them.
    """
    _asked(lambda: _remove(s3, kept))


def no_more_logs(s3: Any, bucket: str) -> None:
    """End a bucket's access logs: a bucket that takes them can't be emptied while there are new ones.

    Raises:
        KeptError: AWS refuses.
    """
    _asked(lambda: s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={}))


def no_more_records(cloudtrail: Any, trail: str) -> None:
    """End what a trail records; it is no fault if it is gone.

    Raises:
        KeptError: AWS refuses.
    """

    def stop() -> None:
        with suppress(cloudtrail.exceptions.TrailNotFoundException):
            cloudtrail.stop_logging(Name=trail)

    _asked(stop)


def why_not(client: Callable[[], Any], bucket: str) -> str | None:
    """Return why a bucket can't be reached, or its account; none where it can."""
    try:
        _asked(lambda: client().head_bucket(Bucket=bucket))
    except KeptError as error:
        return str(error)
    return None


def _asked(ask: Callable[[], T]) -> T:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - 0.3 s, and few commands need it

    try:
        return ask()
    except (BotoCoreError, ClientError) as error:
        raise KeptError(str(error)) from error


def _look(s3: Any, bucket: str, prefix: str) -> Kept:
    found: list[tuple[str, str]] = []
    newest: datetime | None = None
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for version in page.get("Versions", ()):
            newest = max(newest or version["LastModified"], version["LastModified"])
        every = (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
        found += [(each["Key"], each["VersionId"]) for each in every]
    days = _lock_days(s3, bucket)
    return Kept(bucket, prefix, tuple(found), newest + timedelta(days=days) if newest and days else None)


def _lock_days(s3: Any, bucket: str) -> int:
    try:
        rule = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"].get("Rule") or {}
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "ObjectLockConfigurationNotFoundError":
            raise
        return 0
    return int((rule.get("DefaultRetention") or {}).get("Days") or 0)


def _remove(s3: Any, kept: Kept) -> None:
    for first in range(0, len(kept.versions), _BATCH):
        batch = [{"Key": key, "VersionId": version} for key, version in kept.versions[first : first + _BATCH]]
        answer = s3.delete_objects(Bucket=kept.bucket, Delete={"Objects": batch, "Quiet": True})
        refused = answer.get("Errors") or []
        if refused:
            one = refused[0]
            raise KeptError(f"{len(refused)} versions stay, first {one.get('Key')}: {one.get('Message')}")
