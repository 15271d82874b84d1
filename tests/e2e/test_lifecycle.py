"""A hub and two customers of two servers, from first to last. In the order of the file."""

import datetime
import json
import re
import stat

import pytest

from managed_server.resolve import load_customer
from tests.e2e.accounts import clients, standing, unknown
from tests.e2e.support import UP, Clone, copy_repository
from tests.e2e.test_main_job import planned
from tests.stackfile import STACK, write_stack

pytestmark = [pytest.mark.engine, pytest.mark.soak]

DB1 = """\
      db1:
        instance_type: t3.large
        disk_gb: 80
        software: [redis]
        peers: [web1]
"""
ACCOUNTS = {"acme": "123456789012", "umbrella": "987654321098"}
SSH = "#!/bin/sh\necho 'ok snapshot 0123abcd of 4711 files'\n"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A copy of the repository with the hub and both customers on its local AWS."""
    clone = Clone(copy_repository(tmp_path_factory.mktemp("town")), {})
    for stack, account in ACCOUNTS.items():
        text = STACK.replace("123456789012", account).replace("acme.example", f"{stack}.example") + DB1
        if stack == "acme":
            text = text.replace("software: [redis]", "data_gb: 40\n        software: [redis]")
        # Never now: what a window lets through is tested without an engine.
        day = f"{datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(days=3):%A}".lower()
        window = f'        maintenance: {{day: {day}, time: "07:00", reboot: if-needed}}\n'
        write_stack(
            clone.path, text.replace("        disk_gb: 80\n", f"        disk_gb: 80\n{window}"), stack
        )
    ssh = clone.path / ".local" / "ssh"
    ssh.parent.mkdir(exist_ok=True)
    ssh.write_text(SSH)
    ssh.chmod(ssh.stat().st_mode | stat.S_IXUSR)
    done = clone.managed("local", "up", *ACCOUNTS, timeout=1800)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    clone.point_at_local_aws()
    yield clone
    clone.managed("local", "down")


def edit(clone, stack, before, after, count=1):
    """Change a stack file."""
    path = clone.path / "stacks" / f"Pulumi.{stack}.yaml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, count))


def up(clone, stack, code=0):
    done = clone.of(stack).pulumi(*UP, "--yes")
    assert (done.returncode == 0) == (code == 0), done.stdout[-6000:] + done.stderr[-6000:]
    return done.stdout + done.stderr


def assert_settled(clone, stack):
    """Another run would change nothing."""
    done = clone.of(stack).pulumi("preview", "--expect-no-changes", "--policy-pack", "policies")
    assert done.returncode == 0, done.stdout


def instance(clone, stack, server="web1"):
    ec2 = ec2_of(clone, stack)
    outputs = json.loads(clone.of(stack).pulumi("stack", "output", "--json").stdout)
    [found] = ec2.describe_instances(InstanceIds=[outputs["servers"][server]["instance_id"]])["Reservations"]
    return found["Instances"][0]


def ec2_of(clone, stack):
    customer = load_customer(clone.path, stack)
    return clients(clone, customer, customer.account_id, customer.region)("ec2")


def disk(clone, stack):
    [mapping] = instance(clone, stack)["BlockDeviceMappings"]
    [volume] = ec2_of(clone, stack).describe_volumes(VolumeIds=[mapping["Ebs"]["VolumeId"]])["Volumes"]
    return volume


def assert_rules_are_the_derived_ones(clone, stack):
    """Those of each group in AWS are those of the state, and these are those of the spec."""
    resources = clone.of(stack).deployment()["resources"]
    for server in load_customer(clone.path, stack).servers:
        prefix = f"{stack}-{server.name}-firewall-"
        made = {
            r["urn"].rpartition("::")[2]: r["id"]
            for r in resources
            if f"::{prefix}" in r["urn"] and "id" in r
        }
        group = made.pop(f"{prefix}group")
        assert set(made) == {f"{prefix}{rule.key}" for rule in server.rules}
        filters = [{"Name": "group-id", "Values": [group]}]
        rules = ec2_of(clone, stack).describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
        assert {rule["SecurityGroupRuleId"] for rule in rules} == set(made.values())


@pytest.mark.parametrize("stack", ["hub", *ACCOUNTS])
def test_again_it_changes_nothing_and_finds_no_drift(town, stack):
    here = town.of(stack)
    for command in (("preview", "--policy-pack", "policies"), ("refresh", "--yes"), ("preview",)):
        done = here.pulumi(*command, "--expect-no-changes")
        assert done.returncode == 0, done.stdout + done.stderr
    # A hub's address is allocated before there is a stack, and kept by hand.
    left = {one for one in unknown(town, stack) if stack != "hub" or not one.startswith("eipalloc-")}
    assert left == set(), "something stands in AWS that no state knows"


def test_software_opens_exactly_its_rules_and_closes_them(town):
    before = {rule.key for rule in load_customer(town.path, "acme").server("web1").rules}
    edit(town, "acme", "software: [nginx, php]", "software: [nginx, php, openvpn]")
    opened = {rule.key for rule in load_customer(town.path, "acme").server("web1").rules} - before
    assert any("-1194-" in key and key.startswith("in-") for key in opened), opened
    up(town, "acme")
    assert_rules_are_the_derived_ones(town, "acme")
    edit(town, "acme", "software: [nginx, php, openvpn]", "software: [nginx, php]")
    up(town, "acme")
    assert {rule.key for rule in load_customer(town.path, "acme").server("web1").rules} == before
    assert_rules_are_the_derived_ones(town, "acme")


def pointed_at(clone, stack):
    """The bundle that web1 is told to have, which has to be there."""
    customer = load_customer(clone.path, stack)
    s3 = clients(clone, customer, customer.account_id, customer.region)("s3")
    where = {"Bucket": customer.delivery_bucket}
    pointer = json.loads(s3.get_object(**where, Key="servers/web1/current.json")["Body"].read())
    s3.head_object(**where, Key=pointer["key"])
    return pointer["sha256"]


def test_a_pin_holds_and_its_bundle_is_kept_by_the_updates_after_it(town):
    """At the second of them the state doesn't know that bundle any more."""
    first = pointed_at(town, "acme")
    bought, pin = "software: [nginx, php", f'pin: "{first}"\n        '
    edit(town, "acme", f"{bought}]", f"{pin}{bought}, redis]")
    up(town, "acme")
    edit(town, "acme", f"{bought}, redis]", f"{bought}, redis, memcached]")
    up(town, "acme")
    assert pointed_at(town, "acme") == first
    edit(town, "acme", f"{pin}{bought}, redis, memcached]", f"{bought}]")
    up(town, "acme")
    assert pointed_at(town, "acme") == first
    assert_settled(town, "acme")


