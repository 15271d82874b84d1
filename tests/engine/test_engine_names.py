"""The names of the local provider are those of pulumi_aws, for every type that it maps."""

import json
from pathlib import Path

import pytest

from tests.engine import names

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def local_names():
    return names.local_names()


@pytest.fixture(scope="module")
def found(local_names):
    return names.as_json(names.differences(local_names))


def test_what_only_one_has_is_what_the_file_allows(found):
    allowed = json.loads(names.ALLOWED.read_text())
    assert found == allowed, "run `python -m tests.engine.names`, and review what changed"


def test_nothing_else_differs(found):
    """No list is a single value on the other side, nothing nested is flat, no policy must be JSON text."""
    kinds = {kind for kinds in found.values() for kind in kinds}
    assert kinds <= {names.AWS_ONLY, names.LOCAL_ONLY}


@pytest.mark.parametrize(
    ("cure", "kind"), [("names", "list here, not there"), ("documents", "document there, not here")]
)
def test_without_the_cure_something_differs(cure, kind):
    found = names.as_json(names.differences(names.local_names(cure)))
    assert kind in {kind for kinds in found.values() for kind in kinds}


def test_nothing_that_must_be_given_is_only_local(local_names):
    """What only the local provider has is computed, deprecated, or Terraform's own."""
    allowed = json.loads(names.ALLOWED.read_text())
    local_only = {
        (where, name)
        for where, kinds in allowed.items()
        for name in kinds.get(names.LOCAL_ONLY, [])
        if name not in {"id", "timeouts"} and where != "provider.endpoints"
    }
    assert local_only == {
        ("aws:ec2/eip:Eip", "vpc"),
        ("aws:ec2/flowLog:FlowLog", "logGroupName"),
        ("aws:ec2/instance:Instance", "cpuCoreCount"),
        ("aws:ec2/instance:Instance", "cpuThreadsPerCore"),
    }
    assert len(local_names["resources"]) >= 55


@pytest.mark.parametrize(
    ("token", "path", "key", "value"),
    [
        ("aws:ec2/securityGroup:SecurityGroup", ["ingress"], "list", False),
        ("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", ["rules"], "list", False),
        ("aws:iam/role:Role", ["assumeRolePolicy"], "document", False),
    ],
)
def test_the_comparison_sees_a_difference(local_names, found, token, path, key, value):
    changed = json.loads(json.dumps(local_names))
    place = changed["resources"][token]
    for name in path:
        assert place[name][key] is not value
        place[name][key] = value
    assert names.as_json(names.differences(changed)) != found


def test_the_comparison_sees_a_missing_and_an_extra_name(local_names, found):
    for change in (lambda vpc: vpc.pop("cidrBlock"), lambda vpc: vpc.update(cidr=vpc["cidrBlock"])):
        changed = json.loads(json.dumps(local_names))
        change(changed["resources"]["aws:ec2/vpc:Vpc"])
        assert names.as_json(names.differences(changed)) != found


def test_every_type_that_components_use_is_mapped(local_names):
    """So that a component can't be written for a type that the local engine lacks."""
    used = names.used_types(ROOT / "components")
    mapped = {names.python_name(token) for kind in ("resources", "functions") for token in local_names[kind]}
    assert used <= mapped, f"add to engine/aws-provider/table.go: {sorted(used - mapped)}"


def test_use_of_types_is_seen(tmp_path):
    (tmp_path / "some.py").write_text(
        "import pulumi_aws as aws\nfrom pulumi_aws import ec2\nimport pulumi_aws\n"
        "aws.s3.Bucket('b', aws.s3.BucketArgs())\nec2.Vpc('v')\npulumi_aws.get_region()\n"
        "aws.Provider('p')\nargs: aws.ec2.InstanceRootBlockDeviceArgs\n"
    )
    assert names.used_types(tmp_path) == {"s3.Bucket", "ec2.Vpc", "get_region"}
