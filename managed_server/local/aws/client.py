"""boto3 clients of one account of the local AWS, for tests and reports."""

import threading
from functools import cache
from typing import Any

from managed_server.local.aws.process import LocalAws

# Any name will do: the local AWS lets every caller assume every role, and the account is the role's.
ROLE_NAME = "LocalReader"
ATTEMPTS = 2

_ONE_AT_A_TIME = threading.Lock()  # boto3's clients may be shared by threads, but not made by two at once


@cache
def _boto3_session() -> Any:
    """One for all: it keeps the descriptions of the services, which take longer to read than to ask AWS."""
    import boto3  # noqa: PLC0415  # half a second, for those who ask AWS alone

    return boto3.Session()


def _client(endpoint: str, service: str, region: str, **credentials: str) -> Any:
    from botocore.config import Config  # noqa: PLC0415  # as above

    config = Config(retries={"total_max_attempts": ATTEMPTS}, s3={"addressing_style": "path"})
    with _ONE_AT_A_TIME:
        return _boto3_session().client(
            service, region_name=region, endpoint_url=endpoint, config=config, **credentials
        )


class Session:
    """Clients of one account and region, by an assumed role; each is made once."""

    def __init__(self, local: LocalAws, account_id: str, region: str) -> None:
        """Assume the role.

        Raises:
            botocore.exceptions.BotoCoreError: the local AWS doesn't answer.
        """
        self._endpoint = local.endpoint
        self._region = region
        self._clients: dict[str, Any] = {}
        # moto checks neither of the two.
        self._credentials = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        role = f"arn:aws:iam::{account_id}:role/{ROLE_NAME}"
        assumed = self.client("sts").assume_role(RoleArn=role, RoleSessionName="local")["Credentials"]
        self._credentials = {
            "aws_access_key_id": assumed["AccessKeyId"],
            "aws_secret_access_key": assumed["SecretAccessKey"],
            "aws_session_token": assumed["SessionToken"],
        }
        self._clients.clear()

    def client(self, service: str) -> Any:
        """The boto3 client of `service`."""
        if service not in self._clients:
            self._clients[service] = _client(self._endpoint, service, self._region, **self._credentials)
        return self._clients[service]


def session(local: LocalAws, account_id: str, region: str) -> Session:
    """Clients of one account, 12 digits, in one region."""
    return Session(local, account_id, region)


def client(local: LocalAws, service: str, account_id: str, region: str) -> Any:
    """One boto3 client; `session` is cheaper for several."""
    return session(local, account_id, region).client(service)