def test_a_bigger_disk_is_in_place(town):
    machine, volume = instance(town, "acme"), disk(town, "acme")
    edit(town, "acme", "disk_gb: 80", "disk_gb: 100")
    up(town, "acme")
    assert instance(town, "acme")["InstanceId"] == machine["InstanceId"]
    assert instance(town, "acme")["State"]["Name"] == "running"
    grown = disk(town, "acme")
    assert (grown["VolumeId"], grown["Size"]) == (volume["VolumeId"], 100)


def test_a_smaller_disk_is_refused(town):
    edit(town, "acme", "disk_gb: 100", "disk_gb: 80")
    said = up(town, "acme", 1)
    edit(town, "acme", "disk_gb: 80", "disk_gb: 100")
    assert "disk_gb: it has 100 GB, and no disk shrinks" in said
    assert disk(town, "acme")["Size"] == 100


def test_another_size_is_refused_outside_the_window_unless_confirmed(town):
    machine = instance(town, "acme")
    assert machine["InstanceType"] == "t3.large"
    edit(town, "acme", "instance_type: t3.large", "instance_type: t3.xlarge")
    assert ("update", "aws:ec2/instance:Instance", "acme-web1-instance") in planned(town.of("acme"))
    said = up(town, "acme", 1)
    assert "t3.large becomes t3.xlarge, which stops the server" in said
    assert instance(town, "acme")["InstanceType"] == "t3.large"
    today = re.search(r"`resize: (\S+)`", said)
    assert today is not None
    edit(town, "acme", "disk_gb: 100", f"disk_gb: 100\n        resize: {today[1]}")
    up(town, "acme")
    bigger = instance(town, "acme")
    assert (bigger["InstanceId"], bigger["InstanceType"]) == (machine["InstanceId"], "t3.xlarge")
    assert bigger["State"]["Name"] == "running"


