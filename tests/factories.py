"""Specs built by hand, so that tests of components need neither the catalogue nor a stack file."""

import dataclasses
import datetime
import hashlib

from managed_server import spec
from managed_server.bundle import Bundle
from managed_server.model.cloudwatch import Agent, Paging
from managed_server.model.contract import Priority

ACCOUNT = "123456789012"
LOCK_DAYS = 35
HUB_V4, HUB_V6 = "198.51.100.10", "2001:db8:200::10"
HUB = spec.Hub("hub", HUB_V4, HUB_V6, "210987654321", "eu-west-2")


def rule(direction="in", protocol="tcp", port=443, network="0.0.0.0/0", purpose="web") -> spec.Rule:
    return spec.Rule(direction, protocol, port, network, purpose, ("nginx",))


GIVEN_NETWORK = spec.Network("vpc-0123456789abcdef0", "subnet-0123456789abcdef0", ipv6=False)
NO_BASELINE = spec.Baseline(
    (), (), (), public_access_block=False, password_policy=False, trail=False, alarms=()
)
BASELINE = spec.Baseline(
    *[("eu-west-1", "eu-west-2")] * 3,
    public_access_block=True,
    password_policy=True,
    trail=True,
    alarms=(
        spec.AccountAlarm(
            "route-changes", "{($.eventName=CreateRoute)}", 1, 300, Priority.NORMAL, "account", "x"
        ),
        spec.AccountAlarm("root-used", '{$.userIdentity.type="Root"}', 1, 300, Priority.HIGH, "account", "y"),
    ),
)

RULES = (
    rule(port=80),
    rule(port=443),
    rule(port=443, network="::/0"),
    rule(port=22, network="203.0.113.0/28", purpose="administration"),
    rule(port=5666, network=f"{HUB_V4}/32", purpose="checks: the hub's NRPE"),
    rule(port=5666, network=f"{HUB_V6}/128", purpose="checks: the hub's NRPE"),
    rule("out", port=443, purpose="packages"),
    rule("out", "udp", 53, purpose="names"),
)


def alarm(alarm_id="cpu", priority=Priority.HIGH, ec2_action=None, **changes) -> spec.Alarm:
    made = spec.Alarm(
        id=alarm_id,
        metric="CPUUtilization",
        share_of=None,
        namespace="AWS/EC2",
        dimensions=(),
        statistic="Average",
        comparison="GreaterThanThreshold",
        threshold=80,
        period_s=300,
        evaluate=3,
        breaching=2,
        missing="missing",
        priority=priority,
        wakes="server" if priority in (Priority.URGENT, Priority.HIGH) else "nobody",
        delay_s=0,
        ec2_action=ec2_action,
        runbook="cpu",
        description="All CPUs are busy",
    )
    return dataclasses.replace(made, **changes)


ALARMS = (
    alarm(),
    alarm("credits", Priority.NORMAL, metric="CPUCreditBalance", comparison="LessThanThreshold"),
    alarm("status-system", Priority.URGENT, "recover", metric="StatusCheckFailed_System", threshold=1),
)


CLOUDWATCH = spec.CloudWatch(
    agent=Agent(
        namespace="CWAgent",
        interval_s=60,
        delay_s=60,
        paths=("/",),
        ignored_file_systems=("tmpfs",),
        dimensions=(("InstanceId",), ("InstanceId", "path")),
        figures={"disk_used_percent": {"plugin": "disk", "measurement": "used_percent", "tags": ("path",)}},
        source="the tests",
    ),
    processes=("nginx",),
    log_group="/managed-server/acme/servers/web1",
    logs=("/var/log/auth.log",),
    log_days=90,
    heartbeat_namespace="ManagedServer/Heartbeat",
    heartbeats=(),
    paging=Paging(
        runbook="paging",
        lead_s=180,
        wait_s=60,
        extension_s=120,
        clock_metric="CPUUtilization",
        source="the tests",
    ),
    quiet=("HOUR(clock)", "IF(minute>=3,1,0)"),
)
ENTRY = spec.EntrySpec(
    "nginx", "nginx", software=True, outside=None, installable=True, facts={}, packages=(), fulfils=()
)
CHECK = spec.Check(
    origin="nginx",
    name="nginx-status",
    nrpe_command="check_nginx_status",
    command="/bin/true",
    description="nginx: the status page answers",
    priority=Priority.URGENT,
    objective_minutes=15,
    runbook="web",
    interval_s=60,
    retry_s=15,
    attempts=3,
    renotify_s=900,
    timeout_s=15,
    counts="state",
    in_sla=True,
)


