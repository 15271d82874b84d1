"""An account of the local AWS, and what Pulumi's state says of a resource in it."""

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from managed_server import recovery_finders
from managed_server.local.aws.client import Session, session
from managed_server.local.aws.process import LocalAws

HOME, ELSEWHERE = "eu-west-2", "eu-west-1"
_ACCOUNTS = itertools.count(400000000001)


@dataclass
class Account:
    """One that no other test uses."""

    local: LocalAws
    region: str = HOME
    id: str = field(default_factory=lambda: str(next(_ACCOUNTS)))
    name: str = "acme-thing"
    """Of the resource that a test creates."""
    _session: Session | None = None

    def client(self, service: str) -> Any:
        self._session = self._session or session(self.local, self.id, self.region)
        return self._session.client(service)

    def s3control(self) -> Any:
        """What is asked of a whole account goes to a host of its name, which only a proxy can reach here."""
        role = f"arn:aws:iam::{self.id}:role/any"
        given = self.client("sts").assume_role(RoleArn=role, RoleSessionName="any")["Credentials"]
        return boto3.client(
            "s3control",
            region_name=self.region,
            endpoint_url=self.local.endpoint,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
            config=Config(proxies={"http": self.local.endpoint}),
        )

    @property
    def ec2(self) -> Any:
        return self.client("ec2")

    def provider(self, region: str = HOME) -> dict[str, Any]:
        """A provider's inputs as Pulumi records them: what isn't text is JSON."""
        role = f"arn:aws:iam::{self.id}:role/managed-server-deploy"
        return {"region": region, "assumeRoles": json.dumps([{"roleArn": role}])}

    @property
    def environ(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.local.endpoint,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        }

    def find(self, kind: str, inputs: dict[str, Any], region: str = HOME) -> list[str]:
        resource = {"type": kind, "urn": urn(kind, self.name), "inputs": inputs}
        return recovery_finders.find(resource, self.provider(region), self.environ)


def urn(kind: str, name: str, parents: str = "") -> str:
    chain = f"{parents}${kind}" if parents else kind
    return f"urn:pulumi:acme::managed-server::{chain}::{name}"


def tags(name: str) -> list[dict[str, str]]:
    return [{"Key": "Name", "Value": name}, {"Key": "customer", "Value": "acme"}]


def tagged(kind: str, name: str) -> list[dict[str, Any]]:
    """EC2's form of the tags that a create sets."""
    return [{"ResourceType": kind, "Tags": tags(name)}]
