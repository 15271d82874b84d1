"""`make up`, again, plain Pulumi, and what a change shows. In the order of the file: they share one stand."""

import json
import re
import shutil

import pytest

from managed_server.resolve import load_customer
from tests.e2e.support import UP
from tests.stackfile import FAR, STACK, write_stack

pytestmark = pytest.mark.engine


def test_first_up_says_what_stands_where(stand, first_up):
    customer = load_customer(stand.path, "example")
    for said in (customer.backup_bucket, customer.delivery_bucket, "web1"):
        assert said in first_up.stdout
    assert "managed-server" in first_up.stdout, "the policies ran"
    assert stand.wait_for_no_process() == []


def test_second_up_changes_nothing(stand):
    done = stand.managed("local", "up", "example")
    assert done.returncode == 0, done.stderr
    changes = re.findall(r"^\s+[+~-]+ \d+ (?:created|updated|deleted|replaced)", done.stdout, re.MULTILINE)
    assert changes == []
    assert re.search(r"\d+ unchanged", done.stdout)


@pytest.mark.soak  # in each run after a killed up has been finished, in test_zz_end.py
def test_plain_preview_expects_no_changes(stand):
    done = stand.pulumi("preview", "--expect-no-changes", "--policy-pack", "policies")
    assert done.returncode == 0, done.stdout + done.stderr


def test_refresh_finds_no_drift(stand):
    """Twice: a difference that only the second refresh reports was a fault of the engine once."""
    for _ in range(2):
        done = stand.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
        assert done.returncode == 0, done.stdout + done.stderr


def planned(stand):
    """What a preview would do, as (operation, type, name)."""
    done = stand.pulumi("preview", "--json", "--policy-pack", "policies")
    assert done.returncode == 0, done.stdout + done.stderr
    plan = json.loads(done.stdout[done.stdout.index("{") :])
    found = []
    for step in plan["steps"]:
        if step["op"] not in ("same", "read", "refresh"):
            kind, _, name = step["urn"].rpartition("::")
            found.append((step["op"], kind.rpartition("$")[2].rpartition("::")[2], name))
    return sorted(found)


def test_a_template_changes_the_bundle_and_its_pointer_and_nothing_else(stand):
    template = next((stand.path / "templates" / "nginx").rglob("nginx.conf.j2"))
    kept = template.with_suffix(".kept")
    shutil.copy(template, kept)
    try:
        template.write_text(template.read_text() + "# one more line\n")
        found = planned(stand)
    finally:
        kept.replace(template)
    operations = [(operation, kind) for operation, kind, _ in found]
    assert operations == [
        ("create", "aws:s3/bucketObjectv2:BucketObjectv2"),
        ("delete", "aws:s3/bucketObjectv2:BucketObjectv2"),
        ("update", "aws:s3/bucketObjectv2:BucketObjectv2"),
    ], found
    created, deleted, updated = (name for _, _, name in found)
    assert created != deleted
    assert "bundle" in created
    assert "bundle" in deleted
    assert "pointer" in updated


def things(stand):
    """URN and id of all that the state has; secrets are encrypted anew by every run."""
    return {(each["urn"], each.get("id")) for each in stand.deployment()["resources"]}


def other_stack_file(stand, *changes):
    """Change the example's stack file; return how it was."""
    path = stand.path / "stacks" / "Pulumi.example.yaml"
    text = good = path.read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    path.write_text(text)
    return path, good


def test_a_bigger_disk_another_size_and_a_newer_image_keep_the_machine_and_software_opens_its_rules(stand):
    """All in one preview: of the machine it shows one update, which replaces nothing."""
    before = {rule.key for rule in load_customer(stand.path, "example").server("web1").rules}
    debian = stand.path / "catalogue" / "debian.yaml"
    images = debian.read_text()
    path, good = other_stack_file(
        stand,
        ("disk_gb: 80", "disk_gb: 100"),
        ("instance_type: t3.large", "instance_type: t3.xlarge"),
        ("percona]", "percona, openvpn]"),
    )
    try:
        # As if another one were the newest: what the look-up answers differs.
        debian.write_text(images.replace("debian-13-{architecture}", "debian-12-{architecture}"))
        assert debian.read_text() != images
        opened = {rule.key for rule in load_customer(stand.path, "example").server("web1").rules} - before
        found = planned(stand)
    finally:
        path.write_text(good)
        debian.write_text(images)
    assert [step for step in found if step[1].startswith("aws:ec2/") and "instance" in step[1]] == [
        ("update", "aws:ec2/instance:Instance", "example-web1-instance")
    ]
    assert {step[0] for step in found if "replace" in step[0]} == set()
    rules = {name for operation, kind, name in found if "SecurityGroup" in kind and operation == "create"}
    assert rules == {f"example-web1-firewall-{key}" for key in opened}
    assert any(key.startswith("in-udp-1194") for key in opened), opened


