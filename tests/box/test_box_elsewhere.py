"""A plain Debian without instance metadata becomes a managed server by one command, and its key is its own.

Up to a bundle that is verified. What follows from there is the same as on AWS (`tests/box/stacks`).
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.customer_environment import CustomerEnvironment, CustomerEnvironmentArgs
from managed_server.local.aws.client import client
from managed_server.local.box.instances import Machine
from managed_server.proven import load_proven
from tests.box.stacks.fleet import until
from tests.components.conftest import record
from tests.conftest import copy_inputs
from tests.stackfile import FAR, STACK, write_stack

pytestmark = pytest.mark.machine

ENGINEER = "203.0.113.7"
ADDRESS = "198.51.100.20"
USER = "acme-far-access-user"
MADE = ("User", "Group", "GroupPolicy", "UserGroupMembership")


class Far:
    """The customer's server, its account on the local AWS, and an engineer who reaches both."""

    def __init__(self, folder, cloud, session):
        self.root = copy_inputs(folder / "inputs")
        write_stack(self.root, STACK + FAR)
        self.customer, bundles = load_proven(self.root, "acme")
        self.bundle, self.cloud, self.session = bundles["far"], cloud, session
        args = CustomerEnvironmentArgs(self.customer, bundles, self.root / "templates")
        registered = record(lambda: CustomerEnvironment("acme", args).outputs)
        self.s3, self.iam = self.client("s3"), self.client("iam")
        self.provision({r.name: r for r in registered.aws})
        self.ssh_key = folder / "id"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.ssh_key], check=True)
        self.namespace = ""

    def client(self, service):
        return client(self.cloud.local, service, self.customer.account_id, self.customer.region)

    def provision(self, made):
        """Do what a deploy does for this server, with the very documents of the components."""
        bucket = self.customer.delivery_bucket
        self.s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": self.customer.region}
        )
        for resource in made.values():
            inputs = resource.inputs
            if resource.type.endswith(":BucketObjectv2") and inputs["bucket"] == bucket:
                text, file = inputs.get("content"), inputs.get("source")
                body = text.encode() if file is None else Path(file["path"]).read_bytes()
                self.s3.put_object(Bucket=bucket, Key=inputs["key"], Body=body)
        group = made["acme-far-access-group"].inputs["name"]
        self.iam.create_user(UserName=made["acme-far-access-user"].inputs["name"])
        self.iam.create_group(GroupName=group)
        self.iam.add_user_to_group(GroupName=group, UserName=USER)
        rights = made["acme-far-access-rights"].inputs["policy"]
        self.iam.put_group_policy(GroupName=group, PolicyName="server", PolicyDocument=rights)

    def known(self):
        return {key["AccessKeyId"] for key in self.iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]}

    def bootstrap(self, *more):
        """The command as an engineer types it."""
        options = "-F none -o IdentitiesOnly=yes -o StrictHostKeyChecking=accept-new -o BatchMode=yes"
        ssh = f"ip netns exec {self.namespace} ssh {options} -o UserKnownHostsFile={self.ssh_key}.known"
        command = [sys.executable, "-m", "managed_server.cli", "bootstrap", "acme", "far"]
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": self.cloud.local.endpoint,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        }
        return subprocess.run(
            [*command, "--root", self.root, "--ssh", f"{ssh} -i {self.ssh_key}", *more],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=300,
        )  # fmt: skip


@pytest.fixture(scope="module")
def far(tmp_path_factory, cloud, new_session):
    session = new_session()
    made = Far(tmp_path_factory.mktemp("far"), cloud, session)
    customer = made.customer
    addresses = (ADDRESS, "2001:db8:1::20")
    machine = Machine("acme-far", "far", customer.account_id, customer.region, "", 13, addresses, "")
    session.up([machine], hub="", office="", aliases={"mail.hosting.example": "203.0.113.100"})
    made.namespace = session.client("engineer", ENGINEER)
    box = session.box("acme-far")
    box.write("/root/.ssh/authorized_keys", (made.ssh_key.with_suffix(".pub")).read_text(), 0o600)
    made.box = box
    return made


