"""Instance metadata and credentials, as on EC2: asked by curl and by Debian's AWS client."""

import json
from datetime import timedelta

import pytest

from managed_server.local.box import instances
from managed_server.local.box.instances import Instances

from .support import ACCOUNT, REGION

pytestmark = pytest.mark.machine

TOKEN = "http://169.254.169.254/latest/api/token"
TTL = "X-aws-ec2-metadata-token-ttl-seconds"
LATEST = "http://169.254.169.254/latest"


def curl(box, *arguments: str) -> tuple[str, str]:
    """Status and body."""
    done = box.run(["curl", "-sS", "--max-time", "20", "-w", "\n%{http_code}", *arguments], check=True)
    body, _, status = done.stdout.rpartition("\n")
    return status, body


def token(box) -> str:
    status, found = curl(box, "-X", "PUT", "-H", f"{TTL}: 60", TOKEN)
    assert status == "200"
    return found


def get(box, path: str, given: str | None = None) -> tuple[str, str]:
    return curl(box, "-H", f"X-aws-ec2-metadata-token: {given or token(box)}", f"{LATEST}/{path}")


def test_nothing_without_a_token(one, two):
    assert curl(one, f"{LATEST}/meta-data/instance-id")[0] == "401"
    assert get(one, "meta-data/instance-id", "invented")[0] == "401"
    assert get(one, "meta-data/instance-id", token(two))[0] == "401", "another machine's"
    assert get(one, "meta-data/instance-id") == ("200", one.machine.instance_id)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ([TOKEN], "400"),
        (["-H", f"{TTL}: 0", TOKEN], "400"),
        (["-H", f"{TTL}: 21601", TOKEN], "400"),
        (["-H", f"{TTL}: many", TOKEN], "400"),
        (["-H", f"{TTL}: 60", "-H", "X-Forwarded-For: 192.0.2.1", TOKEN], "403"),
        (["-H", f"{TTL}: 60", f"{LATEST}/api"], "404"),
    ],
)
def test_tokens_that_are_not_given(one, arguments, status):
    assert curl(one, "-X", "PUT", *arguments)[0] == status


def test_a_token_ends(one):
    ask = f"curl -sS -o /dev/null -w '%{{http_code}} ' {LATEST}/meta-data"
    script = f"""
        token=$(curl -sS -X PUT -H '{TTL}: 1' {TOKEN})
        ask() {{ {ask} -H "X-aws-ec2-metadata-token: $token"; }}
        ask; sleep 1.2; ask
    """
    assert one.run(script, check=True).stdout == "200 401 "


def test_metadata_are_the_instance_of_the_local_aws(one, cloud):
    given = token(one)
    [group] = cloud.client("ec2").describe_instances(InstanceIds=[one.machine.instance_id])["Reservations"]
    instance = group["Instances"][0]
    expected = {
        "ami-id": instance["ImageId"],
        "instance-type": "t3.micro",
        "local-ipv4": instance["PrivateIpAddress"],
        "public-ipv4": one.machine.addresses[0],
        "local-hostname": instance["PrivateDnsName"],
        "placement/availability-zone": instance["Placement"]["AvailabilityZone"],
        "placement/region": REGION,
        "services/domain": "amazonaws.com",
        "mac": one.read("/sys/class/net/eth0/address").strip(),
        f"network/interfaces/macs/{one.machine.mac}/public-ipv4s": one.machine.addresses[0],
    }
    assert {path: get(one, f"meta-data/{path}", given) for path in expected} == {
        path: ("200", value) for path, value in expected.items()
    }
    assert get(one, "user-data", given)[1].startswith("#!/bin/bash\n")
    assert get(one, "meta-data/public-keys/", given)[0] == "404", "it has no key pair"
    listing = get(one, "meta-data/", given)[1].splitlines()
    assert {"instance-id", "iam/", "network/"} <= set(listing)
    document = json.loads(get(one, "dynamic/instance-identity/document", given)[1])
    assert (document["accountId"], document["instanceId"]) == (ACCOUNT, one.machine.instance_id)


def test_credentials_are_the_roles(one):
    given = token(one)
    assert json.loads(get(one, "meta-data/iam/info", given)[1])["InstanceProfileArn"].endswith("/one-profile")
    assert get(one, "meta-data/iam/security-credentials/", given) == ("200", "one-role")
    assert get(one, "meta-data/iam/security-credentials/two-role", given)[0] == "404"
    credentials = json.loads(get(one, "meta-data/iam/security-credentials/one-role", given)[1])
    assert credentials["Code"] == "Success"
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert credentials["Expiration"] > credentials["LastUpdated"]


def test_credentials_are_given_anew_before_they_end(one, cloud, monkeypatch):
    asked, role = Instances(cloud.local), f"arn:aws:iam::{ACCOUNT}:role/one-role"
    first = asked.credentials(one.machine, role)
    assert asked.credentials(one.machine, role) == first
    monkeypatch.setattr(instances, "_RENEWED", timedelta(hours=2))
    assert asked.credentials(one.machine, role).access_key != first.access_key


def aws(box, *arguments: str):
    # As on a managed server: unless told, the client asks once, and waits a second.
    patient = {"AWS_METADATA_SERVICE_TIMEOUT": "5", "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "3"}
    return box.run(["aws", "--region", REGION, *arguments], timeout=90, env=patient)


def test_the_aws_client_works_as_the_instance(one, cloud):
    found = aws(one, "sts", "get-caller-identity", "--query", "Arn", "--output", "text").stdout.strip()
    assert found == f"arn:aws:sts::{ACCOUNT}:assumed-role/one-role/{one.machine.instance_id}"
    bucket = cloud.bucket()
    assert aws(one, "s3", "cp", f"s3://{bucket}/one/pointer", "-").stdout == "one/pointer"
    for arguments in (
        ["s3", "cp", f"s3://{bucket}/two/pointer", "-"],
        ["s3", "rm", f"s3://{bucket}/backup/one/data"],
        ["s3", "cp", "/etc/hostname", f"s3://{bucket}/one/pointer"],
        ["ec2", "describe-instances"],
    ):
        refused = aws(one, *arguments)
        assert refused.returncode != 0
        assert "is not authorized to perform" in refused.stderr or "(403)" in refused.stderr, arguments
    assert aws(one, "s3", "cp", "/etc/hostname", f"s3://{bucket}/backup/one/new").returncode == 0


def test_services_are_told_where_aws_is(one):
    told = one.run(["systemd-run", "--wait", "--pipe", "--quiet", "env"], check=True).stdout
    assert "AWS_ENDPOINT_URL=http://169.254.169.253" in told.splitlines()
    assert "AWS_ENDPOINT_URL=http://169.254.169.253\n" in one.read("/etc/environment")
