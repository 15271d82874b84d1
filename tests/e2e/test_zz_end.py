"""Kills, and what ends the stand: destroying what is not protected, a restart of the local AWS. Runs last."""

import os
import signal
import sys
import time

import boto3
import pytest

from managed_server.local.aws import process
from managed_server.resolve import load_customer
from tests.e2e.support import UP
from tests.e2e.test_read_back import fleet, keys
from tests.stackfile import write_stack

pytestmark = pytest.mark.engine

# In the order in which they are created: what a recovered run has is not created again.
LINGER = {"aws:ec2/instance:Instance": 3}  # it is made at once, and ready after ten seconds
TWO_MOMENTS = ("aws:s3/bucket:Bucket", "aws:ec2/instance:Instance")
DOZEN_MOMENTS = (
    "aws:ec2/vpc:Vpc",
    "aws:kms/key:Key",
    "aws:iam/role:Role",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:ssm/parameter:Parameter",
    "aws:s3/bucket:Bucket",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "aws:ec2/instance:Instance",
    "aws:ec2/eip:Eip",
    "aws:cloudwatch/metricAlarm:MetricAlarm",
)


def test_killed_up_converges(stand):
    """Killed twice while it creates, and run again: after `managed recover`, and by what does that itself.

    Another customer's stack: it begins from nothing, and the hub stands.
    """
    write_stack(stand.path)
    acme = stand.of("acme")
    kill_and_converge(acme, TWO_MOMENTS)
    named = load_customer(acme.path, acme.stack).passphrase_parameter
    assert named in acme.killed.read_text(), "what is created is shown with all its properties"


def test_destroy_leaves_only_what_is_protected_and_what_that_needs(stand):
    done = stand.pulumi("destroy", "--yes", "--exclude-protected")
    assert done.returncode == 0, done.stdout + done.stderr
    left = {r["urn"]: r for r in stand.deployment()["resources"]}
    needed = {urn for urn, resource in left.items() if resource.get("protect")}
    assert needed
    todo = list(needed)
    while todo:
        resource = left[todo.pop()]
        uses = {resource.get("parent"), resource.get("provider", "").rpartition("::")[0]}
        uses |= set(resource.get("dependencies") or [])
        new = {urn for urn in uses if urn in left} - needed
        needed |= new
        todo += new
    assert set(left) == needed
    assert not [r for r in left.values() if r["type"] == "aws:cloudtrail/trail:Trail"]
    assert {r["urn"].rpartition("::")[2] for r in left.values()} >= {
        "example-account-trail-store-bucket",
        "example-account-trail-store-policy",
    }, "what was recorded stays, and what guards it"
    assert stand.wait_for_no_process() == []
    told, _ = fleet(stand, load_customer(stand.path, "example"))
    others = ("hub/mon1", "acme/web1")
    assert told == {f"{kind}/{name}.json" for kind in ("addresses", "fragments") for name in others}, (
        "the hub watches it no more"
    )


def test_a_restarted_local_aws_is_noticed(stand):
    running = process.status(stand.path / ".local")
    os.kill(running.pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while process.status(stand.path / ".local") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert stand.managed("local", "status").returncode == 1
    done = stand.managed("local", "env")
    assert done.returncode == 0
    assert "was restarted and has lost its resources; starting over" in done.stderr
    assert stand.deployment() == {}
    stand.point_at_local_aws()


@pytest.mark.soak
@pytest.mark.parametrize("kind", DOZEN_MOMENTS)
def test_killed_up_converges_from_nothing(clone, kind):
    clone.managed("local", "down")
    clone.point_at_local_aws()
    hub = clone.managed("local", "up", "hub")  # the example publishes its server to it
    assert hub.returncode == 0, hub.stdout[-4000:] + hub.stderr[-4000:]
    kill_and_converge(clone, (kind,))


def kill_and_converge(clone, kinds):
    """Kill `up` while each kind is created; then the same command finishes, and nothing is double."""
    clone.pulumi("stack", "init")
    clone.killed.unlink(missing_ok=True)
    for number, kind in enumerate(kinds):
        if number:  # `managed local up` does this by itself, below
            recovered = clone.recover()
            assert recovered.returncode == 0, recovered.stdout + recovered.stderr
        in_flight = clone.kill_while("creating", kind, (*UP, "--diff"), linger=LINGER.get(kind, 0))
        assert kind in in_flight
        sys.stdout.write(f"killed while it created {kind}; in flight: {', '.join(in_flight)}\n")
        assert clone.wait_for_no_process() == [], "the killed engine left processes behind"
    done = clone.managed("local", "up", clone.stack)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    again = clone.pulumi("preview", "--expect-no-changes", "--policy-pack", "policies")
    assert again.returncode == 0, again.stdout
    assert_nothing_twice(clone)


def assert_nothing_twice(clone):
    """Everything in the account is in the state, once; both passphrases are equal, and nowhere in clear."""
    customer = load_customer(clone.path, clone.stack)
    state = [r for r in clone.deployment()["resources"] if r["type"].startswith("aws:")]
    ids = {resource["id"] for resource in state}
    endpoint = clone.environ["AWS_ENDPOINT_URL"]
    sts = boto3.client("sts", endpoint_url=endpoint, region_name="us-east-1", **keys("local", "local"))
    role = f"arn:aws:iam::{customer.account_id}:role/{customer.provider.deploy_role}"
    given = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    used = keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    passphrases = set()
    for region in (customer.region, customer.backup_region):

        def client(service, region=region):
            return boto3.client(service, endpoint_url=endpoint, region_name=region, **used)

        ec2 = client("ec2")
        found = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]
        found += [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"] if not s["DefaultForAz"]]
        found += [i["InstanceId"] for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]]
        found += [address["AllocationId"] for address in ec2.describe_addresses()["Addresses"]]
        found += [log["FlowLogId"] for log in ec2.describe_flow_logs()["FlowLogs"]]
        found += [key["KeyId"] for key in customer_keys(client("kms"))]
        assert set(found) <= ids, "something stands in AWS that the state does not know"
        parameter = client("ssm").get_parameter(Name=customer.passphrase_parameter, WithDecryption=True)
        passphrases.add(parameter["Parameter"]["Value"])
    assert len(passphrases) == 1
    passphrase, shown = passphrases.pop(), clone.killed.read_text()
    assert passphrase not in clone.checkpoint.read_text(), "the state holds the passphrase in clear"
    assert passphrase not in shown


def customer_keys(kms):
    """Keys that somebody made; AWS's own, which services make for themselves, have no tag."""
    return [key for key in kms.list_keys()["Keys"] if kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]]