DATA = spec.DataVolume(
    gb=50,
    device="/dev/sdf",
    path="/srv/data",
    unit="srv-data.mount",
    sources="/srv/data/software",
    mounts=(
        spec.DataMount(
            "var-lib-redis.mount", "/var/lib/redis", "/srv/data/software/var/lib/redis", "", "0755"
        ),
    ),
    users=(spec.DataUser("redis-server.service", ("/var/lib/redis",)),),
)


def server(name="web1", **changes) -> spec.ServerSpec:
    made = spec.ServerSpec(
        name=name,
        host_name=f"acme-{name}",
        hosting="aws",
        instance_type="t3.large",
        address="",
        private_address="",
        vcpus=2,
        memory_mb=8192,
        architecture="amd64",
        burstable=True,
        disk_gb=80,
        data=None,
        debian=13,
        codename="trixie",
        image_owner="136693071363",
        image_name="debian-13-amd64-*",
        root_device="/dev/xvda",
        software=("nginx",),
        entries=(ENTRY,),
        memory=(),
        sites=(),
        unsupported_packages=(),
        maintenance=spec.Maintenance("sunday", "03:00", "if-needed"),
        pin=None,
        resize=None,
        **dict.fromkeys(
            (
                *("packages", "vendor_packages", "units", "processes", "listens", "files", "directories"),
                *("links", "removed", "timers", "munin", "logs"),
                *("integrity_watch", "integrity_ignore", "antivirus_exclude"),
                *("backup_paths", "backup_exclude", "setup", "apt_sources", "dumps", "users", "groups"),
                *("peers", "reaches", "behind", "forwarders", "secrets"),
            ),
            (),
        ),
        rules=RULES,
        checks=(CHECK,),
        alarms=ALARMS,
        cloudwatch=CLOUDWATCH,
    )
    return dataclasses.replace(made, **changes)


def customer(*servers: spec.ServerSpec, customer_id="acme", **changes) -> spec.CustomerSpec:
    made = spec.CustomerSpec(
        id=customer_id,
        name="Acme Widgets Ltd",
        stack_file=f"stacks/Pulumi.{customer_id}.yaml",
        contract_start=datetime.date(2026, 12, 1),
        term_months=12,
        objectives=((Priority.URGENT, 15), (Priority.HIGH, 60), (Priority.NORMAL, 480), (Priority.LOW, None)),
        responses=(
            spec.Response(Priority.URGENT, 15, None, phone=True),
            spec.Response(Priority.HIGH, 60, None, phone=True),
            spec.Response(Priority.NORMAL, None, 1, phone=True),
            spec.Response(Priority.LOW, None, None, phone=False),
        ),
        routes=(
            *((Priority.URGENT, "page"), (Priority.HIGH, "page")),
            *((Priority.NORMAL, "ticket"), (Priority.LOW, "ticket")),
        ),
        provider=spec.Provider(
            name="Example Hosting",
            support_email="support@hosting.example",
            support_phone="+44 20 7946 0000",
            support_portal="https://support.hosting.example",
            page_email="page@hosting.example",
            ticket_email="ticket@hosting.example",
            mail_relay="mail.hosting.example",
            organization="o-exampleorg1",
            networks=("203.0.113.0/28",),
            deploy_role="Deployer",
        ),
        hub=HUB,
        backup_lock_days=LOCK_DAYS,
        backup_versions_days=42,
        runs_hub=None,
        account_id=ACCOUNT,
        region="eu-west-2",
        backup_account_id=changes.get("account_id", ACCOUNT),
        backup_region="eu-west-1",
        network=spec.Network(vpc_id=None, subnet_id=None, ipv6=False),
        baseline=NO_BASELINE,
        contacts=(spec.Contact("Alice", "alice@acme.example", None),),
        admin_networks=("203.0.113.0/28",),
        users=(),
        exceptions=(),
        servers=servers or (server(),),
        window_minutes=60,
        retiring=(),
        retires=False,
    )
    return dataclasses.replace(made, **changes)


def bundle(name="web1", content=b"first") -> Bundle:
    return Bundle(name, hashlib.sha256(content).hexdigest(), content, {}, ())
