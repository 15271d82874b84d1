"""What cures of the local AWS are for, and what fails without them: EC2, and what watches its instances."""

from ipaddress import ip_address, ip_network

import pytest
from botocore.exceptions import ClientError

from .support import Aws


def alarms(aws: Aws) -> None:
    cloudwatch = aws.client("cloudwatch")
    quiet = {
        "ActionsSuppressor": "maintenance",
        "ActionsSuppressorWaitPeriod": 60,
        "ActionsSuppressorExtensionPeriod": 120,
    }
    for said in (quiet, {}):
        cloudwatch.put_composite_alarm(
            AlarmName="any", AlarmRule="ALARM(a) OR ALARM(b)", AlarmActions=[], **said
        )
        [alarm] = cloudwatch.describe_alarms(AlarmNames=["any"], AlarmTypes=["CompositeAlarm"])[
            "CompositeAlarms"
        ]
        assert alarm["AlarmRule"] == "ALARM(a) OR ALARM(b)"
        assert {key: alarm[key] for key in alarm if "Suppressor" in key} == said


def monitoring(aws: Aws) -> None:
    instance = aws.launch()
    aws.client("ec2").monitor_instances(InstanceIds=[instance])
    assert aws.instance(instance)["Monitoring"] == {"State": "enabled"}
    aws.client("ec2").unmonitor_instances(InstanceIds=[instance])
    assert aws.instance(instance)["Monitoring"] == {"State": "disabled"}


def launch_options(aws: Aws) -> None:
    ec2 = aws.client("ec2")
    protected = aws.launch(DisableApiTermination=True, MaintenanceOptions={"AutoRecovery": "disabled"})
    with pytest.raises(ClientError, match="OperationNotPermitted"):
        ec2.terminate_instances(InstanceIds=[protected])
    assert aws.instance(protected)["MaintenanceOptions"]["AutoRecovery"] == "disabled"
    plain = aws.launch()
    assert aws.instance(plain)["MaintenanceOptions"]["AutoRecovery"] == "default"
    ec2.terminate_instances(InstanceIds=[plain])


def termination(aws: Aws) -> None:
    ec2, instance = aws.client("ec2"), aws.launch()
    ec2.modify_instance_attribute(InstanceId=instance, Attribute="disableApiTermination", Value="true")
    with pytest.raises(ClientError, match="OperationNotPermitted"):
        ec2.terminate_instances(InstanceIds=[instance])
    ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=[instance])
    assert aws.instance(instance)["State"]["Name"] == "terminated"


def maintenance(aws: Aws) -> None:
    instance = aws.launch()
    aws.client("ec2").modify_instance_maintenance_options(InstanceId=instance, AutoRecovery="disabled")
    assert aws.instance(instance)["MaintenanceOptions"]["AutoRecovery"] == "disabled"


def burst_credits(aws: Aws) -> None:
    ec2 = aws.client("ec2")

    def credit(instance: str) -> str:
        found = ec2.describe_instance_credit_specifications(InstanceIds=[instance])
        return found["InstanceCreditSpecifications"][0]["CpuCredits"]

    assert credit(aws.launch(InstanceType="t2.micro")) == "standard"
    assert credit(aws.launch(InstanceType="t3.micro")) == "unlimited", "the default of t3"
    chosen = aws.launch(CreditSpecification={"CpuCredits": "standard"})
    assert credit(chosen) == "standard"
    ec2.modify_instance_credit_specification(
        InstanceCreditSpecifications=[{"InstanceId": chosen, "CpuCredits": "unlimited"}]
    )
    assert credit(chosen) == "unlimited"


def disk_key(aws: Aws) -> None:
    ec2 = aws.client("ec2")
    assert ec2.get_ebs_default_kms_key_id()["KmsKeyId"] == "alias/aws/ebs"
    key = aws.client("kms").create_key()["KeyMetadata"]
    ec2.modify_ebs_default_kms_key_id(KmsKeyId=key["KeyId"])
    assert ec2.get_ebs_default_kms_key_id()["KmsKeyId"] == key["Arn"]
    ec2.reset_ebs_default_kms_key_id()
    assert ec2.get_ebs_default_kms_key_id()["KmsKeyId"] == "alias/aws/ebs"


def metadata_defaults(aws: Aws) -> None:
    ec2 = aws.client("ec2")
    assert ec2.get_instance_metadata_defaults()["AccountLevel"] == {}
    ec2.modify_instance_metadata_defaults(HttpTokens="required", HttpPutResponseHopLimit=1)
    wanted = {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    assert ec2.get_instance_metadata_defaults()["AccountLevel"].items() >= wanted.items()
    ec2.modify_instance_metadata_defaults(HttpTokens="no-preference", HttpPutResponseHopLimit=-1)
    assert ec2.get_instance_metadata_defaults()["AccountLevel"] == {}


def metadata_options(aws: Aws) -> None:
    instance = aws.launch(MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1})
    aws.client("ec2").modify_instance_metadata_options(InstanceId=instance, HttpPutResponseHopLimit=2)
    options = aws.instance(instance)["MetadataOptions"]
    assert options["HttpPutResponseHopLimit"] == 2
    assert options.get("HttpTokens") == "required", "tokens forgotten"


