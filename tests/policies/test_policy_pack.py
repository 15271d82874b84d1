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
from rules import ALL
from table import BEGIN, END, markdown

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
    allowed = {"pulumi_policy", "rules"} | set(sys.stdlib_module_names)
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


def test_the_table_in_the_readme_is_current() -> None:
    text = (PACK / "README.md").read_text()
    shown = text.partition(BEGIN)[2].partition(END)[0]
    assert shown.strip() == markdown(ALL).strip(), "run: python policies/table.py"


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
    assert [one.name for one in info.policies] == [policy.name for policy in ALL]
    assert {one.enforcementLevel for one in info.policies} == {proto.MANDATORY}


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
        )
    }
