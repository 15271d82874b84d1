from policy_cases import fails, lacks, passes
from policy_things import INSTANCE, SUBNET, VOLUME

ROOT = "The root disk of instance 'web1' is not encrypted: rootBlockDevice.encrypted must be true."
DISK = "Disk /dev/sdf of instance 'web1' is not encrypted: it must be."
TOKENS = "Instance 'web1' answers IMDSv1: metadataOptions.httpTokens must be 'required'."
HOPS = "Instance 'web1' must keep metadata to itself: metadataOptions.httpPutResponseHopLimit must be 1."
TERMINATED = "Instance 'web1' can be terminated: disableApiTermination must be true."
SLOW = "Instance 'web1' is measured every five minutes: monitoring must be true."
PLAIN = "Volume 'web1-data' is not encrypted: encrypted must be true."
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
    passes("ec2-instance-no-automatic-address", INSTANCE, SUBNET),
    fails(
        "ec2-instance-no-automatic-address",
        INSTANCE.having("associatePublicIpAddress", to=True),
        says="'web1' takes a public address at launch: associatePublicIpAddress must not be true.",
    ),
    fails(
        "ec2-instance-no-automatic-address",
        SUBNET.having("mapPublicIpOnLaunch", to=True),
        says="'subnet' takes a public address at launch: mapPublicIpOnLaunch must not be true.",
        about="subnet",
    ),
    lacks(
        "ec2-instance-no-automatic-address",
        INSTANCE.without("associatePublicIpAddress"),
        SUBNET.without("mapPublicIpOnLaunch"),
        says=None,
    ),
]
