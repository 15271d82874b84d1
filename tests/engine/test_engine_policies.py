"""A policy pack in Python runs through the language host, in the project's virtual environment."""

import sys

import pytest

pytestmark = pytest.mark.engine

PACK = """
import os
import sys

from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy


def judge(args, report):
    with open(os.environ["PACK_LOG"], "a") as log:
        print(sys.prefix, file=log)
    if args.resource_type == "aws:ec2/vpc:Vpc" and args.props.get("enableDnsHostnames") is not True:
        report("no host names")


PolicyPack("trial", policies=[ResourceValidationPolicy(
    name="host-names", description="x", validate=judge, enforcement_level=EnforcementLevel.MANDATORY)])
"""


@pytest.fixture
def judged(project, tmp_path):
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\nversion: 0.1.0\n")
    (pack / "__main__.py").write_text(PACK)

    def run(program, **extra):
        project.write(program)
        if not list((project.folder / "state").rglob("t.json")):
            project.ok("stack", "init", "t")
        log = str(tmp_path / "pack.log")
        return project.run("preview", "--stack", "t", "--policy-pack", str(pack), PACK_LOG=log, **extra)

    return run


def test_a_violation_fails_and_is_named(judged):
    done = judged('aws.ec2.Vpc("v", cidr_block="10.0.0.0/16", opts=here)')
    assert done.returncode == 1
    assert "host-names" in done.stdout
    assert "no host names" in done.stdout


def test_what_complies_passes(judged):
    done = judged('aws.ec2.Vpc("v", cidr_block="10.0.0.0/16", enable_dns_hostnames=True, opts=here)')
    assert done.returncode == 0, done.stdout


def test_a_pack_without_an_environment_runs_in_the_projects(judged, project, tmp_path):
    """No environment is active, and none named by the pack: that of Pulumi.yaml remains."""
    program = 'aws.ec2.Vpc("v", cidr_block="10.0.0.0/16", enable_dns_hostnames=True, opts=here)'
    written = project.write

    def with_environment(text, **options):
        written(text, **options)
        (project.folder / "Pulumi.yaml").write_text(
            f"name: trial\nruntime:\n  name: python\n  options:\n    virtualenv: {sys.prefix}\n"
        )

    project.write = with_environment
    done = judged(program, VIRTUAL_ENV="")
    assert done.returncode == 0, done.stdout
    assert set((tmp_path / "pack.log").read_text().split()) == {sys.prefix}
