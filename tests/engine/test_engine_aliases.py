"""A resource that moves to another component, by an alias, stays as it is in AWS."""

import json

import pytest

pytestmark = pytest.mark.engine

# As the components of this project are: type tokens of classes, children with parent=self alone.
BEFORE = """
class Network(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("managed-server:index:Network", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        vpc = aws.ec2.Vpc(f"{name}-vpc", cidr_block="10.0.0.0/20", opts=child)
        aws.ec2.SecurityGroup(f"{name}-group", vpc_id=vpc.id, description="kept", opts=child)
        self.register_outputs({})


Network("net", opts=pulumi.ResourceOptions(providers=[provider]))
"""
AFTER = """
class Network(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("managed-server:index:Network", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.vpc = aws.ec2.Vpc(f"{name}-vpc", cidr_block="10.0.0.0/20", opts=child)
        self.register_outputs({})


class Firewall(pulumi.ComponentResource):
    def __init__(self, name, network, opts=None):
        super().__init__("managed-server:index:Firewall", name, None, opts)
        aws.ec2.SecurityGroup(
            f"{name}-group", vpc_id=network.vpc.id, description="kept",
            opts=pulumi.ResourceOptions(parent=self, ALIASES))
        self.register_outputs({})


network = Network("net", opts=pulumi.ResourceOptions(providers=[provider]))
Firewall("wall", network, opts=pulumi.ResourceOptions(providers=[provider]))
"""
ALIAS = 'aliases=[pulumi.Alias(name="net-group", parent=network)]'


def _steps(project):
    """What a preview would change of AWS resources, as (operation, name)."""
    printed = project.ok("preview", "--json", "--stack", "t")
    plan = json.loads(printed[printed.index("{") :])
    return sorted(
        (step["op"], step["urn"].rpartition("::")[2])
        for step in plan["steps"]
        if "aws:ec2/" in step["urn"].rpartition("::")[0].rpartition("$")[2] and step["op"] != "same"
    )


def _group_id(project):
    resources = json.loads(project.state())["checkpoint"]["latest"]["resources"]
    (group,) = (one for one in resources if one["type"] == "aws:ec2/securityGroup:SecurityGroup")
    return group["id"], group["urn"]


def test_a_moved_resource_with_an_alias_is_neither_replaced_nor_deleted(project):
    assert project.write(BEFORE).up().returncode == 0
    kept, old = _group_id(project)

    project.write(AFTER.replace("ALIASES", ""))
    assert _steps(project) == [("create", "wall-group"), ("delete", "net-group")]

    project.write(AFTER.replace("ALIASES", ALIAS))
    assert _steps(project) == []
    assert project.up().returncode == 0
    now, new = _group_id(project)
    assert now == kept
    assert new != old
    assert "Firewall$aws:ec2/securityGroup" in new