def test_renaming_a_server_is_refused(town):
    before = standing(town, "acme")
    edit(town, "acme", "      web1:", "      www1:")
    edit(town, "acme", "peers: [web1]", "peers: [www1]")
    said = up(town, "acme", 1)
    edit(town, "acme", "      www1:", "      web1:")
    edit(town, "acme", "peers: [www1]", "peers: [web1]")
    assert "servers.web1: stands, and the stack file has it no more. A server isn't renamed" in said
    assert standing(town, "acme") == before


def data_volumes(clone, stack, server="db1"):
    """A server's, as AWS has them."""
    filters = [{"Name": "tag:server", "Values": [server]}, {"Name": "tag:Name", "Values": ["*-volume"]}]
    return ec2_of(clone, stack).describe_volumes(Filters=filters)["Volumes"]


def test_a_data_volume_grows_in_place_and_never_shrinks(town):
    [before] = data_volumes(town, "acme")
    edit(town, "acme", "data_gb: 40", "data_gb: 60")
    up(town, "acme")
    edit(town, "acme", "data_gb: 60", "data_gb: 50")
    said = up(town, "acme", 1)
    edit(town, "acme", "data_gb: 50", "data_gb: 60")
    assert "data_gb: the volume has 60 GB, and none shrinks" in said
    edit(town, "acme", "        data_gb: 60\n", "")
    said = up(town, "acme", 1)
    edit(town, "acme", "        software: [redis]", "        data_gb: 60\n        software: [redis]")
    assert "its data are on a volume of 60 GB, and would be cut off" in said
    [volume] = data_volumes(town, "acme")
    assert (volume["VolumeId"], volume["Size"]) == (before["VolumeId"], 60)
    assert [a["InstanceId"] for a in volume["Attachments"]] == [instance(town, "acme", "db1")["InstanceId"]]


def terminate(clone, stack, name):
    """What somebody does to an instance in AWS's console."""
    ec2 = ec2_of(clone, stack)
    ec2.modify_instance_attribute(InstanceId=name, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=[name])


