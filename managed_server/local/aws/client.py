"""boto3 clients of one account of the local AWS, for tests and reports."""

import threading
from typing import Any

from managed_server.local.aws.process import LocalAws

# Any name will do: the local AWS lets every caller assume every role, and the account is the role's.
ROLE_NAME = "LocalReader"
CREDENTIALS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}  # moto checks neither
ATTEMPTS = 2

_SERIAL = threading.Lock()  # boto3's clients may be shared by threads, but not made by two at once


class Session:
    """Clients of one account and region, by an assumed role; made once each."""

    def __init__(self, local: LocalAws, account_id: str, region: str) -> None:
        """Assume the role.

        Raises:
            botocore.exceptions.BotoCoreError: the local AWS doesn't answer.
        """
        import boto3  # noqa: PLC0415  # half a second, for those who ask AWS alone
        from botocore.config import Config  # noqa: PLC0415

        self._endpoint = local.endpoint
        self._config = Config(
            retries={"total_max_attempts": ATTEMPTS},
            s3={"addressing_style": "path"},
            user_agent_extra="managed-server-local",
        )
        self._clients: dict[str, Any] = {}
        with _SERIAL:
            sts = boto3.Session(region_name=region, **CREDENTIALS).client(
                "sts", endpoint_url=self._endpoint, config=self._config
            )
        credentials = sts.assume_role(
            RoleArn=f"arn:aws:iam::{account_id}:role/{ROLE_NAME}", RoleSessionName="local"
        )["Credentials"]
        self._session = boto3.Session(
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            region_name=region,
        )

    def client(self, service: str) -> Any:
        """The boto3 client of `service`."""
        with _SERIAL:
            if service not in self._clients:
                self._clients[service] = self._session.client(
                    service, endpoint_url=self._endpoint, config=self._config
                )
            return self._clients[service]


def session(local: LocalAws, account_id: str, region: str) -> Session:
    """Clients of one account, 12 digits, in one region."""
    return Session(local, account_id, region)


def client(local: LocalAws, service: str, account_id: str, region: str) -> Any:
    """One boto3 client; `session` is cheaper for several."""
    return session(local, account_id, region).client(service)