def test_a_renamed_server_is_refused_with_what_to_do(stand):
    before = things(stand)
    path, good = other_stack_file(stand, ("      web1:", "      www1:"))
    try:
        done = stand.pulumi(*UP, "--yes")
    finally:
        path.write_text(good)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "servers.web1: stands, and the stack file has it no more. A server isn't renamed" in said
    assert "write `retire: true` for web1" in said
    assert things(stand) == before


def pinned(stand, sha256):
    return other_stack_file(stand, ("disk_gb: 80\n", f'disk_gb: 80\n        pin: "{sha256}"\n'))


def test_a_pin_goes_back_to_a_bundle_that_was_delivered(stand):
    """A changed template is delivered beside it, and the pointer doesn't move."""
    outputs = json.loads(stand.pulumi("stack", "output", "--json").stdout)
    path, good = pinned(stand, outputs["servers"]["web1"]["bundle_sha256"])
    template = next((stand.path / "templates" / "nginx").rglob("nginx.conf.j2"))
    kept = template.read_text()
    try:
        template.write_text(kept + "# one more line\n")
        found = planned(stand)
    finally:
        path.write_text(good)
        template.write_text(kept)
    assert [operation for operation, _, _ in found] == ["create", "delete"], found
    assert all("-web1-bundle-" in name for _, _, name in found)


def test_a_pin_to_what_was_never_delivered_is_refused(stand):
    before = things(stand)
    path, good = pinned(stand, "a" * 64)
    try:
        shown = stand.pulumi("preview", "--policy-pack", "policies")
        done = stand.pulumi(*UP, "--yes")
    finally:
        path.write_text(good)
    assert things(stand) == before
    new = write_stack(stand.path, STACK.replace("disk_gb: 80\n", f'disk_gb: 80\n        pin: "{"b" * 64}"\n'))
    try:
        unmade = stand.managed("local", "preview", "acme")
    finally:
        new.unlink()
    for refused in (shown, done, unmade):
        assert refused.returncode != 0
        said = refused.stdout + refused.stderr
        assert "servers.web1.pin: no such bundle was ever delivered: there is no bundles/web1/" in said
        assert "Traceback" not in said


def test_bad_input_creates_nothing_through_plain_pulumi(stand):
    path = stand.path / "stacks" / "Pulumi.example.yaml"
    good = path.read_text()
    before = stand.checkpoint.read_text()
    try:
        path.write_text(good.replace("nginx", "ngnix", 1))
        managed = stand.managed("local", "up", "example")
        plain = stand.pulumi("up", "--yes", "--policy-pack", "policies")
    finally:
        path.write_text(good)
    assert managed.returncode == 2
    assert plain.returncode not in (0, 2)
    text = "unknown software 'ngnix'; did you mean nginx?"
    assert text in managed.stderr
    assert text in plain.stdout + plain.stderr
    assert "Traceback" not in plain.stdout + plain.stderr
    now, then = json.loads(stand.checkpoint.read_text()), json.loads(before)
    assert now["checkpoint"]["latest"]["resources"] == then["checkpoint"]["latest"]["resources"]


PEERS = """\
      db1:
        instance_type: t3.large
        disk_gb: 80
        software: [redis]
        peers: [web1]
"""
FAR_PEERS = FAR.replace("software: [nginx, php]", "software: [redis]\n        peers: [near]").replace(
    "disk_gb", "private_address: 10.1.2.3\n        disk_gb"
)
NEAR = FAR_PEERS.replace("far:", "near:").replace("198.51.100.20", "near.acme.example")
NEAR = NEAR.replace("10.1.2.3", "10.1.2.4").replace("        peers: [near]\n", "")


def test_two_servers_and_a_secret_pass_the_policies(stand):
    """What the example hasn't: rules by group, peers, a password of software, servers elsewhere."""
    path = write_stack(stand.path, STACK + PEERS + FAR_PEERS + NEAR)
    try:
        done = stand.managed("local", "preview", "acme")
    finally:
        path.unlink()
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "acme-db1-secrets-redis-password" in done.stdout
    assert "acme-db1-firewall-in-tcp-6379-server-web1" in done.stdout
    assert "acme-web1-peers-addresses" in done.stdout
    for name in ("access-user", "access-rights", "hub-fragment", "peers-addresses", "secrets-redis-password"):
        assert f"acme-far-{name}" in done.stdout
    assert "acme-far-instance" not in done.stdout
    assert "mandatory" not in done.stdout


def test_destroy_refuses_and_names_what_is_protected(stand):
    done = stand.pulumi("destroy", "--yes")
    assert done.returncode != 0
    said = done.stdout + done.stderr
    protected = [r for r in stand.deployment()["resources"] if r.get("protect")]
    assert protected
    assert "protected" in said
    assert any(
        resource["urn"] in said or resource["urn"].rpartition("::")[2] in said for resource in protected
    )
