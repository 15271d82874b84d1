"""What stands, read back with boto3 alone."""

import base64
import hashlib
import io
import json
import tarfile

import boto3
import pytest

from managed_server.fragment import build_fragment, fragment_json
from managed_server.resolve import load_customer

pytestmark = pytest.mark.engine


@pytest.fixture
def customer(stand):
    return load_customer(stand.path, "example")


@pytest.fixture
def client(stand, customer):
    """Clients with the customer's own role, as the providers have it."""
    endpoint = stand.environ["AWS_ENDPOINT_URL"]
    sts = boto3.client("sts", endpoint_url=endpoint, region_name="us-east-1", **keys("local", "local"))
    role = f"arn:aws:iam::{customer.account_id}:role/{customer.provider.deploy_role}"
    given = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    used = keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    return lambda service, region=None: boto3.client(
        service, endpoint_url=endpoint, region_name=region or customer.region, **used
    )


def keys(access, secret, token=None):
    return {"aws_access_key_id": access, "aws_secret_access_key": secret, "aws_session_token": token}


def fleet(stand, customer):
    """Keys of what the hub is told, in its own account, and a client of that account."""
    endpoint, hub = stand.environ["AWS_ENDPOINT_URL"], customer.hub
    sts = boto3.client("sts", endpoint_url=endpoint, region_name="us-east-1", **keys("local", "local"))
    role = f"arn:aws:iam::{hub.account_id}:role/{customer.provider.deploy_role}"
    given = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    used = keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    s3 = boto3.client("s3", endpoint_url=endpoint, region_name=hub.region, **used)
    found = s3.list_objects_v2(Bucket=hub.fleet_bucket).get("Contents", [])
    return {item["Key"] for item in found}, s3


@pytest.fixture
def instance(client):
    found = [
        instance
        for reservation in client("ec2").describe_instances()["Reservations"]
        for instance in reservation["Instances"]
    ]
    assert len(found) == 1
    return found[0]


def test_instance(client, instance, customer):
    server = customer.server("web1")
    assert instance["State"]["Name"] == "running"
    assert instance["InstanceType"] == server.instance_type
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert instance["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    assert instance["Monitoring"]["State"] == "enabled"
    ec2 = client("ec2")
    kept = ec2.describe_instance_attribute(
        InstanceId=instance["InstanceId"], Attribute="disableApiTermination"
    )
    assert kept["DisableApiTermination"]["Value"] is True
    image = ec2.describe_images(ImageIds=[instance["ImageId"]])["Images"][0]
    assert image["Name"].startswith("debian-13-amd64-")
    volumes = [mapping["Ebs"]["VolumeId"] for mapping in instance["BlockDeviceMappings"]]
    for volume in ec2.describe_volumes(VolumeIds=volumes)["Volumes"]:
        assert volume["Encrypted"] is True
        assert (volume["VolumeType"], volume["Size"]) == ("gp3", server.disk_gb)
    addresses = ec2.describe_addresses()["Addresses"]
    assert [address["InstanceId"] for address in addresses] == [instance["InstanceId"]]
    tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
    assert tags["customer"] == customer.id


def test_rules_are_exactly_those_derived(client, instance, customer):
    groups = [group["GroupId"] for group in instance["SecurityGroups"]]
    found = client("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": groups}])
    actual = sorted(
        (
            "out" if rule["IsEgress"] else "in",
            rule["IpProtocol"],
            rule["FromPort"],
            rule["ToPort"],
            rule.get("CidrIpv4") or rule["CidrIpv6"],
        )
        for rule in found["SecurityGroupRules"]
    )
    wanted = [(r.direction, r.protocol, r.port, r.port, r.network) for r in customer.server("web1").rules]
    assert actual == sorted(wanted)
    opened = {(port, network) for way, _, port, _, network in actual if way == "in"}
    world = {port for port, network in opened if network in ("0.0.0.0/0", "::/0")}
    assert world == {80, 443}, "what the example's software offers to the world"
    assert {port for port, network in opened if network.startswith(customer.hub.ipv4 + "/")} == {4949, 5666}
    assert {network for port, network in opened if port == 22} == set(customer.admin_networks)


