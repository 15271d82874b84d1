"""`managed-alive`: tells CloudWatch each minute that this hub watches, and can tell people.

An alarm outside the hub goes off when it is not told any more: when the machine, its network, Nagios or the
way of its mail is gone. So nothing is told unless all of it is well.
"""

import os
import sys
import time
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from hub import settings as configured
from hub.settings import Settings

STATUS_AGE = 90
"""Seconds; Nagios writes its status every ten."""

MAIL_AGE = 240
"""Seconds for which a message may wait for the relay."""


def trouble(told: Settings, now: float) -> str:
    """What is wrong, or nothing."""
    try:
        age = now - Path(told.status_file).stat().st_mtime
    except OSError as error:
        return str(error)
    if age > STATUS_AGE:
        return f"{told.status_file} is {age:.0f} s old"
    waiting = oldest(told.mail_queues)
    if waiting is not None and now - waiting > MAIL_AGE:
        return f"a message has been waiting for {now - waiting:.0f} s"
    return ""


def oldest(folders: tuple[str, ...]) -> float | None:
    """When the oldest file below these folders was last changed (seconds since 1970); None without one."""
    times = []
    for folder in folders:
        for place, _, names in os.walk(folder):
            for name in names:
                try:
                    times.append(Path(place, name).stat().st_mtime)
                except OSError:  # just sent
                    continue
    return min(times, default=None)


def main() -> int:
    """Tell, if all is well; 0 if it was told."""
    told = configured.load()
    instance = Path(told.instance_id_file).read_text(encoding="ascii").strip()
    wrong = trouble(told, time.time())
    if wrong:
        print(f"alive: not told: {wrong}", file=sys.stderr)
        return 1
    options = Config(
        connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2}
    )
    try:
        boto3.client("cloudwatch", region_name=told.region, config=options).put_metric_data(
            Namespace=told.metric_namespace,
            MetricData=[
                {
                    "MetricName": told.metric,
                    "Dimensions": [{"Name": "InstanceId", "Value": instance}],
                    "Value": 1.0,
                }
            ],
        )
    except (BotoCoreError, ClientError, OSError) as error:
        print(f"alive: not told: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
