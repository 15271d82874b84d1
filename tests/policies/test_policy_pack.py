"""The pack as a whole: complete metadata, nothing of the project imported, and a process that answers."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from google.protobuf import empty_pb2
from policy_judge import analyze_request, stack_request
from policy_things import BACKUP, INSTANCE, RULE, STACK
from pulumi.runtime import proto
from pulumi.runtime.proto import analyzer_pb2_grpc
from pulumi_policy import EnforcementLevel, ResourceValidationPolicy, Severity, StackValidationPolicy
from rules import ALL, POLICIES
from table import begin, end, left_out, listed, markdown, short_type

PACK = Path(__file__).parents[2] / "policies"


@pytest.mark.parametrize("policy", ALL, ids=lambda policy: policy.name)
def test_metadata_is_complete(policy: Any) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+){2,}", policy.name)
    assert policy.enforcement_level is EnforcementLevel.MANDATORY
    assert isinstance(policy.severity, Severity)
    assert policy.description.endswith(".")
    assert " must " in policy.description
    assert policy.remediation_steps.endswith(".")
    assert policy.url.startswith("https://")
    assert policy.framework.name
    assert policy.framework.reference
    assert isinstance(policy, ResourceValidationPolicy | StackValidationPolicy)


def test_names_are_unique() -> None:
    assert len({policy.name for policy in ALL}) == len(ALL)


def test_every_setting_has_a_default_and_a_description() -> None:
    schemas = [policy.config_schema for policy in ALL if policy.config_schema]
    assert schemas
    for schema in schemas:
        for name, entry in schema.properties.items():
            assert {"type", "default", "description"} <= set(entry), name


def test_the_pack_imports_nothing_of_the_project() -> None:
    allowed = {"pulumi", "pulumi_policy", "rules", "yaml"} | set(sys.stdlib_module_names)
    for path in PACK.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [str(node.module)]
            assert {name.split(".")[0] for name in names} <= allowed, path


def test_the_pack_runs_in_the_environment_of_the_project() -> None:
    described = yaml.safe_load((PACK / "PulumiPolicy.yaml").read_text())
    assert described["runtime"]["name"] == "python"
    # Resolved against the pack's folder by the language host.
    environment = (PACK / described["runtime"]["options"]["virtualenv"]).resolve()
    assert environment == PACK.parent / ".venv"


@pytest.mark.parametrize(("table", "made"), [("rules", markdown(ALL)), ("left-out", left_out())])
def test_the_tables_in_the_readme_are_current(table: str, made: str) -> None:
    text = (PACK / "README.md").read_text()
    shown = text.partition(begin(table))[2].partition(end(table))[0]
    assert shown.strip() == made.strip(), "run: python policies/table.py"


def test_the_list_of_rules_is_current() -> None:
    assert (PACK / "rules.yaml").read_text() == listed(), "run: python policies/table.py"


def test_no_control_is_both_judged_and_left_out() -> None:
    data = yaml.safe_load((PACK / "left-out.yaml").read_text())
    left = [control for one in data for control in _controls(one["control"])]
    assert len(set(left)) == len(left)
    judged = {control for policy in ALL for control in policy.source.controls}
    assert not judged & set(left)
    assert all(one["asks"] and one["why"] for one in data)


def _controls(text: str) -> list[str]:
    """Of "EC2.10, EC2.55 to EC2.58" or "CloudWatch.3, .4" each by itself."""
    found: list[str] = []
    for part in text.split(", "):
        first, _, last = part.partition(" to ")
        service, _, number = first.partition(".")
        service = service or found[-1].partition(".")[0]
        until = int(last.partition(".")[2] or number)
        found += [f"{service}.{each}" for each in range(int(number), until + 1)]
    return found


def test_every_type_that_a_stack_makes_is_judged_or_has_nothing_to_judge() -> None:
    """A new type of resource is looked at by somebody: a rule for it, or a line here."""
    table = yaml.safe_load((PACK.parent / "contract" / "aws-resources.yaml").read_text())
    made = {
        kind
        for groups in table["components"].values()
        for named in groups.values()
        for kind in named.values()
    }
    judged = {short_type(kind) for policy in ALL for kind in policy.types if kind.startswith("aws:")} - {"*"}
    judged |= PARTS
    assert made - judged == NOTHING_TO_JUDGE & made


# What rules on the stack look at beside the resource in which they find fault.
PARTS = {
    "s3.BucketVersioning",
    "s3.BucketServerSideEncryptionConfiguration",
    "s3.BucketObjectLockConfiguration",
    "s3.BucketLogging",
    "ec2.FlowLog",
    "iam.InstanceProfile",
    "iam.User",
}
NOTHING_TO_JUDGE = {
    "cloudwatch.Dashboard",
    "ebs.DefaultKmsKey",
    "ec2.Eip",
    "ec2.EipAssociation",
    "ec2.InternetGateway",
    "ec2.Route",
    "ec2.RouteTable",
    "ec2.RouteTableAssociation",
    "ec2.VolumeAttachment",
    "iam.Group",
    "iam.UserGroupMembership",
    "kms.Alias",
    "sns.TopicSubscription",
    "vpc.SecurityGroupEgressRule",
}


@pytest.fixture(scope="module")
def analyzer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The pack as a process of its own, started as a language host does, from another folder."""
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:0", str(PACK)]
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=elsewhere) as process:
        assert process.stdout is not None
        port = process.stdout.readline().decode().strip()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
        process.kill()


def test_the_process_offers_every_rule_as_mandatory(analyzer: Any) -> None:
    info = analyzer.GetAnalyzerInfo(empty_pb2.Empty())
    levels = {one.name: one.enforcementLevel for one in info.policies}
    assert list(levels) == [policy.name for policy in POLICIES]
    assert levels == {policy.name: proto.MANDATORY for policy in ALL} | {
        "policy-exception-ended": proto.ADVISORY
    }


def test_the_process_refuses_and_accepts(analyzer: Any) -> None:
    refused = analyzer.Analyze(analyze_request(RULE.having("cidrIpv4", "0.0.0.0/0"))).diagnostics
    assert [one.policyName for one in refused] == [
        "ec2-security-group-no-world-admin-port",
        "ec2-security-group-world-ports-listed",
    ]
    for thing in STACK:
        assert list(analyzer.Analyze(analyze_request(thing)).diagnostics) == []
    assert list(analyzer.AnalyzeStack(stack_request(*STACK)).diagnostics) == []
    bare = analyzer.AnalyzeStack(stack_request(BACKUP, INSTANCE)).diagnostics
    assert {(one.policyName, one.urn) for one in bare} == {
        (f"s3-{name}", BACKUP.urn)
        for name in (
            "bucket-public-access-blocked",
            "bucket-policy-present",
            "backup-bucket-versioned",
            "backup-bucket-locked",
            "backup-bucket-encrypted",
            "backup-bucket-lifecycle",
            "bucket-acl-disabled",
            "bucket-access-logged",
        )
    } | {("ec2-instance-session-manager", INSTANCE.urn)}