def test_alarms_have_actions(client, instance, customer):
    server = customer.server("web1")
    found = client("cloudwatch").describe_alarms(AlarmNamePrefix="example-web1-")
    named = {alarm["AlarmName"]: alarm for alarm in found["MetricAlarms"]}
    clock = named.pop("example-web1-alarms-maintenance")
    assert set(named) == {f"example-web1-alarms-{alarm.id}" for alarm in server.alarms}
    for alarm in server.alarms:
        stands = named[f"example-web1-alarms-{alarm.id}"]
        assert stands["ActionsEnabled"]
        assert stands["AlarmActions"]
        assert stands["OKActions"]
        dimensions = {"InstanceId": instance["InstanceId"], **dict(alarm.dimensions)}
        watched = [q["MetricStat"]["Metric"] for q in stands.get("Metrics", []) if "MetricStat" in q]
        for metric in watched or [stands]:
            assert {one["Name"]: one["Value"] for one in metric["Dimensions"]} == dimensions
            assert metric["MetricName"] in alarm.metrics
    alarms = [*named.values(), *found["CompositeAlarms"]]
    recovering = [a for a in alarms if any(action.endswith(":ec2:recover") for action in a["AlarmActions"])]
    assert [alarm["MetricName"] for alarm in recovering] == ["StatusCheckFailed_System"]
    topics = {topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]}
    used = {arn for a in alarms for arn in a["AlarmActions"] if ":automate:" not in arn}
    assert used
    assert used <= topics
    for topic in used:
        assert client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    [page] = found["CompositeAlarms"]
    assert (page["AlarmName"], page["ActionsSuppressor"]) == ("example-web1-alarms-page", clock["AlarmName"])
    waking = [alarm.id for alarm in server.alarms if alarm.wakes == "server"]
    assert page["AlarmRule"] == " OR ".join(f'ALARM("example-web1-alarms-{name}")' for name in waking)
    told = {arn for name in waking for arn in named[f"example-web1-alarms-{name}"]["AlarmActions"]}
    assert not told & set(page["AlarmActions"]), "nobody is told twice"
    expressions = {query["Id"]: query.get("Expression") for query in clock["Metrics"]}
    assert (expressions["minute"], expressions["window"]) == server.cloudwatch.quiet
    group = client("logs").describe_log_groups(logGroupNamePrefix=server.cloudwatch.log_group)["logGroups"]
    assert [one["retentionInDays"] for one in group] == [server.cloudwatch.log_days]


def test_backup_bucket(client, customer):
    assert customer.backup_region != customer.region
    s3 = client("s3", customer.backup_region)
    bucket = customer.backup_bucket
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == customer.backup_region
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    lock = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    assert lock["ObjectLockEnabled"] == "Enabled"
    assert lock["Rule"]["DefaultRetention"]["Days"] >= 30
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    key = rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    assert client("kms", customer.backup_region).get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    lifecycle = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert not any("Days" in rule.get("Expiration", {}) for rule in lifecycle), (
        "a current version never expires"
    )


def test_no_bucket_is_public_and_all_refuse_plain_http(client, customer):
    names = {bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]}
    away = {customer.backup_bucket, customer.backup_log_bucket}
    assert names == away | {customer.delivery_bucket, customer.trail_bucket}
    for name in names:
        s3 = client("s3", customer.backup_region if name in away else customer.region)
        assert set(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values()) == {
            True
        }
        statements = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
        refusing = [
            statement
            for statement in statements
            if statement["Effect"] == "Deny"
            and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        ]
        assert len(refusing) == 1
        assert refusing[0]["Principal"] in ("*", {"AWS": "*"})
        assert refusing[0]["Action"] in ("s3:*", ["s3:*"])
        assert sorted(refusing[0]["Resource"]) == [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]


def test_what_is_set_for_the_account(stand, client, customer):
    for region in (customer.region, customer.backup_region):
        ec2 = client("ec2", region)
        assert ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is True
        defaults = ec2.get_instance_metadata_defaults()["AccountLevel"]
        assert (defaults["HttpTokens"], defaults["HttpPutResponseHopLimit"]) == ("required", 1)
        [analyzer] = client("accessanalyzer", region).list_analyzers()["analyzers"]
        assert (analyzer["type"], analyzer["status"]) == ("ACCOUNT", "ACTIVE")
    disk_key = client("ec2").get_ebs_default_kms_key_id()["KmsKeyId"]
    aliases = client("kms").list_aliases(KeyId=disk_key)["Aliases"]
    assert [alias["AliasName"] for alias in aliases] == [f"alias/{customer.id}-data"]
    policy = client("iam").get_account_password_policy()["PasswordPolicy"]
    assert (policy["MinimumPasswordLength"], policy["PasswordReusePrevention"]) == (14, 24)
    [block] = [r for r in stand.deployment()["resources"] if r["type"].endswith(":AccountPublicAccessBlock")]
    assert block["id"] == customer.account_id
    assert {block["outputs"][flag] for flag in ("blockPublicPolicy", "restrictPublicBuckets")} == {True}


def test_the_trail_records_and_alarms_look_at_it(client, customer):
    [trail] = client("cloudtrail").describe_trails()["trailList"]
    assert trail["IsMultiRegionTrail"] is trail["LogFileValidationEnabled"] is True
    assert trail["S3BucketName"] == customer.trail_bucket
    assert client("cloudtrail").get_trail_status(Name=trail["TrailARN"])["IsLogging"] is True
    assert client("kms").get_key_rotation_status(KeyId=trail["KmsKeyId"])["KeyRotationEnabled"]
    group = trail["CloudWatchLogsLogGroupArn"].split(":")[6]
    filters = client("logs").describe_metric_filters(logGroupName=group)["metricFilters"]
    found = {one["filterName"]: one for one in filters}
    prefix = f"{customer.id}-account-alarms-"
    assert set(found) == {f"{prefix}{alarm.id}" for alarm in customer.baseline.alarms}
    alarms = client("cloudwatch").describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
    counted = {
        (metric["metricNamespace"], metric["metricName"])
        for one in filters
        for metric in one["metricTransformations"]
    }
    assert {(alarm["Namespace"], alarm["MetricName"]) for alarm in alarms} == counted
    assert all(alarm["AlarmActions"] for alarm in alarms)


