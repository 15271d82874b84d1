from policy_cases import fails, lacks, passes
from policy_judge import LATER
from policy_things import ATTACHMENT, INSTANCE, PROFILE, ROLE, SUBNET, VOLUME

ROOT = "The root disk of instance 'web1' is not encrypted: rootBlockDevice.encrypted must be true."
DISK = "Disk /dev/sdf of instance 'web1' is not encrypted: it must be."
TOKENS = "Instance 'web1' answers IMDSv1: metadataOptions.httpTokens must be 'required'."
HOPS = "Instance 'web1' must keep metadata to itself: metadataOptions.httpPutResponseHopLimit must be 1."
TERMINATED = "Instance 'web1' can be terminated: disableApiTermination must be true."
SLOW = "Instance 'web1' is measured every five minutes: monitoring must be true."
PLAIN = "Volume 'web1-data' is not encrypted: encrypted must be true."
MANAGED = "ec2-instance-session-manager"
MACHINE = (INSTANCE, PROFILE, ROLE, ATTACHMENT)
UNMANAGED = (
    "Instance 'web1' can't be managed: its role must have "
    "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore."
)
BARE = INSTANCE.without("metadataOptions")

CASES = [
    passes("ec2-volume-encrypted", VOLUME),
    fails("ec2-volume-encrypted", VOLUME.having("encrypted", to=False), says=PLAIN),
    lacks("ec2-volume-encrypted", VOLUME.without("encrypted"), says=PLAIN),
    passes("ec2-instance-disks-encrypted", INSTANCE),
    passes("ec2-instance-disks-encrypted", INSTANCE.without("ebsBlockDevices"), about="root alone"),
    fails("ec2-instance-disks-encrypted", INSTANCE.having("rootBlockDevice.encrypted", to=False), says=ROOT),
    fails(
        "ec2-instance-disks-encrypted",
        INSTANCE.having("ebsBlockDevices.0.encrypted", to=False),
        says=DISK,
        about="second disk",
    ),
    lacks("ec2-instance-disks-encrypted", INSTANCE.without("rootBlockDevice"), says=ROOT),
    lacks(
        "ec2-instance-disks-encrypted", INSTANCE.without("rootBlockDevice.encrypted"), says=ROOT, about="flag"
    ),
    lacks(
        "ec2-instance-disks-encrypted",
        INSTANCE.without("ebsBlockDevices.0.encrypted"),
        says=DISK,
        about="second disk",
    ),
    passes("ec2-instance-imdsv2-only", INSTANCE),
    passes(
        "ec2-instance-imdsv2-only",
        INSTANCE.having("metadataOptions", {"httpEndpoint": "disabled"}),
        about="no metadata at all",
    ),
    fails("ec2-instance-imdsv2-only", INSTANCE.having("metadataOptions.httpTokens", "optional"), says=TOKENS),
    fails(
        "ec2-instance-imdsv2-only",
        INSTANCE.having("metadataOptions.httpPutResponseHopLimit", 2),
        says=HOPS,
        about="hops",
    ),
    lacks("ec2-instance-imdsv2-only", INSTANCE.without("metadataOptions.httpTokens"), says=TOKENS),
    lacks(
        "ec2-instance-imdsv2-only",
        INSTANCE.without("metadataOptions.httpPutResponseHopLimit"),
        says=HOPS,
        about="hops",
    ),
    passes("ec2-instance-termination-protected", INSTANCE),
    fails(
        "ec2-instance-termination-protected",
        INSTANCE.having("disableApiTermination", to=False),
        says=TERMINATED,
    ),
    lacks("ec2-instance-termination-protected", INSTANCE.without("disableApiTermination"), says=TERMINATED),
    passes("ec2-instance-monitored-each-minute", INSTANCE),
    fails("ec2-instance-monitored-each-minute", INSTANCE.having("monitoring", to=False), says=SLOW),
    lacks("ec2-instance-monitored-each-minute", INSTANCE.without("monitoring"), says=SLOW),
    passes("ec2-instance-no-automatic-address", INSTANCE),
    fails(
        "ec2-instance-no-automatic-address",
        INSTANCE.having("associatePublicIpAddress", to=True),
        says="'web1' takes a public address at launch: associatePublicIpAddress must not be true.",
    ),
    lacks("ec2-instance-no-automatic-address", INSTANCE.without("associatePublicIpAddress"), says=None),
    passes("ec2-subnet-no-automatic-address", SUBNET),
    fails(
        "ec2-subnet-no-automatic-address",
        SUBNET.having("mapPublicIpOnLaunch", to=True),
        says="'subnet' takes a public address at launch: mapPublicIpOnLaunch must not be true.",
    ),
    lacks("ec2-subnet-no-automatic-address", SUBNET.without("mapPublicIpOnLaunch"), says=None),
    passes("ec2-instance-one-interface", INSTANCE),
    passes("ec2-instance-one-interface", INSTANCE.having("networkInterfaces", [{}]), about="one, by name"),
    fails(
        "ec2-instance-one-interface",
        INSTANCE.having("networkInterfaces", [{"deviceIndex": 0}, {"deviceIndex": 1}]),
        says="Instance 'web1' has 2 network interfaces: it must have one.",
    ),
    lacks("ec2-instance-one-interface", INSTANCE, says=None, about="AWS makes one"),
    passes("ec2-instance-not-paravirtual", INSTANCE),
    fails(
        "ec2-instance-not-paravirtual",
        INSTANCE.having("instanceType", "m3.large"),
        says="Instance 'web1' is a m3.large, which is too old: it must be a newer type.",
    ),
    lacks("ec2-instance-not-paravirtual", INSTANCE.without("instanceType"), says=None),
    passes("ec2-instance-checks-addresses", INSTANCE.having("sourceDestCheck", to=True)),
    fails(
        "ec2-instance-checks-addresses",
        INSTANCE.having("sourceDestCheck", to=False),
        says="Instance 'web1' passes others' traffic: sourceDestCheck must be true.",
    ),
    lacks("ec2-instance-checks-addresses", INSTANCE, says=None, about="on is the default"),
    passes(MANAGED, *MACHINE),
    passes(
        MANAGED,
        *(one.having("id", LATER) if "id" in one.props else one for one in MACHINE),
        about="at preview, by dependencies",
    ),
    fails(
        MANAGED,
        INSTANCE,
        PROFILE,
        ROLE,
        ATTACHMENT.having("policyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        says=UNMANAGED,
        about="another policy",
    ),
    fails(
        MANAGED,
        INSTANCE,
        PROFILE,
        ROLE,
        ATTACHMENT.having("role", "other"),
        says=UNMANAGED,
        about="another role's",
    ),
    lacks(MANAGED, INSTANCE, PROFILE, ROLE, says=UNMANAGED, about="attachment"),
    lacks(MANAGED, INSTANCE.without("iamInstanceProfile").but(links={}), *MACHINE[1:], says=UNMANAGED),
]