def image_check(aws: Aws) -> None:
    with pytest.raises(ClientError, match=r"InvalidAMIID\.NotFound"):
        aws.launch(ImageId="ami-0123456789abcdef0")
    with pytest.raises(ClientError, match="InvalidInstanceType"):
        aws.launch(InstanceType="t3.colossal")


def elastic_addresses(aws: Aws) -> None:
    other = Aws(aws.local)
    given = [
        account.client("ec2").allocate_address(Domain="vpc")["PublicIp"] for account in (aws, aws, other)
    ]
    assert all(ip_address(address) in ip_network("198.51.100.0/24") for address in given), given
    assert len(set(given)) == len(given)


def images(aws: Aws) -> None:
    found = aws.client("ec2").describe_images(Owners=["136693071363"])["Images"]
    assert {i["Architecture"] for i in found} == {"x86_64", "arm64"}, "no Debian image"


def root_volume(aws: Aws) -> None:
    image, ec2 = aws.image(), aws.client("ec2")
    [root] = aws.instance(aws.launch())["BlockDeviceMappings"]
    assert root["DeviceName"] == image["RootDeviceName"]
    [volume] = ec2.describe_volumes(VolumeIds=[root["Ebs"]["VolumeId"]])["Volumes"]
    assert (volume["Size"], volume["VolumeType"]) == (8, "gp3")
    mapping = {"DeviceName": image["RootDeviceName"], "Ebs": {"VolumeSize": 20, "VolumeType": "gp3"}}
    [described] = aws.instance(aws.launch(BlockDeviceMappings=[mapping]))["BlockDeviceMappings"]
    [volume] = ec2.describe_volumes(VolumeIds=[described["Ebs"]["VolumeId"]])["Volumes"]
    assert volume["Size"] == 20


def unimplemented(aws: Aws) -> None:
    with pytest.raises(ClientError) as refused:
        aws.client("ec2").describe_conversion_tasks()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    with pytest.raises(ClientError, match="no such call"):
        aws.client("sns").list_sms_sandbox_phone_numbers()
    with pytest.raises(ClientError, match="no such call"):
        aws.client("cloudwatch").list_metric_streams()
    with pytest.raises(ClientError, match="no such call"):
        aws.client("logs").list_anomalies()


def rule_descriptions(aws: Aws) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made = [ec2.create_security_group(GroupName=n, Description=n, VpcId=vpc)["GroupId"] for n in ("a", "b")]
    one = {"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379}
    pair = {"GroupId": made[1], "Description": "redis of b"}
    said = ec2.authorize_security_group_ingress(
        GroupId=made[0], IpPermissions=[{**one, "UserIdGroupPairs": [pair]}]
    )
    wanted = [said["SecurityGroupRules"][0]["SecurityGroupRuleId"]]
    [rule] = ec2.describe_security_group_rules(SecurityGroupRuleIds=wanted)["SecurityGroupRules"]
    assert rule.get("Description") == "redis of b", "no description"
    changed = {**one, "ReferencedGroupId": made[1], "Description": "redis"}
    ec2.modify_security_group_rules(
        GroupId=made[0],
        SecurityGroupRules=[{"SecurityGroupRuleId": wanted[0], "SecurityGroupRule": changed}],
    )
    [rule] = ec2.describe_security_group_rules(SecurityGroupRuleIds=wanted)["SecurityGroupRules"]
    assert rule["Description"] == "redis"


def rule_ids(aws: Aws) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="ids", Description="ids", VpcId=vpc)["GroupId"]
    one = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "192.0.2.0/24"}]}
    for authorize, revoke in (
        (ec2.authorize_security_group_ingress, ec2.revoke_security_group_ingress),
        (ec2.authorize_security_group_egress, ec2.revoke_security_group_egress),
    ):
        said = authorize(GroupId=group, IpPermissions=[one])
        wanted = [said["SecurityGroupRules"][0]["SecurityGroupRuleId"]]
        revoke(GroupId=group, SecurityGroupRuleIds=wanted)
        with pytest.raises(ClientError) as refused:
            revoke(GroupId=group, SecurityGroupRuleIds=wanted)
        assert refused.value.response["Error"]["Code"] == "InvalidSecurityGroupRuleId.NotFound"
        with pytest.raises(ClientError, match=r"InvalidPermission\.NotFound"):
            revoke(GroupId=group, IpPermissions=[one])


def volume_modifications(aws: Aws) -> None:
    ec2 = aws.client("ec2")
    volume = ec2.create_volume(AvailabilityZone="eu-west-2a", Size=10, VolumeType="gp3")["VolumeId"]
    other = ec2.create_volume(AvailabilityZone="eu-west-2a", Size=10, VolumeType="gp3")["VolumeId"]
    for size in (20, 30):
        ec2.modify_volume(VolumeId=volume, Size=size)
    ec2.modify_volume(VolumeId=other, Size=40)
    found = ec2.describe_volumes_modifications(VolumeIds=[volume, other])["VolumesModifications"]
    sizes = {(each["VolumeId"], each["TargetSize"]) for each in found}
    assert sizes == {(volume, 30), (other, 40)}, "each of its changes"
