"""EC2: an instance starts from an image, or as an instance type, that doesn't exist."""

from moto import settings

from managed_server.local.aws.cures.patching import replace


def apply() -> None:
    """Switch on moto's own checks, which it leaves off."""
    replace(settings, "ENABLE_AMI_VALIDATION", lambda _: True)
    replace(settings, "EC2_ENABLE_INSTANCE_TYPE_VALIDATION", lambda _: True)
