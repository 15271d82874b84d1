"""Instances on a local AWS, as small as they can be: no stack is needed to try a machine."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from managed_server.local.aws.client import Session as Clients
from managed_server.local.aws.client import session as clients
from managed_server.local.aws.process import LocalAws
from managed_server.local.box.instances import Machine

ACCOUNT, REGION = "444455556666", "eu-west-2"
USER_DATA = """#!/bin/bash
echo "run $(cat /proc/sys/kernel/random/boot_id)" >> /var/log/first-boot
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass
class Cloud:
    """A local AWS, and what a test makes on it."""

    folder: Path
    local: LocalAws
    account: str = ACCOUNT
    _clients: Clients | None = field(default=None)

    def client(self, service: str) -> Any:
        self._clients = self._clients or clients(self.local, self.account, REGION)
        return self._clients.client(service)

    def bucket(self) -> str:
        """A bucket with an object below the prefix of each of the two servers, and of none."""
        s3, name = self.client("s3"), f"delivery-{self.account}"
        known = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
        if name not in known:
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
            for key in ("one/pointer", "two/pointer", "backup/one/data"):
                s3.put_object(Bucket=name, Key=key, Body=key.encode())
        return name

    def role(self, server: str) -> str:
        """The instance profile of a server that may read what is its own, and add to its backups."""
        iam, bucket = self.client("iam"), f"arn:aws:s3:::{self.bucket()}"
        iam.create_role(RoleName=f"{server}-role", AssumeRolePolicyDocument=json.dumps(TRUST))
        rights = document(
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{bucket}/{server}/*"},
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": f"{bucket}/backup/{server}/*",
            },
        )
        iam.put_role_policy(RoleName=f"{server}-role", PolicyName="server", PolicyDocument=rights)
        iam.create_instance_profile(InstanceProfileName=f"{server}-profile")
        iam.add_role_to_instance_profile(InstanceProfileName=f"{server}-profile", RoleName=f"{server}-role")
        return f"{server}-profile"

    def machine(self, name: str, user_data: str = USER_DATA, **tags: str) -> Machine:
        """A new instance with an Elastic IP address, as the machine that plays it."""
        ec2 = self.client("ec2")
        named = [{"Key": key, "Value": value} for key, value in {"server": name, **tags}.items()]
        filters = [
            {"Name": "architecture", "Values": ["x86_64"]},
            {"Name": "root-device-name", "Values": ["/dev/xvda"]},
        ]
        image = ec2.describe_images(Filters=filters)["Images"][0]["ImageId"]
        [launched] = ec2.run_instances(
            ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, UserData=user_data,
            IamInstanceProfile={"Name": self.role(name)},
            TagSpecifications=[{"ResourceType": "instance", "Tags": named}],
        )["Instances"]  # fmt: skip
        address = ec2.allocate_address(Domain="vpc")
        ec2.associate_address(InstanceId=launched["InstanceId"], AllocationId=address["AllocationId"])
        return Machine(
            name, name, self.account, REGION, launched["InstanceId"], 13,
            (address["PublicIp"], f"2001:db8:1::{len(name)}:{launched['AmiLaunchIndex'] + 1}{ord(name[0])}"),
            launched["NetworkInterfaces"][0]["MacAddress"], f"10.80.0.{ord(name[0])}",
        )  # fmt: skip
