"""The fleet bucket. What machines write in it is anybody's text: names are checked and sizes are limited."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

LARGEST = 262_144
"""Bytes: a fragment of the most checks that the schema allows takes less than half of it."""

_MISSING, _UNCHANGED = ("404", "NoSuchKey"), ("304", "NotModified")


class StoreError(Exception):
    """The bucket can't be read or written; nobody knows what is in it."""


@dataclass(frozen=True)
class Got:
    """An object: what tells it from an earlier one, and its content."""

    etag: str
    content: bytes


UNCHANGED = Got("", b"")
"""Stands for an object that is still the known one."""


class Store:
    """One bucket."""

    def __init__(self, bucket: str, region: str) -> None:
        """`bucket`: its name. Credentials are those of the machine's role."""
        self._bucket = bucket
        # Together less than the minute after which the next run begins.
        retries = {"mode": "standard", "total_max_attempts": 3}
        options = Config(connect_timeout=5, read_timeout=15, retries=retries)
        self._s3: Any = boto3.client("s3", region_name=region, config=options)

    def listed(self, prefix: str) -> dict[str, str]:
        """All keys below a prefix, with what tells each object from an earlier one.

        Raises:
            StoreError: the list couldn't be had as a whole.
        """
        with _said("list"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return {item["Key"]: item["ETag"] for page in pages for item in page.get("Contents", ())}

    def get(self, key: str, known: str = "") -> Got | None:
        """An object; None if there is none, `UNCHANGED` if it is still the one that `known` stands for.

        Its content ends after `LARGEST` bytes and one more, by which a larger one is known.

        Raises:
            StoreError: nobody knows.
        """
        condition = {"IfNoneMatch": known} if known else {}
        try:
            with _said("read"):
                answer = self._s3.get_object(Bucket=self._bucket, Key=key, **condition)
                return Got(answer["ETag"], answer["Body"].read(LARGEST + 1))
        except StoreError as error:
            cause = error.__cause__
            code = cause.response["Error"]["Code"] if isinstance(cause, ClientError) else ""
            if code in _MISSING:
                return None
            if code in _UNCHANGED:
                return UNCHANGED
            raise

    def put(self, key: str, content: bytes) -> None:
        """Write an object.

        Raises:
            StoreError: it wasn't written.
        """
        with _said("write"):
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=content)


@contextmanager
def _said(what: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError, OSError) as error:
        raise StoreError(f"can't {what} the fleet bucket: {error}") from error