def test_the_machine_is_no_instance(far):
    done = far.box.run(["curl", "-sS", "--max-time", "5", "http://169.254.169.254/latest/meta-data/"])
    assert done.returncode == 7, "couldn't connect: " + done.stderr
    assert far.box.run(["aws", "sts", "get-caller-identity"]).returncode != 0
    assert far.box.run(["test", "-e", "/etc/managed-server"]).returncode == 1, "nobody has told it anything"


def test_what_the_stack_file_says_wrong_changes_nothing(far):
    path = far.root / "stacks/Pulumi.acme.yaml"
    right = path.read_text()
    path.write_text(right.replace("memory_mb: 2048", "memory_mb: 16777216"))
    try:
        done = far.bootstrap()
    finally:
        path.write_text(right)
    assert done.returncode == 1
    assert "MiB of memory, and the stack file says 16777216" in done.stderr
    assert far.known() == set()
    assert far.box.run(["test", "-e", "/etc/managed-server"]).returncode == 1


def test_a_machine_that_nobody_would_ever_patch_is_refused(far):
    """Its provider's image has no archive of security updates: all checks would call it up to date."""
    sources = "$(grep -rl -- -security /etc/apt/sources.list /etc/apt/sources.list.d)"
    far.box.run(f"sed -i.right s/trixie-security/trixie-updates/ {sources}", check=True)
    try:
        done = far.bootstrap()
    finally:
        back = 'for f in $(find /etc/apt -name "*.right"); do mv "$f" "${f%.right}"; done'
        far.box.run(back, check=True)
    assert done.returncode == 1
    assert "apt has no trixie-security among its sources: nothing would ever be patched" in done.stderr
    assert far.known() == set()


def test_one_command_brings_a_verified_bundle_and_a_key_that_is_the_machines_own(far):
    # Name servers that somebody wrote down: systemd-resolved, which comes, would know nothing of them.
    by_hand = "search acme.example\nnameserver 192.0.2.53\nnameserver 127.0.0.1\n"
    far.box.run("systemctl stop systemd-resolved; rm /etc/resolv.conf", check=True)
    far.box.write("/etc/resolv.conf", by_hand)
    done = far.bootstrap()
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"bundle {far.bundle.sha256[:12]} is here and verified" in done.stderr
    # What comes next installs everything; that is for other tests.
    far.box.run("systemctl stop managed-fetch.timer managed-fetch.service; true", timeout=120)
    kept = far.box.read("/etc/systemd/resolved.conf.d/50-bootstrap.conf")
    assert kept.endswith("\n[Resolve]\nDNS=192.0.2.53\nDomains=acme.example\n")
    bundles = far.box.run(["ls", "/var/lib/managed-server/bundles"], check=True).stdout.split()
    assert far.bundle.sha256 in bundles
    [key] = far.known()
    kept = far.box.read("/var/lib/managed-server/access-key/credentials")
    assert f"aws_access_key_id = {key}\n" in kept
    secret = kept.rpartition("= ")[2].strip()
    assert far.box.run(["stat", "-c", "%a %U", "/var/lib/managed-server/access-key"]).stdout == "700 root\n"
    # Neither the key in use nor the one that was handed over is told to anybody, or left anywhere.
    journal = far.box.run(["journalctl", "--no-pager", "-o", "cat"]).stdout
    assert secret not in done.stdout + done.stderr + journal
    assert "aws_secret_access_key" not in done.stdout + done.stderr + journal
    found = far.box.run(["grep", "-rlF", secret, "/etc", "/var/lib", "/var/log", "/root", "/usr/local"])
    assert found.stdout.split() == ["/var/lib/managed-server/access-key/credentials"]


def aws(far, *arguments):
    """The AWS client on the machine, as its own programs call it."""
    script = 'set -a; . /etc/managed-server/identity; set +a; exec aws "$@"'
    return far.box.run(["bash", "-c", script, "aws", *arguments], timeout=60)


