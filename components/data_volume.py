"""A server's volume for data: it outlives the machine."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True)
class DataVolumeArgs:
    """What a volume is made of, and what it is attached to."""

    server: str
    size_gb: int
    device: str
    key_arn: pulumi.Input[str]
    zone: pulumi.Input[str]
    instance_id: pulumi.Input[str]


class DataVolume(pulumi.ComponentResource):
    """A protected, encrypted gp3 volume beside its instance (AWS FSBP EC2.3).

    It grows in place. A new machine in the place of a lost one gets it as it is.
    """

    volume_id: pulumi.Output[str]

    def __init__(self, name: str, args: DataVolumeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("managed-server:index:DataVolume", name, None, opts)
        volume = aws.ebs.Volume(
            f"{name}-volume",
            availability_zone=args.zone,
            size=args.size_gb,
            type="gp3",
            encrypted=True,
            kms_key_id=args.key_arn,
            tags={"Name": f"{name}-volume", "server": args.server},
            opts=pulumi.ResourceOptions(
                parent=self,
                # Of an instance or subnet that is replaced it isn't known, and the volume would be as well.
                ignore_changes=["availability_zone"],
                protect=True,
            ),
        )
        aws.ec2.VolumeAttachment(
            f"{name}-attachment",
            device_name=args.device,
            instance_id=args.instance_id,
            volume_id=volume.id,
            # A disk is never taken from under a system that writes to it.
            stop_instance_before_detaching=True,
            # A volume is attached once: a new machine gets it when the lost one has let it go.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.volume_id = volume.id
        self.register_outputs({"volume_id": self.volume_id})
