"""One server: the instance, what it may do, and its address."""

import base64
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.data_volume import DataVolume, DataVolumeArgs
from components.server_role import ServerRole, ServerRoleArgs
from managed_server.spec import DataVolume as Data


@dataclass(frozen=True)
class ManagedServerArgs:
    """What a server is made of."""

    server: str
    instance_type: str
    disk_gb: int
    image_id: pulumi.Input[str]
    user_data: str
    subnet_id: pulumi.Input[str]
    group_id: pulumi.Input[str]
    data_key_arn: pulumi.Input[str]
    after: tuple[pulumi.Resource, ...]
    """What the server's first steps need, such as a way to the internet."""
    role: ServerRoleArgs
    data: Data | None = None
    """Its volume for data; without one all is on the root volume."""
    zone: pulumi.Input[str] | None = None
    """The subnet's availability zone: so its volume is made beside the instance; else when that one runs."""
    ipv6: bool = False
    """Whether it has an IPv6 address beside its IPv4 one; the subnet must have such a network."""
    recorded_address: str | None = None
    """IPv4 that was allocated in the account before, and is the server's for good; else it gets a new one."""


class ManagedServer(pulumi.ComponentResource):
    """An instance with an Elastic IP (AWS FSBP EC2.3, EC2.8).

    Its root volume goes with it, and is its only one unless it has a volume for data. So the instance is
    protected, and so is its address. A new image or other user data never replaces it or restarts it: both
    matter at its creation alone.
    """

    instance_id: pulumi.Output[str]
    address: pulumi.Output[str]
    ipv6_address: pulumi.Output[str] | None
    """Unlike the other, it goes with the instance."""
    private_address: pulumi.Output[str]
    """IPv4 in the customer's network: what its other servers know it by."""

    def __init__(
        self, name: str, args: ManagedServerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("managed-server:index:ManagedServer", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = ServerRole(f"{name}-identity", args.role, opts=child)
        instance = aws.ec2.Instance(
            f"{name}-instance",
            ami=args.image_id,
            instance_type=args.instance_type,
            subnet_id=args.subnet_id,
            vpc_security_group_ids=[args.group_id],
            iam_instance_profile=role.profile_name,
            ipv6_address_count=1 if args.ipv6 else None,
            # In base64: of plain text Terraform's provider keeps a hash, which no ignored text ever equals.
            user_data_base64=base64.b64encode(args.user_data.encode()).decode(),
            user_data_replace_on_change=False,
            ebs_optimized=True,
            monitoring=True,
            disable_api_termination=True,
            maintenance_options=aws.ec2.InstanceMaintenanceOptionsArgs(auto_recovery="default"),
            metadata_options=aws.ec2.InstanceMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            root_block_device=aws.ec2.InstanceRootBlockDeviceArgs(
                encrypted=True,
                kms_key_id=args.data_key_arn,
                volume_type="gp3",
                volume_size=args.disk_gb,
                delete_on_termination=True,
                tags={"Name": f"{name}-root", "server": args.server},
            ),
            tags={"Name": f"{name}-instance", "server": args.server},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*args.after, *role.granted],
                ignore_changes=["ami", "user_data_base64"],
                # The customer's data is on it, and the provider lifts termination protection before it
                # terminates: against `pulumi destroy` only Pulumi's own protection helps.
                protect=True,
            ),
        )
        if args.data is not None:
            DataVolume(
                f"{name}-data",
                DataVolumeArgs(
                    args.server,
                    args.data.gb,
                    args.data.device,
                    args.data_key_arn,
                    instance.availability_zone if args.zone is None else args.zone,
                    instance.id,
                ),
                opts=child,
            )
        allocation_id, self.address = self._allocated(name, args)
        aws.ec2.EipAssociation(
            f"{name}-address-association",
            allocation_id=allocation_id,
            instance_id=instance.id,
            # An address has one association: a new machine takes it when the lost one has let it go.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.instance_id, self.private_address = instance.id, instance.private_ip
        self.ipv6_address = instance.ipv6_addresses.apply(_first) if args.ipv6 else None
        self.register_outputs({"instance_id": self.instance_id, "address": self.address})

    def _allocated(self, name: str, args: ManagedServerArgs) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        """The address: its allocation's id, and itself."""
        if args.recorded_address is not None:
            found = aws.ec2.get_elastic_ip_output(
                public_ip=args.recorded_address, opts=pulumi.InvokeOptions(parent=self)
            )
            return found.id, found.public_ip
        made = aws.ec2.Eip(
            f"{name}-address",
            domain="vpc",
            tags={"Name": f"{name}-address", "server": args.server},
            # It is in the customer's DNS: once released, it is somebody else's.
            opts=pulumi.ResourceOptions(parent=self, protect=True),
        )
        return made.id, made.public_ip


def _first(addresses: list[str] | None) -> str:
    """Return the one that there is; none is told of while the instance is being changed."""
    return addresses[0] if addresses else ""
