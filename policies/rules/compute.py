"""Rules on instances and their disks."""

from collections.abc import Iterator

from pulumi_policy import Severity

from .base import (
    Finding,
    Resource,
    Rule,
    Source,
    Stack,
    Undecided,
    Violation,
    require,
    resource_rule,
    security_hub,
    stack_rule,
)
from .reading import UNKNOWN, at, items

INSTANCE = "aws:ec2/instance:Instance"
_SUBNET = "aws:ec2/subnet:Subnet"
_PROFILE = "aws:iam/instanceProfile:InstanceProfile"
_ROLE = "aws:iam/role:Role"
_ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
_SESSION_MANAGER = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
# EC2 user guide, Instance types: the previous generations that may run paravirtual images.
_PARAVIRTUAL = ("c1", "c3", "hi1", "hs1", "m1", "m2", "m3", "t1")


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
    types=(INSTANCE,),
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
    types=(INSTANCE,),
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
    types=(INSTANCE,),
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
    types=(INSTANCE,),
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
    types=(INSTANCE,),
    description="A public address must be an Elastic IP, never given by chance at launch.",
    severity=Severity.HIGH,
    source=security_hub("EC2.9"),
    remediation="Leave out associate_public_ip_address, and attach an Elastic IP.",
)
def instance_no_automatic_address(instance: Resource) -> Iterator[Finding]:
    """EC2.9 forbids public addresses; a web server needs one, but a kept one that rules can name."""
    yield from _no_address_at_launch(instance, "associatePublicIpAddress")


@resource_rule(
    "ec2-subnet-no-automatic-address",
    types=(_SUBNET,),
    description="A subnet must not give public IPv4 addresses to whatever is launched in it.",
    severity=Severity.MEDIUM,
    source=security_hub("EC2.15"),
    remediation="Leave out map_public_ip_on_launch, and attach an Elastic IP to what needs one.",
)
def subnet_no_automatic_address(subnet: Resource) -> Iterator[Finding]:
    """Whoever launches something there decides on purpose whether the world reaches it."""
    yield from _no_address_at_launch(subnet, "mapPublicIpOnLaunch")


def _no_address_at_launch(resource: Resource, key: str) -> Iterator[Finding]:
    message = f"'{resource.name}' takes a public address at launch: {key} must not be true."
    yield from require(resource, message, key, wanted=False, by_default=True)


@resource_rule(
    "ec2-instance-one-interface",
    types=(INSTANCE,),
    description="An instance must have one network interface alone.",
    severity=Severity.LOW,
    source=security_hub("EC2.17"),
    remediation="Leave out network_interfaces; give the one interface several security groups instead.",
)
def instance_one_interface(instance: Resource) -> Iterator[Finding]:
    """A second one is a second way in, which the firewall's rules weren't made for."""
    interfaces = items(instance.at("networkInterfaces"))
    if UNKNOWN in interfaces:
        yield Undecided("networkInterfaces")
    elif len(interfaces) > 1:
        count = len(interfaces)
        yield Violation(f"Instance '{instance.name}' has {count} network interfaces: it must have one.")


@resource_rule(
    "ec2-instance-not-paravirtual",
    types=(INSTANCE,),
    description="An instance must not be of a type that may run paravirtual images.",
    severity=Severity.MEDIUM,
    source=security_hub("EC2.24"),
    remediation="Choose a type of the current generations.",
)
def instance_not_paravirtual(instance: Resource) -> Iterator[Finding]:
    """Whether a machine is paravirtual, its image decides; of current types none can be."""
    kind = instance.at("instanceType")
    if kind is UNKNOWN:
        yield Undecided("instanceType")
    elif str(kind).partition(".")[0] in _PARAVIRTUAL:
        yield Violation(f"Instance '{instance.name}' is a {kind}, which is too old: it must be a newer type.")


@resource_rule(
    "ec2-instance-checks-addresses",
    types=(INSTANCE,),
    description="An instance must drop traffic that is neither from it nor for it.",
    severity=Severity.MEDIUM,
    source=security_hub("EC2.180"),
    remediation="Leave source_dest_check out, or set it to True.",
)
def instance_checks_addresses(instance: Resource) -> Iterator[Finding]:
    """On is the default; only a router needs it off."""
    message = f"Instance '{instance.name}' passes others' traffic: sourceDestCheck must be true."
    yield from require(instance, message, "sourceDestCheck", by_default=True)


@stack_rule(
    "ec2-instance-session-manager",
    types=(INSTANCE,),
    description="An instance must have a role by which Systems Manager manages it.",
    severity=Severity.MEDIUM,
    source=security_hub("SSM.1"),
    remediation="Attach AmazonSSMManagedInstanceCore to the role of its instance profile.",
)
def instance_session_manager(stack: Stack) -> Iterator[Finding]:
    """It is the way in that needs no open port, and the one that is left where SSH fails."""
    for instance in stack.of(INSTANCE):
        profiles = stack.named(instance, "iamInstanceProfile", _PROFILE)
        roles = [role for profile in profiles for role in stack.named(profile, "role", _ROLE)]
        attached = [
            one.at("policyArn") for role in roles for one in stack.attached(role, "role", _ATTACHMENT)
        ]
        if _SESSION_MANAGER in attached:
            continue
        if UNKNOWN in (instance.at("iamInstanceProfile"), *(one.at("role") for one in profiles), *attached):
            yield Undecided("iamInstanceProfile")
        else:
            message = f"Instance '{instance.name}' can't be managed: its role must have {_SESSION_MANAGER}."
            yield Violation(message, instance.urn)


RULES: list[Rule] = [
    volume_encrypted,
    instance_disks_encrypted,
    instance_imdsv2_only,
    instance_termination_protected,
    instance_monitored_each_minute,
    instance_no_automatic_address,
    subnet_no_automatic_address,
    instance_one_interface,
    instance_not_paravirtual,
    instance_checks_addresses,
    instance_session_manager,
]