@pytest.mark.parametrize(
    "how", ["it can't be reached", "it was terminated", "and the state has forgotten it"]
)
def test_a_lost_machines_data_volume_goes_over_to_the_next(town, how):
    lost, [before] = instance(town, "acme", "db1")["InstanceId"], data_volumes(town, "acme")
    if how != "it can't be reached":
        terminate(town, "acme", lost)
    if how == "and the state has forgotten it":
        done = town.of("acme").pulumi("refresh", "--yes", "--skip-preview")
        assert done.returncode == 0, done.stdout[-6000:]
    done = town.deploy(
        "restore", "acme", "db1", "--new-machine", "--keep-volume", "--yes",
        "--ssh", str(town.path / ".local" / "ssh"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    new = instance(town, "acme", "db1")["InstanceId"]
    assert new != lost
    [volume] = data_volumes(town, "acme")
    assert volume["VolumeId"] == before["VolumeId"]
    assert [a["InstanceId"] for a in volume["Attachments"]] == [new]
    web1 = instance(town, "acme")["InstanceId"]
    assert {name for name in standing(town, "acme") if name.startswith("i-")} == {new, web1}
    assert unknown(town, "acme") == set()
    resources = town.of("acme").deployment()["resources"]
    assert [r["protect"] for r in resources if r.get("id") in (new, volume["VolumeId"])] == [True, True]
    assert_settled(town, "acme")


def test_the_trail_goes_when_it_is_switched_off_and_its_record_stays(town):
    customer = load_customer(town.path, "acme")
    off = ("backup_region: eu-west-1}", "backup_region: eu-west-1, baseline: {trail: false}}")

    def trails():
        return [name for name in standing(town, "acme") if ":trail/" in name]

    [before] = trails()
    edit(town, "acme", *off)
    up(town, "acme")
    assert trails() == []
    assert customer.trail_bucket in standing(town, "acme")
    assert_settled(town, "acme")
    assert unknown(town, "acme") == set()
    edit(town, "acme", *reversed(off))
    up(town, "acme")
    assert trails() == [before]


def retire(clone, *what):
    done = clone.deploy("retire", *what, "--yes", "--ssh", str(clone.path / ".local" / "ssh"))
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    return done.stdout + done.stderr


def fleet(clone):
    customer = load_customer(clone.path, "hub")
    s3 = clients(clone, customer, customer.account_id, customer.region)("s3")
    return s3, customer.hub.fleet_bucket


def told(clone):
    s3, bucket = fleet(clone)
    return {item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}


def test_a_server_is_retired(town):
    edit(town, "acme", "        peers: [web1]\n", "        peers: [web1]\n        retire: true\n")
    refused = up(town, "acme", 1)
    assert "servers.db1: is to be retired, and stands: `managed retire acme db1`" in refused
    machine = instance(town, "acme", "db1")["InstanceId"]
    said = retire(town, "acme", "db1")
    assert "acme-db1: ok snapshot 0123abcd of 4711 files" in said
    assert "nothing is left of acme-db1" in said
    assert machine not in standing(town, "acme")
    assert unknown(town, "acme") == set()
    assert {key for key in told(town) if "db1" in key} == {
        "addresses/umbrella/db1.json",
        "fragments/umbrella/db1.json",
    }
    assert_settled(town, "acme")
    assert_rules_are_the_derived_ones(town, "acme")


def test_a_customer_is_retired_and_its_backups_stay_as_long_as_their_lock(town):
    customer = load_customer(town.path, "acme")
    backups = clients(town, customer, customer.account_id, customer.backup_region)("s3")
    put = backups.put_object(Bucket=customer.backup_bucket, Key="web1/config", Body=b"repository")
    edit(town, "acme", "    servers:\n", "    retire: true\n    servers:\n")
    assert "`managed retire acme`" in up(town, "acme", 1)
    said = retire(town, "acme")
    assert "the off-site backups stay, locked until" in said
    assert not any(name.startswith("i-") for name in standing(town, "acme"))
    assert unknown(town, "acme") == set()
    version = backups.get_object(Bucket=customer.backup_bucket, Key="web1/config")["VersionId"]
    assert version == put["VersionId"]
    assert "stay, locked until" in retire(town, "acme"), "run again, it says the same"
    # The lock can't be waited for here.
    lifted = {"BypassGovernanceRetention": True, "VersionId": version}
    backups.delete_object(Bucket=customer.backup_bucket, Key="web1/config", **lifted)
    assert "nothing is left of acme: remove stacks/Pulumi.acme.yaml" in retire(town, "acme")
    assert standing(town, "acme") == set()
    assert not town.of("acme").checkpoint.exists()


def test_a_customer_is_retired_whose_hub_is_dead(town):
    s3, bucket = fleet(town)
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    s3.delete_bucket(Bucket=bucket)
    edit(town, "umbrella", "    servers:\n", "    retire: true\n    servers:\n")
    said = retire(town, "umbrella", "--without-backup", "db1")
    assert f"the hub's bucket {bucket} can't be reached" in said
    assert "delete in it: addresses/umbrella/db1.json, addresses/umbrella/web1.json" in said
    assert "umbrella-db1: no last backup" in said
    assert "umbrella-web1: ok snapshot" in said
    assert "nothing is left of umbrella" in said
    assert standing(town, "umbrella") == set()
