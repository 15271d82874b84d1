"""What the tests ask of a local AWS."""

import contextlib
import http.client
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from managed_server.local.aws import process
from managed_server.local.aws.client import Session, session
from tests.conftest import ROOT

PROVIDER = "210987654321"
"""The account from which deploys come."""
_GIVEN = {"DeployRole": "ManagedServerDeploy", "DeployingAccount": PROVIDER, "Organization": "o-exampleorg1"}
ACCOUNT_TEMPLATE = {
    "StackName": "managed-server-account",
    "TemplateBody": (ROOT / "docs/by-hand/account.yaml").read_text(),
    "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in _GIVEN.items()],
    "Capabilities": ["CAPABILITY_NAMED_IAM"],
}
"""What CloudFormation is given for a new account (docs/accounts.md)."""

_ACCOUNTS = itertools.count(300000000001)


@dataclass
class Aws:
    """One account, which no other test uses."""

    local: process.LocalAws
    region: str = "eu-west-2"
    account: str = field(default_factory=lambda: str(next(_ACCOUNTS)))
    _session: Session | None = None

    def client(self, service: str) -> Any:
        self._session = self._session or session(self.local, self.account, self.region)
        return self._session.client(service)

    def assumed(self, role: str, service: str, policy: str | None = None) -> Any:
        """A client with new credentials of a role of the account, limited by a policy of the session."""
        arn = f"arn:aws:iam::{self.account}:role/{role}"
        limit = {"Policy": policy} if policy else {}
        given = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="any", **limit)["Credentials"]
        return self.by(given, service)

    def by(self, given: dict[str, Any], service: str) -> Any:
        """A client with credentials that AWS gave: of a session, or the access key of a user."""
        return boto3.Session().client(
            service,
            region_name=self.region,
            endpoint_url=self.local.endpoint,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given.get("SessionToken"),
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def image(self) -> dict[str, Any]:
        filters = {"architecture": "x86_64", "root-device-type": "ebs", "root-device-name": "/dev/xvda"}
        images = self.client("ec2").describe_images(
            Filters=[{"Name": name, "Values": [value]} for name, value in filters.items()]
        )["Images"]
        return images[0]

    def launch(self, **options: Any) -> str:
        """The id of a new instance."""
        launched = self.client("ec2").run_instances(
            **{"ImageId": self.image()["ImageId"], "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
            | options
        )
        return launched["Instances"][0]["InstanceId"]

    def instance(self, instance_id: str) -> dict[str, Any]:
        found = self.client("ec2").describe_instances(InstanceIds=[instance_id])
        return found["Reservations"][0]["Instances"][0]

    def bucket(self, suffix: str = "", **options: Any) -> str:
        name = f"b-{self.account}{suffix}"
        self.client("s3").create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": self.region}, **options
        )
        return name

    def raw(self, method: str, path: str, service: str, body: str = "", **headers: str) -> tuple[int, str]:
        """A request in the form that boto3 doesn't send; moto reads service and region from the signature."""
        scope = f"Credential=LOCALOSFODNN7EXAMPLE/20260101/{self.region}/{service}/aws4_request"
        signature = f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"
        address = urlsplit(self.local.endpoint)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(
                method,
                path,
                body,
                {"Authorization": signature, "x-moto-account-id": self.account, **headers},
            )
            answer = connection.getresponse()
            return answer.status, answer.read().decode()


@contextlib.contextmanager
def running(folder: Path) -> Iterator[process.LocalAws]:
    try:
        yield process.start(folder, lambda _: None)
    finally:
        process.stop(folder)
