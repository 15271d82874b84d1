"""`managed-alive`: tells CloudWatch each minute that this hub watches, and can tell people.

An alarm outside the hub goes off when it is not told any more: when the machine, its network, Nagios or the
way of its mail is gone. So nothing is told unless all of it is well.
"""

import json
import subprocess
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
"""Seconds for which a page or ticket may wait for the relay."""

_QUEUE_TIMEOUT = 10  # seconds


def trouble(told: Settings, now: float) -> str:
    """What is wrong, or nothing."""
    try:
        age = now - Path(told.status_file).stat().st_mtime
    except OSError as error:
        return str(error)
    if age > STATUS_AGE:
        return f"{told.status_file} is {age:.0f} s old"
    return stuck(told, now)


def stuck(told: Settings, now: float) -> str:
    """What keeps pages and tickets from the relay, or nothing.

    The queue's files don't say since when: Postfix gives those that it tries again later a time that is to
    come. Messages to anybody else say nothing of the relay: a customer's mail server may refuse one for days.
    """
    try:
        done = subprocess.run(
            told.mail_queue, capture_output=True, text=True, check=False, timeout=_QUEUE_TIMEOUT
        )
        messages = [json.loads(line) for line in done.stdout.splitlines()]
        waits = [
            now - message["arrival_time"]
            for message in messages
            if any(each["address"] in told.mail_to for each in message["recipients"])
        ]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError) as error:
        return f"the mail queue can't be listed: {error}"
    if done.returncode:
        return f"the mail queue can't be listed: {done.stderr.strip() or done.returncode}"
    longest = max(waits, default=0)
    return f"a message has been waiting for {longest:.0f} s" if longest > MAIL_AGE else ""


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