def test_bundle_is_named_by_its_sha256(client, customer, stand):
    s3 = client("s3")
    objects = [item["Key"] for item in s3.list_objects_v2(Bucket=customer.delivery_bucket)["Contents"]]
    bundles = [key for key in objects if key.startswith("bundles/web1/")]
    assert len(bundles) == 1
    content = s3.get_object(Bucket=customer.delivery_bucket, Key=bundles[0])["Body"].read()
    sha256 = hashlib.sha256(content).hexdigest()
    assert bundles[0] == f"bundles/web1/{sha256}.tar"
    pointer = next(key for key in objects if key not in bundles)
    pointed = json.loads(s3.get_object(Bucket=customer.delivery_bucket, Key=pointer)["Body"].read())
    assert pointed["sha256"] == sha256
    done = stand.managed("render", "example", "--json")
    assert json.loads(done.stdout)["example"]["web1"]["bundle"] == sha256, "render shows what is delivered"
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))
        for file in manifest["files"]:
            body = archive.extractfile(f"files{file['path']}").read()
            assert hashlib.sha256(body).hexdigest() == file["sha256"]


def test_passphrase_is_the_same_in_both_regions(client, customer):
    values = {
        client("ssm", region).get_parameter(Name=customer.passphrase_parameter, WithDecryption=True)[
            "Parameter"
        ]["Value"]
        for region in (customer.region, customer.backup_region)
    }
    assert len(values) == 1
    assert len(values.pop()) >= 32


def test_the_passphrase_stands_nowhere_but_in_the_parameter_store(
    client, customer, stand, first_up, instance
):
    """Not in what was printed, in state, log or bundle, in what the hub is told, nor in user data.

    What `--diff` shows of all that is created, test_zz_end.py looks at.
    """
    ssm = client("ssm").get_parameter(Name=customer.passphrase_parameter, WithDecryption=True)
    secret = ssm["Parameter"]["Value"].encode()
    told, hubs = fleet(stand, customer)
    found = {"what up printed": (first_up.stdout + first_up.stderr).encode()}
    if not any(
        {"preview", "--json"} <= set(command) for command in stand.printed
    ):  # test_main_job.py has some
        stand.pulumi("preview", "--json")
    found |= {" ".join(command): text.encode() for command, text in stand.printed.items()}
    found |= {str(path): path.read_bytes() for path in (stand.path / ".local").rglob("*") if path.is_file()}
    found |= {str(path): path.read_bytes() for path in (stand.path / "stacks").iterdir()}
    for name, s3 in ((customer.delivery_bucket, client("s3")), (customer.hub.fleet_bucket, hubs)):
        for item in s3.list_objects_v2(Bucket=name)["Contents"]:
            found[f"{name}/{item['Key']}"] = s3.get_object(Bucket=name, Key=item["Key"])["Body"].read()
    data = client("ec2").describe_instance_attribute(InstanceId=instance["InstanceId"], Attribute="userData")
    found["user data"] = base64.b64decode(data["UserData"]["Value"])
    assert [place for place, content in found.items() if secret in content] == []
    for place in ("preview --json", "aws.log", "example.json", ".tar", "fragments/", "Pulumi.example.yaml"):
        assert any(place in name and content for name, content in found.items()), f"{place} was looked at"
    assert len(found["user data"]) > 100
    assert told


def test_nothing_stands_in_another_account(stand, customer):
    """The role in the customer's account was really assumed: the credentials' own account is empty."""
    endpoint = stand.environ["AWS_ENDPOINT_URL"]
    for region in (customer.region, customer.backup_region):
        ec2 = boto3.client("ec2", endpoint_url=endpoint, region_name=region, **keys("local", "local"))
        assert ec2.describe_instances()["Reservations"] == []
    s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **keys("local", "local"))
    assert s3.list_buckets()["Buckets"] == []


def test_the_hub_is_told_of_the_server_and_of_itself(stand, customer, client):
    told, s3 = fleet(stand, customer)
    servers = {"example/web1", "hub/mon1"}
    assert told == {f"{kind}/{name}.json" for kind in ("addresses", "fragments") for name in servers}

    def read(key):
        body = s3.get_object(Bucket=customer.hub.fleet_bucket, Key=key)["Body"].read()
        return json.loads(body)

    assert read("fragments/example/web1.json") == json.loads(
        fragment_json(build_fragment(customer, customer.server("web1")))
    )
    (given,) = client("ec2").describe_addresses()["Addresses"]
    assert read("addresses/example/web1.json") == {
        "account_id": customer.account_id,
        "ipv4": given["PublicIp"],
    }
    assert read("addresses/hub/mon1.json")["ipv4"] == customer.hub.ipv4