def test_the_key_opens_what_is_its_own_and_nothing_else(far):
    bucket = f"s3://{far.customer.delivery_bucket}"
    pointer = json.loads(aws(far, "s3", "cp", f"{bucket}/servers/far/current.json", "-").stdout)
    assert pointer["sha256"] == far.bundle.sha256
    for arguments in (
        ["s3", "cp", f"{bucket}/servers/web1/current.json", "-"],
        ["s3", "cp", "/etc/os-release", f"{bucket}/servers/far/current.json"],
        ["iam", "list-access-keys", "--user-name", "acme-other-access-user"],
        ["iam", "list-users"],
        ["ec2", "describe-instances"],
        ["ssm", "get-parameter", "--name", "/managed-server/acme/web1/redis/password"],
    ):
        refused = aws(far, *arguments)
        assert refused.returncode != 0, arguments
        assert "not authorized" in refused.stderr or "(403)" in refused.stderr, refused.stderr


@pytest.fixture
def owner(far):
    """The machine with a key of its own, also where the tests before didn't run."""
    if not far.known():
        done = far.bootstrap()
        assert done.returncode == 0, done.stdout + done.stderr
        far.box.run("systemctl stop managed-fetch.timer managed-fetch.service; true", timeout=120)
    return far


@pytest.mark.soak
def test_again_it_gets_another_key_and_the_old_one_is_dead(owner):
    [before] = owner.known()
    no = owner.bootstrap()
    assert no.returncode == 1, "nobody said yes"
    assert owner.known() == {before}
    done = owner.bootstrap("--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    owner.box.run("systemctl stop managed-fetch.timer managed-fetch.service; true", timeout=120)
    [after] = owner.known()
    assert after != before
    assert f"= {after}\n" in owner.box.read("/var/lib/managed-server/access-key/credentials")


@pytest.mark.soak
def test_the_machine_looks_after_its_key(owner):
    thiefs = owner.iam.create_access_key(UserName=USER)["AccessKey"]["AccessKeyId"]
    program = "/usr/local/lib/managed-server/access-key"
    owner.box.run([program, "tend", "7"], timeout=120, check=True)
    assert thiefs not in owner.known()
    said = owner.box.read("/var/lib/managed-server/heartbeat/access-key-result")
    assert said.startswith(f"critical key {thiefs} of ")
    [old] = owner.known()
    owner.box.run([program, "tend", "0"], timeout=300, check=True)
    assert len(owner.known()) == 2, "the one before it stays for a while"
    new = next(key for key in owner.known() if key != old)
    assert f"= {new}\n" in owner.box.read("/var/lib/managed-server/access-key/credentials")


@pytest.mark.soak
def test_a_script_for_a_machine_that_only_its_console_reaches(owner, tmp_path):
    path = tmp_path / "far.sh"
    done = owner.bootstrap("--yes", "--script", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert path.stat().st_mode & 0o777 == 0o600
    [handed] = owner.known()
    text = path.read_text()
    assert f"aws_access_key_id = {handed}\n" in text
    again = owner.bootstrap("--yes", "--script", str(path))
    assert again.returncode == 1
    assert "File exists" in again.stderr
    assert owner.box.run(["bash", "-s"], input=text, timeout=300, check=True)
    owner.box.run("systemctl stop managed-fetch.timer managed-fetch.service; true", timeout=120)
    assert until(lambda: handed not in owner.known(), 10, "the key of the script still works")


@pytest.mark.soak
def test_it_boots_without_anybodys_help(owner):
    owner.box.reboot()
    assert owner.box.run(["systemctl", "is-active", "ssh"]).stdout == "active\n"
    assert owner.box.run(["curl", "-sS", "--max-time", "5", "http://169.254.169.254/"]).returncode == 7
    assert owner.box.run(["systemctl", "is-enabled", "managed-fetch.timer"]).stdout == "enabled\n"
