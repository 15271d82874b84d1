"""What stands in the accounts of a local AWS, read by boto3, held against Pulumi's state."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3

from managed_server import kept_backups
from managed_server.resolve import load_customer
from managed_server.spec import CustomerSpec
from tests.e2e.support import Clone

Client = Callable[[str], Any]


def credentials(access: str, secret: str, token: str | None = None) -> dict[str, Any]:
    return {"aws_access_key_id": access, "aws_secret_access_key": secret, "aws_session_token": token}


def clients(clone: Clone, customer: CustomerSpec, account: str, region: str) -> Client:
    """Clients with the deploy role of an account."""
    options = {"endpoint_url": clone.environ["AWS_ENDPOINT_URL"], "region_name": region}
    sts = boto3.client("sts", **options, **credentials("local", "local"))
    role = f"arn:aws:iam::{account}:role/{customer.provider.deploy_role}"
    given = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    used = credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    return lambda service: boto3.client(service, **options, **used)


def end_logs(clone: Clone, stack: str) -> None:
    """End the access logs of a stack's backups, and delete them: each request of a destroy adds to them."""
    customer = load_customer(clone.path, stack)
    s3 = clients(clone, customer, customer.backup_account_id, customer.backup_region)("s3")
    kept_backups.no_more_logs(s3, customer.backup_bucket)
    kept_backups.remove(s3, kept_backups.look(s3, customer.backup_log_bucket))


def standing(clone: Clone, stack: str) -> set[str]:
    """Ids of all that a customer has in its account and in that of its backups, in both of its regions."""
    customer = load_customer(clone.path, stack)
    found: set[str] = set()
    for account, region in (
        (customer.account_id, customer.region),
        (customer.backup_account_id, customer.backup_region),
    ):
        found |= set(_in_region(clients(clone, customer, account, region), region))
    return found


def _in_region(client: Client, region: str) -> Iterator[str]:
    yield from _network(client("ec2"))
    yield from _servers(client("ec2"))
    kms = client("kms")
    for key in kms.list_keys()["Keys"]:
        state = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]
        # AWS's own, which services make for themselves, have no tag.
        if state != "PendingDeletion" and kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]:
            yield key["KeyId"]
    yield from (bucket["Name"] for bucket in client("s3").list_buckets(BucketRegion=region)["Buckets"])
    iam = client("iam")
    yield from (role["RoleName"] for role in iam.list_roles()["Roles"] if role["Path"] == "/")
    yield from (user["UserName"] for user in iam.list_users()["Users"])
    yield from (group["GroupName"] for group in iam.list_groups()["Groups"])
    yield from (
        profile["InstanceProfileName"] for profile in iam.list_instance_profiles()["InstanceProfiles"]
    )
    for page in client("ssm").get_paginator("describe_parameters").paginate():
        yield from (each["Name"] for each in page["Parameters"] if not each["Name"].startswith("/aws/"))
    yield from (group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"])
    kinds = ["MetricAlarm", "CompositeAlarm"]
    for page in client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmTypes=kinds):
        yield from (alarm["AlarmName"] for alarm in (*page["MetricAlarms"], *page["CompositeAlarms"]))
    yield from (found["filterName"] for found in client("logs").describe_metric_filters()["metricFilters"])
    for trail in client("cloudtrail").describe_trails(includeShadowTrails=False)["trailList"]:
        if trail["HomeRegion"] == region:
            yield trail["TrailARN"]
    yield from (found["name"] for found in client("accessanalyzer").list_analyzers()["analyzers"])
    yield from (topic["TopicArn"] for topic in client("sns").list_topics()["Topics"])


def _network(ec2: Any) -> Iterator[str]:
    yield from (vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"])
    yield from (net["SubnetId"] for net in ec2.describe_subnets()["Subnets"] if not net["DefaultForAz"])
    yield from (gate["InternetGatewayId"] for gate in ec2.describe_internet_gateways()["InternetGateways"])
    for table in ec2.describe_route_tables()["RouteTables"]:
        if not any(each.get("Main") for each in table["Associations"]):
            yield table["RouteTableId"]
    own = [
        group for group in ec2.describe_security_groups()["SecurityGroups"] if group["GroupName"] != "default"
    ]
    yield from (group["GroupId"] for group in own)
    if own:
        filters = [{"Name": "group-id", "Values": [group["GroupId"] for group in own]}]
        rules = ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
        yield from (rule["SecurityGroupRuleId"] for rule in rules)
    yield from (log["FlowLogId"] for log in ec2.describe_flow_logs()["FlowLogs"])


def _servers(ec2: Any) -> Iterator[str]:
    used = set()
    for reservation in ec2.describe_instances()["Reservations"]:
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] != "terminated":
                yield instance["InstanceId"]
                used |= {disk["Ebs"]["VolumeId"] for disk in instance["BlockDeviceMappings"]}
    # The root volume of an instance goes with it, and has no resource of its own.
    yield from (v["VolumeId"] for v in ec2.describe_volumes()["Volumes"] if v["VolumeId"] not in used)
    yield from (address["AllocationId"] for address in ec2.describe_addresses()["Addresses"])


def unknown(clone: Clone, stack: str) -> set[str]:
    """What stands in a customer's account and is in no state: nobody would ever delete it."""
    resources = clone.of(stack).deployment().get("resources") or []
    return standing(clone, stack) - {str(each.get("id")) for each in resources}
