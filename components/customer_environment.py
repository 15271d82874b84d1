"""Everything that one customer has in AWS."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from components.account_baseline import AccountBaseline, AccountBaselineArgs
from components.backup_passphrase import BackupPassphrase, BackupPassphraseArgs
from components.backup_pruning import BackupPruning, BackupPruningArgs
from components.dashboard import Dashboard, DashboardArgs
from components.delivery import Delivery, DeliveryArgs, ServerDelivery
from components.documents import Statement
from components.encryption_key import EncryptionKey, EncryptionKeyArgs
from components.fleet_bucket import FleetBucket, FleetBucketArgs, hub_statements, machine_statements
from components.hub_fragment import HubFragment, HubFragmentArgs
from components.images import image_ids
from components.managed_server import ManagedServer, ManagedServerArgs
from components.network import Network, NetworkArgs
from components.notifications import Notifications, NotificationsArgs
from components.offsite_backup import OffsiteBackup, OffsiteBackupArgs, Writers
from components.peer_addresses import PeerAddresses, PeerAddressesArgs
from components.pins import refuse_what_is_not_there
from components.providers import ProviderArgs, aws_provider
from components.server_access import ServerAccess, ServerAccessArgs
from components.server_alarms import ServerAlarms, ServerAlarmsArgs
from components.server_firewall import ServerFirewall, ServerFirewallArgs
from components.server_logs import ServerLogs, ServerLogsArgs, log_statements
from components.server_role import ServerRoleArgs, role_names
from components.server_secrets import ServerSecrets, ServerSecretsArgs
from components.user_data import user_data
from managed_server.bundle import Bundle
from managed_server.delivery_keys import pointer_key
from managed_server.fragment import build_fragment, fragment_json
from managed_server.spec import CustomerSpec, ServerSpec

RECORD = "trail_bucket"
"""The output that names the bucket of the record of calls."""


@dataclass(frozen=True)
class CustomerEnvironmentArgs:
    """The customer, and the bundle of each server by its name."""

    customer: CustomerSpec
    bundles: Mapping[str, Bundle]
    templates: Path
    has_record: bool = False
    """Whether the stack that stands has a record of calls to its account, which stays."""


class CustomerEnvironment(pulumi.ComponentResource):
    """A customer's environment, in the account, the region and the backup region that the spec names."""

    outputs: dict[str, Any]
    """What an engineer needs to know of it."""

    def __init__(
        self, name: str, args: CustomerEnvironmentArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("managed-server:index:CustomerEnvironment", name, None, opts)
        self._prefix, self._args, self._customer = name, args, args.customer
        customer = args.customer
        self._home_provider = self._aws("aws", customer.account_id, customer.region)
        deliveries = tuple(self._delivery(server) for server in customer.servers)
        refuse_what_is_not_there(customer, deliveries, self._home_provider)
        self._backup_provider = self._aws("aws-backup", customer.backup_account_id, customer.backup_region)
        self._home = pulumi.ResourceOptions(parent=self, providers=[self._home_provider])
        on_aws = tuple(server for server in customer.servers if server.hosting == "aws")

        self._data_key = EncryptionKey(
            f"{name}-data",
            EncryptionKeyArgs(account_id=customer.account_id, description="Servers' disks, and bundles"),
            opts=self._home,
        )
        self._notifications = Notifications(
            f"{name}-alarms",
            NotificationsArgs(
                account_id=customer.account_id,
                region=customer.region,
                page_email=customer.provider.page_email,
                ticket_email=customer.provider.ticket_email,
            ),
            opts=self._home,
        )
        same = customer.backup_account_id == customer.account_id
        self._backup = OffsiteBackup(
            f"{name}-backup",
            OffsiteBackupArgs(
                account_id=customer.backup_account_id,
                region=customer.backup_region,
                writers=None if same else self._writers(),
                bucket=customer.backup_bucket,
                log_bucket=customer.backup_log_bucket,
                lock_days=customer.backup_lock_days,
                versions_days=customer.backup_versions_days,
            ),
            opts=pulumi.ResourceOptions(parent=self, providers=[self._backup_provider], protect=True),
        )
        self._passphrase = BackupPassphrase(
            f"{name}-passphrase",
            BackupPassphraseArgs(
                parameter=customer.passphrase_parameter,
                home=self._home_provider,
                home_key_arn=self._data_key.arn,
                backup=self._backup_provider,
                backup_key_arn=self._backup.key_arn,
            ),
            opts=pulumi.ResourceOptions(parent=self, protect=True),
        )
        BackupPruning(
            f"{name}-pruning",
            BackupPruningArgs(
                role=customer.prune_role,
                account_id=customer.backup_account_id,
                deploy_role=customer.provider.deploy_role,
                backup_region=customer.backup_region,
                bucket=customer.backup_bucket,
                key_arn=self._backup.key_arn,
                passphrase_arn=self._passphrase.copy_arn,
            ),
            # A role is in no region, but in an account.
            opts=self._home
            if same
            else pulumi.ResourceOptions(parent=self, providers=[self._backup_provider]),
        )
        topics = {priority: self._notifications.topics[route] for priority, route in customer.routes}
        AccountBaseline(
            f"{name}-account",
            AccountBaselineArgs(
                customer=customer.id,
                account_id=customer.account_id,
                region=customer.region,
                trail_bucket=customer.trail_bucket,
                baseline=customer.baseline,
                has_record=args.has_record,
                providers={
                    customer.region: self._home_provider,
                    customer.backup_region: self._backup_provider,
                },
                disk_key_arn=self._data_key.arn,
                topics=topics,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        delivery = Delivery(
            f"{name}-delivery",
            DeliveryArgs(
                bucket=customer.delivery_bucket,
                key_arn=self._data_key.arn,
                servers=deliveries,
            ),
            opts=self._home,
        )
        self._fleet = self._fleet_bucket()
        made, on_aws_alone = self._servers(on_aws)
        for server in customer.servers:
            if server.hosting != "aws":
                self._elsewhere(server)
        self._introduce(made, delivery)
        self._publish(made)
        self.outputs = {
            "servers": {
                server.name: self._server_outputs(server, made.get(server.name))
                for server in customer.servers
            },
            "delivery_bucket": delivery.bucket,
            "backup_bucket": self._backup.bucket,
            "topics": self._notifications.topics,
            **({RECORD: customer.trail_bucket} if customer.baseline.trail or args.has_record else {}),
            **on_aws_alone,
        }
        self.register_outputs(self.outputs)

    def _writers(self) -> Writers:
        customer = self._customer
        names = f"role/{role_names(customer.id)}", f"user/{customer.access_user('*')}"
        return Writers(customer.account_id, names)

    def _aws(self, name: str, account_id: str, region: str) -> aws.Provider:
        customer = self._customer
        return aws_provider(
            f"{self._prefix}-{name}",
            ProviderArgs(
                customer=customer.id,
                account_id=account_id,
                region=region,
                deploy_role=customer.provider.deploy_role,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _fleet_bucket(self) -> tuple[pulumi.Resource, ...]:
        """Make the bucket of a hub's own stack; return what must stand before something is put into it."""
        hub = self._customer.runs_hub
        if hub is None:
            return ()
        args = FleetBucketArgs(hub, self._customer.provider.organization)
        return FleetBucket(f"{self._prefix}-fleet", args, opts=self._home).guards

    def _publish(self, made: dict[str, ManagedServer]) -> None:
        """Tell the hub of the servers, in its own account."""
        customer, hub = self._customer, self._customer.hub
        if not customer.servers:  # it leaves: its hub may be no more
            return
        own = customer.runs_hub is not None and customer.runs_hub.id == hub.id
        provider = self._home_provider if own else self._aws("aws-hub", hub.account_id, hub.region)
        for server in customer.servers:
            standing = made.get(server.name)
            HubFragment(
                f"{self._prefix}-{server.name}-hub",
                HubFragmentArgs(
                    bucket=hub.fleet_bucket,
                    customer=customer.id,
                    server=server.name,
                    account_id=customer.account_id,
                    fragment=fragment_json(build_fragment(customer, server)),
                    address={"ipv4": standing.address} if standing else {server.named_by: server.address},
                    after=self._fleet if own else (),
                ),
                opts=pulumi.ResourceOptions(parent=self, providers=[provider]),
            )

    def _rights(self, server: ServerSpec, *more: Statement) -> ServerRoleArgs:
        """What a server may do in AWS, wherever it is hosted, and the secrets of its software."""
        customer = self._customer
        return ServerRoleArgs(
            server=server.name,
            region=customer.region,
            backup_region=customer.backup_region,
            delivery_bucket=customer.delivery_bucket,
            data_key_arn=self._data_key.arn,
            backup_bucket=customer.backup_bucket,
            backup_key_arn=self._backup.key_arn,
            passphrase_arn=self._passphrase.home_arn,
            secret_arns=self._secrets(f"{self._prefix}-{server.name}-secrets", server),
            linked=bool(server.linked),
            namespaces=tuple(sorted({alarm.namespace for alarm in server.alarms if alarm.own})),
            more=(*machine_statements(customer.hub, customer.account_id, server.host_name), *more),
        )

    def _elsewhere(self, server: ServerSpec) -> None:
        customer = self._customer
        ServerAccess(
            f"{self._prefix}-{server.name}-access",
            ServerAccessArgs(
                user=customer.access_user(server.name),
                group=customer.access_group(server.name),
                account_id=customer.account_id,
                role=self._rights(server),
            ),
            opts=self._home,
        )

    def _delivery(self, server: ServerSpec) -> ServerDelivery:
        bundle = self._args.bundles[server.name]
        return ServerDelivery(server.name, bundle.sha256, bundle.content, server.pin)

    def _servers(
        self, servers: tuple[ServerSpec, ...]
    ) -> tuple[dict[str, ManagedServer], dict[str, pulumi.Input[Any]]]:
        """Make the servers on AWS, and what none but they need; return them by name, and outputs."""
        if not servers:
            return {}, {}
        network = Network(
            f"{self._prefix}-network",
            NetworkArgs(
                self._customer.id, self._customer.account_id, self._customer.region, self._customer.network
            ),
            opts=self._home,
        )
        images = image_ids(servers, self._home_provider)
        firewalls = {
            server.name: ServerFirewall(
                f"{self._prefix}-{server.name}-firewall",
                ServerFirewallArgs(server.name, network.vpc_id),
                opts=self._home,
            )
            for server in servers
        }
        groups = {name: firewall.group_id for name, firewall in firewalls.items()}
        for server in servers:
            firewalls[server.name].open(server.rules, groups)
        made = {
            server.name: self._server(server, network, firewalls[server.name], images[server.name])
            for server in servers
        }
        dashboard = Dashboard(
            f"{self._prefix}-dashboard",
            DashboardArgs(
                self._customer.region, tuple((server, made[server.name].instance_id) for server in servers)
            ),
            opts=self._home,
        )
        return made, {"dashboard": dashboard.link}

    def _introduce(self, made: dict[str, ManagedServer], delivery: Delivery) -> None:
        """Tell servers where those are that matter to them."""
        known: dict[str, pulumi.Input[str]] = {
            server.name: made[server.name].private_address if server.name in made else server.private_address
            for server in self._customer.servers
        }
        for server in self._customer.servers:
            if server.linked:
                addresses = {name: known[name] for name in server.linked}
                PeerAddresses(
                    f"{self._prefix}-{server.name}-peers",
                    PeerAddressesArgs(server.name, delivery.bucket, addresses),
                    opts=pulumi.ResourceOptions.merge(
                        self._home, pulumi.ResourceOptions(depends_on=[delivery])
                    ),
                )

    def _server(
        self, server: ServerSpec, network: Network, firewall: ServerFirewall, image_id: pulumi.Output[str]
    ) -> ManagedServer:
        customer, name = self._customer, f"{self._prefix}-{server.name}"
        logs = ServerLogsArgs(server.name, server.cloudwatch.log_group, server.cloudwatch.log_days)
        ServerLogs(f"{name}-logs", logs, opts=self._home)
        hub = customer.runs_hub
        more = [
            *log_statements(customer.region, customer.account_id, server.cloudwatch.log_group),
            *(hub_statements(hub, self._notifications.key_arn) if hub else []),
        ]
        made = ManagedServer(
            name,
            ManagedServerArgs(
                server=server.name,
                instance_type=server.instance_type,
                disk_gb=server.disk_gb,
                data=server.data,
                image_id=image_id,
                user_data=user_data(self._args.templates, customer, server),
                subnet_id=network.subnet_id,
                zone=network.zone,
                group_id=firewall.group_id,
                data_key_arn=self._data_key.arn,
                ipv6=customer.network.ipv6,
                after=(*network.way_out, *firewall.rules),
                role=self._rights(server, *more),
                recorded_address=hub.ipv4 if hub else None,
            ),
            opts=self._home,
        )
        ServerAlarms(
            f"{name}-alarms",
            ServerAlarmsArgs(
                server=server,
                region=customer.region,
                instance_id=made.instance_id,
                topics=self._notifications.topics,
            ),
            opts=self._home,
        )
        return made

    def _secrets(self, name: str, server: ServerSpec) -> tuple[pulumi.Output[str], ...]:
        if not server.secrets:
            return ()
        args = ServerSecretsArgs(server.name, server.secrets, self._data_key.arn)
        return ServerSecrets(name, args, opts=self._home).arns

    def _server_outputs(self, server: ServerSpec, made: ManagedServer | None) -> dict[str, Any]:
        # Besides what an engineer wants to know, what a later stack file is held against
        # (components/standing.py).
        known: dict[str, Any] = {
            "bundle_sha256": self._delivery(server).wanted,
            "pointer": pointer_key(server.name),
            "debian": server.debian,
        }
        if made is None:
            return {**known, "address": server.address}
        return {
            **known,
            "instance_id": made.instance_id,
            "address": made.address,
            **({"ipv6_address": made.ipv6_address} if made.ipv6_address is not None else {}),
            "instance_type": server.instance_type,
            "architecture": server.architecture,
            "disk_gb": server.disk_gb,
            **({"data_gb": server.data.gb} if server.data else {}),
        }
