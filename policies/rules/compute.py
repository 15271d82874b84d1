"""Rules on instances and their disks."""

from collections.abc import Iterator

from pulumi_policy import Severity

from .base import Finding, Resource, Source, Undecided, Violation, require, resource_rule, security_hub
from .reading import UNKNOWN, at, items

_INSTANCE = "aws:ec2/instance:Instance"
_SUBNET = "aws:ec2/subnet:Subnet"


@resource_rule(
    "ec2-volume-encrypted",
    types=("aws:ebs/volume:Volume",),
    description="An EBS volume must be encrypted.",
    severity=Severity.CRITICAL,
    source=security_hub("EC2.3"),
    remediation="Set encrypted=True, and kms_key_id to the customer's key.",
)
def volume_encrypted(volume: Resource) -> Iterator[Finding]:
    """A data volume holds the customer's data at rest."""
    message = f"Volume '{volume.name}' is not encrypted: encrypted must be true."
    yield from require(volume, message, "encrypted")


@resource_rule(
    "ec2-instance-disks-encrypted",
    types=(_INSTANCE,),
    description="Every disk of an instance, the root disk included, must be encrypted.",
    severity=Severity.CRITICAL,
    source=security_hub("EC2.3"),
    remediation="Give root_block_device, and each of ebs_block_devices, encrypted=True.",
)
def instance_disks_encrypted(instance: Resource) -> Iterator[Finding]:
    """Without a root_block_device, the image decides, and Debian's isn't encrypted."""
    message = f"The root disk of instance '{instance.name}' is not encrypted: rootBlockDevice.encrypted"
    yield from require(instance, f"{message} must be true.", "rootBlockDevice", "encrypted")
    for disk in items(instance.at("ebsBlockDevices")):
        encrypted = at(disk, "encrypted")
        if encrypted is UNKNOWN:
            yield Undecided("ebsBlockDevices")
        elif encrypted is not True:
            device = at(disk, "deviceName")
            yield Violation(f"Disk {device} of instance '{instance.name}' is not encrypted: it must be.")


@resource_rule(
    "ec2-instance-imdsv2-only",
    types=(_INSTANCE,),
    description="An instance must answer metadata requests by IMDSv2 alone, and only from itself.",
    severity=Severity.HIGH,
    source=security_hub("EC2.8"),
    remediation="Set metadata_options: http_tokens='required', http_put_response_hop_limit=1.",
)
def instance_imdsv2_only(instance: Resource) -> Iterator[Finding]:
    """Missing options leave the choice to the image, which may be IMDSv1."""
    name = instance.name
    if instance.at("metadataOptions", "httpEndpoint") == "disabled":
        return
    message = f"Instance '{name}' answers IMDSv1: metadataOptions.httpTokens must be 'required'."
    yield from require(instance, message, "metadataOptions", "httpTokens", wanted="required")
    message = (
        f"Instance '{name}' must keep metadata to itself: metadataOptions.httpPutResponseHopLimit must be 1."
    )
    yield from require(instance, message, "metadataOptions", "httpPutResponseHopLimit", wanted=1)


@resource_rule(
    "ec2-instance-termination-protected",
    types=(_INSTANCE,),
    description="An instance must be protected against termination.",
    severity=Severity.HIGH,
    source=Source(
        "Amazon EC2 User Guide",
        "termination protection",
        "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_ChangingDisableAPITermination.html",
    ),
    remediation="Set disable_api_termination=True.",
)
def instance_termination_protected(instance: Resource) -> Iterator[Finding]:
    """A slip in the console or the API can't end a customer's server."""
    message = f"Instance '{instance.name}' can be terminated: disableApiTermination must be true."
    yield from require(instance, message, "disableApiTermination")


@resource_rule(
    "ec2-instance-monitored-each-minute",
    types=(_INSTANCE,),
    description="An instance must have detailed monitoring, one figure a minute.",
    severity=Severity.MEDIUM,
    source=Source(
        "Amazon EC2 User Guide",
        "detailed monitoring",
        "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/manage-detailed-monitoring.html",
    ),
    remediation="Set monitoring=True.",
)
def instance_monitored_each_minute(instance: Resource) -> Iterator[Finding]:
    """Five-minute figures eat a third of the 15 minutes in which an urgent fault is answered."""
    message = f"Instance '{instance.name}' is measured every five minutes: monitoring must be true."
    yield from require(instance, message, "monitoring")


@resource_rule(
    "ec2-instance-no-automatic-address",
    types=(_INSTANCE, _SUBNET),
    description="A public address must be an Elastic IP, never given by chance at launch.",
    severity=Severity.HIGH,
    source=security_hub("EC2.9"),
    remediation=(
        "Leave out associate_public_ip_address and map_public_ip_on_launch, and attach an Elastic IP."
    ),
)
def instance_no_automatic_address(resource: Resource) -> Iterator[Finding]:
    """EC2.9 forbids public addresses; a web server needs one, but a kept one that rules can name."""
    key = "mapPublicIpOnLaunch" if resource.type == _SUBNET else "associatePublicIpAddress"
    value = resource.at(key)
    if value is UNKNOWN:
        yield Undecided(key)
    elif value is True:
        yield Violation(f"'{resource.name}' takes a public address at launch: {key} must not be true.")


RULES = [
    volume_encrypted,
    instance_disks_encrypted,
    instance_imdsv2_only,
    instance_termination_protected,
    instance_monitored_each_minute,
    instance_no_automatic_address,
]
