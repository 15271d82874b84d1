"""A local AWS on a bad day: what clients make of it, and that nothing was carried out."""

import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from managed_server.local.aws import faults, process
from tests.local_aws.support import running

CALLS = {
    "ec2": lambda client: client.describe_vpcs(),
    "s3": lambda client: client.list_buckets(),
    "iam": lambda client: client.list_roles(),
    "sns": lambda client: client.list_topics(),
    "kms": lambda client: client.list_keys(),
    "cloudwatch": lambda client: client.describe_alarms(),
    "accessanalyzer": lambda client: client.list_analyzers(),
}
"""One for each protocol, and more."""


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    (folder / faults.FILE).write_text("of an earlier run")
    with running(folder) as local:
        assert not (folder / faults.FILE).exists()
        yield folder, local


@pytest.fixture
def day(bad):
    """Writes what the day is like, and makes it a good one again."""
    folder, _ = bad
    yield lambda every, answer: (folder / faults.FILE).write_text(
        json.dumps({"every": every, "answer": answer})
    )
    (folder / faults.FILE).unlink(missing_ok=True)


def client(bad, service, attempts):
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    config = Config(retries={"total_max_attempts": attempts, "mode": "standard"})
    endpoint = bad[1].endpoint
    return boto3.client(service, region_name="eu-west-2", endpoint_url=endpoint, config=config, **keys)


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize(
    ("answer", "statuses", "codes"),
    [
        ("500", {500}, {"InternalError", "InternalFailure", "500"}),
        ("throttle", {400, 503}, {"RequestLimitExceeded", "SlowDown", "ThrottlingException"}),
    ],
)
def test_every_protocol_fails_in_its_own_words(bad, day, service, answer, statuses, codes):
    asked = client(bad, service, 1)
    day(1, answer)
    with pytest.raises(ClientError) as failed:
        CALLS[service](asked)
    assert failed.value.response["Error"]["Code"] in codes
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] in statuses


@pytest.mark.parametrize("answer", ["500", "throttle"])
def test_clients_try_again_and_what_failed_was_not_carried_out(bad, day, answer):
    ec2, s3 = client(bad, "ec2", 3), client(bad, "s3", 3)
    before = len(ec2.describe_vpcs()["Vpcs"])
    day(2, answer)
    for _ in range(4):
        ec2.create_vpc(CidrBlock="10.0.0.0/24")
    s3.list_buckets()
    assert len(ec2.describe_vpcs()["Vpcs"]) == before + 4


def test_a_half_written_file_is_a_good_day(bad, day):
    day(1, "500")
    (bad[0] / faults.FILE).write_text('{"every": ')
    client(bad, "s3", 1).list_buckets()


def test_what_is_asked_about_the_local_aws_never_fails(bad, day):
    day(1, "500")
    assert process.status(bad[0]) == bad[1]
