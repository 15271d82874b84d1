"""The policies and an exception from them, through the real engine: the pack reads the stack file."""

import shutil

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi
import pulumi_aws as aws

from components.providers import ProviderArgs, aws_provider

provider = aws_provider("t", ProviderArgs("t", "123456789012", "eu-west-2", "Deployer"))
aws.kms.Key(
    "key", enable_key_rotation=False, opts=pulumi.ResourceOptions(provider=provider, protect=True))
"""
STACK_FILE = """\
config:
  managed-server:customer:
    exceptions:
      - {control: KMS.4, resource: key, reason: a partner reads it, owner: ops@hosting.example, expires: DAY}
"""


def test_an_exception_holds_and_an_ended_one_says_so(project):
    pack = project.folder / "policies"
    shutil.copytree(ROOT / "policies", pack, ignore=shutil.ignore_patterns("__pycache__"))
    (project.folder / ".venv").symlink_to(ROOT / ".venv")
    stacks = project.folder / "stacks"
    stacks.mkdir()
    project.write(PROGRAM, head="")
    project.ok("stack", "init", "t")
    preview = ("preview", "--stack", "t", "--policy-pack", str(pack))

    refused = project.run(*preview)
    assert refused.returncode == 1
    assert "kms-key-rotated" in refused.stdout
    assert "Key 'key' is never rotated: enableKeyRotation must be true." in refused.stdout

    (stacks / "Pulumi.t.yaml").write_text(STACK_FILE.replace("DAY", "2020-01-31"))
    passed = project.ok(*preview)
    assert "[advisory]" in passed
    assert "policy-exception-ended" in passed
    assert "The exception of 'key' from KMS.4 ended on 2020-01-31 (owner ops@hosting.example:" in passed
