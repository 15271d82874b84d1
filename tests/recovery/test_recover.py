"""The whole of a recovery, with a program in Pulumi's place that keeps a state file and logs its calls."""

import json
import os
import sys
import textwrap

import pytest

from managed_server import recovery, recovery_finders
from managed_server.recovery import RecoveryError
from managed_server.recovery_finders import FINDERS, LookUpError
from tests.recovery.support import urn

STACK = {"urn": urn("pulumi:pulumi:Stack", "managed-server-acme"), "type": "pulumi:pulumi:Stack"}
COMPONENT_TYPE = "managed-server:index:Network"
COMPONENT = {"urn": urn(COMPONENT_TYPE, "net"), "type": COMPONENT_TYPE, "parent": STACK["urn"]}
PROVIDER = {
    "urn": urn("pulumi:providers:aws", "acme-aws"),
    "type": "pulumi:providers:aws",
    "custom": True,
    "id": "b679",
    "inputs": {"region": "eu-west-2"},
}
VPC, TABLE, ALARM = (
    "aws:ec2/vpc:Vpc",
    "aws:ec2/routeTable:RouteTable",
    "aws:cloudwatch/metricAlarm:MetricAlarm",
)
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}

FAKE = """
    import json, os, pathlib, signal, sys
    folder = pathlib.Path(os.environ["FAKE"])
    args = sys.argv[1:]
    with (folder / "calls").open("a") as log:
        log.write(json.dumps(args) + "\\n")
    state = folder / "state.json"
    if args[:2] == ["stack", "export"]:
        print(state.read_text())
    elif args[:2] == ["stack", "import"]:
        state.write_text(pathlib.Path(args[args.index("--file") + 1]).read_text())
    elif args[0] == "refresh":
        if (folder / "die").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        targets = [args[i + 1] for i, a in enumerate(args) if a == "--target"]
        whole = json.loads(state.read_text())
        for resource in whole["deployment"]["resources"]:
            if resource["urn"] in targets and not resource.get("delete"):
                resource["outputs"] = {"id": resource["id"], "read": True}
                resource["inputs"] = {"read": "less than was asked for"}
        state.write_text(json.dumps(whole))
    else:
        sys.exit(f"unexpected: {args}")
"""


def resource(kind, name, **more):
    """A custom resource as Pulumi records it."""
    made = {"urn": urn(kind, name, COMPONENT_TYPE), "type": kind, "custom": True, "inputs": {"asked": name}}
    return {**made, "parent": COMPONENT["urn"], "provider": f"{PROVIDER['urn']}::{PROVIDER['id']}", **more}


class Stand:
    """A state, and an AWS in which things stand by the names of resources."""

    def __init__(self, folder):
        self.folder = folder
        self.environ = {**os.environ, "FAKE": str(folder), "PATH": f"{folder}:{os.environ['PATH']}"}
        self.environ.pop("PULUMI_BACKEND_URL", None)
        self.aws: dict[str, list[str]] = {}
        self.finished: list[str] = []
        self.said: list[str] = []

    def save(self, *resources, pending=(), base=(STACK, COMPONENT, PROVIDER)):
        operations = [
            p if "resource" in p else {"type": "creating", "resource": p}
            for p in json.loads(json.dumps(pending))
        ]
        deployment = {"resources": [*base, *resources], "pending_operations": operations}
        (self.folder / "state.json").write_text(json.dumps({"version": 3, "deployment": deployment}))

    def recover(self):
        recovery.recover(self.folder, "acme", self.environ, self.said.append)

    @property
    def deployment(self):
        return json.loads((self.folder / "state.json").read_text())["deployment"]

    def states(self, name):
        return [r for r in self.deployment["resources"] if r["urn"].endswith(f"::{name}")]

    def state(self, name):
        (found,) = self.states(name)
        return found

    @property
    def calls(self):
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def verbs(self):
        return [call[1] if call[0] == "stack" else call[0] for call in self.calls]

    @property
    def targets(self):
        return [
            [c[i + 1] for i, a in enumerate(c) if a == "--target"] for c in self.calls if c[0] == "refresh"
        ]


@pytest.fixture
def stand(tmp_path, monkeypatch):
    made = Stand(tmp_path)
    program = tmp_path / "pulumi"
    program.write_text(f"#!{sys.executable}\n{textwrap.dedent(FAKE)}")
    program.chmod(0o700)

    def find(wanted, provider, _environ):
        assert provider["region"], "its own provider's"
        return made.aws.get(recovery.stack_name(wanted), [])

    monkeypatch.setattr(recovery_finders, "find", find)
    monkeypatch.setattr(recovery_finders, "finish", lambda wanted, *_: made.finished.append(wanted["id"]))
    monkeypatch.setenv("PATH", made.environ["PATH"])
    return made


def assert_whole(resources):
    """What Pulumi checks when it imports a state (its Snapshot.VerifyIntegrity)."""
    seen, providers = set(), set()
    for one in resources:
        if one["type"].startswith("pulumi:providers:"):
            providers.add(f"{one['urn']}::{one['id']}")
        assert not one.get("provider") or one["provider"] in providers, one["urn"]
        by_property = [u for urns in (one.get("propertyDependencies") or {}).values() for u in urns]
        needs = [one.get("parent"), one.get("deletedWith"), *(one.get("dependencies") or []), *by_property]
        for needed in filter(None, needs):
            assert needed in seen, f"{one['urn']} before {needed}"
        assert one["urn"] not in seen or one.get("delete"), f"twice: {one['urn']}"
        seen.add(one["urn"])


def test_what_stands_is_taken_over_and_read_and_keeps_what_was_asked_for(stand):
    read = resource(TABLE, "old", id="rtb-1", outputs={"id": "rtb-1"})
    asked = {"cidrBlock": "10.80.0.0/20", "word": SECRET}
    stand.save(read, pending=[resource(VPC, "vpc", inputs=asked)])
    stand.aws = {"vpc": ["vpc-1"]}
    stand.recover()
    assert stand.verbs == ["export", "import", "refresh", "export", "import"]
    assert stand.targets == [[urn(VPC, "vpc", COMPONENT_TYPE)]]
    vpc = stand.state("vpc")
    assert vpc["id"] == "vpc-1"
    assert vpc["outputs"] == {"id": "vpc-1", "read": True}
    assert vpc["inputs"] == asked
    assert stand.state("old") == read
    assert stand.deployment["pending_operations"] == []
    assert stand.finished == ["vpc-1"]
    assert_whole(stand.deployment["resources"])


def test_what_does_not_stand_is_struck_out_without_a_reading(stand):
    stand.save(pending=[resource(VPC, "vpc"), resource(ALARM, "alarm")])
    stand.recover()
    assert stand.verbs == ["export", "import"]
    assert stand.deployment["pending_operations"] == []
    assert stand.states("vpc") == stand.states("alarm") == []
    assert stand.said[-2:] == ["vpc was not created", "alarm may be put again"]


@pytest.mark.parametrize("pending", [[], None])
def test_nothing_pending_changes_nothing(stand, pending):
    stand.save(resource(VPC, "vpc", id="vpc-1", outputs={"id": "vpc-1"}), pending=pending or [])
    if pending is None:
        whole = {"deployment": {"resources": [STACK]}}
        (stand.folder / "state.json").write_text(json.dumps(whole))
    stand.recover()
    assert stand.verbs == ["export"]


def test_a_stack_without_a_state_is_left_alone(stand):
    (stand.folder / "state.json").write_text(json.dumps({"version": 3, "deployment": {"manifest": {}}}))
    stand.recover()
    assert stand.verbs == ["export"]


def test_a_recovery_killed_before_it_read_is_finished_by_the_next(stand):
    stand.save(pending=[resource(VPC, "vpc", inputs={"word": SECRET})])
    stand.aws = {"vpc": ["vpc-1"]}
    (stand.folder / "die").touch()
    with pytest.raises(RecoveryError, match="pulumi refresh --yes failed"):
        stand.recover()
    assert stand.state("vpc")["outputs"] == {}
    (stand.folder / "die").unlink()
    (stand.folder / "calls").unlink()
    stand.recover()
    assert stand.verbs == ["export", "refresh", "export", "import"]
    assert stand.state("vpc")["outputs"]["read"]
    assert stand.state("vpc")["inputs"] == {"word": SECRET}
    (stand.folder / "calls").unlink()
    stand.recover()
    assert stand.verbs == ["export"]


def test_what_has_no_outputs_by_nature_is_not_read_again_and_again(stand):
    assert ALARM not in FINDERS
    stand.save(resource(ALARM, "alarm", id="alarm", outputs={}), resource("random:index:Id", "word", id="1"))
    stand.recover()
    assert stand.verbs == ["export"]


def test_pending_updates_and_deletes_stay(stand):
    vpc = resource(VPC, "vpc", id="vpc-1", outputs={"id": "vpc-1"})
    kept = [{"type": kind, "resource": vpc} for kind in ("updating", "deleting", "reading")]
    stand.save(vpc, pending=[kept[0], resource(TABLE, "table"), *kept[1:]])
    stand.recover()
    assert stand.deployment["pending_operations"] == kept


def test_pending_updates_alone_change_nothing(stand):
    vpc = resource(VPC, "vpc", id="vpc-1", outputs={"id": "vpc-1"})
    stand.save(vpc, pending=[{"type": "updating", "resource": vpc}])
    stand.recover()
    assert stand.verbs == ["export"]


def test_components_and_providers_are_made_again_by_the_next_run(stand):
    provider = {k: v for k, v in PROVIDER.items() if k != "id"}
    stand.save(pending=[COMPONENT, {**provider, "urn": urn(PROVIDER["type"], "other")}])
    stand.recover()
    assert stand.deployment["pending_operations"] == []
    assert len(stand.deployment["resources"]) == 3


@pytest.mark.parametrize(
    "lost",
    [
        resource(VPC, "vpc", provider=""),
        {k: v for k, v in resource(VPC, "vpc").items() if k != "provider"},
        resource(VPC, "vpc", provider=f"{PROVIDER['urn']}::another-id"),
        resource("aws:rds/instance:Instance", "vpc"),
        resource("random:index:Id", "vpc"),
    ],
)
def test_what_cannot_be_looked_for_stays_pending_and_is_said(stand, lost):
    """Struck out, it might be made twice; Pulumi itself warns of what is pending."""
    stand.save(pending=[lost, resource(TABLE, "table")])
    stand.aws = {"vpc": ["vpc-1"], "table": ["rtb-1"]}
    stand.recover()
    assert [o["resource"]["urn"] for o in stand.deployment["pending_operations"]] == [lost["urn"]]
    assert any("vpc can't be looked for" in line for line in stand.said)
    assert stand.state("table")["id"] == "rtb-1"


def test_an_aws_that_refuses_leaves_the_state_as_it_was(stand, monkeypatch):
    stand.save(pending=[resource(VPC, "vpc")])
    before = stand.deployment

    def refuse(*_):
        raise LookUpError("can't look for vpc in AWS: denied")

    monkeypatch.setattr(recovery_finders, "find", refuse)
    with pytest.raises(RecoveryError, match="denied"):
        stand.recover()
    assert stand.deployment == before


def test_one_that_stands_twice_is_for_a_person(stand):
    stand.save(pending=[resource(VPC, "vpc")])
    before = stand.deployment
    stand.aws = {"vpc": ["vpc-1", "vpc-2"]}
    with pytest.raises(RecoveryError, match="vpc stands more than once, as vpc-1, vpc-2"):
        stand.recover()
    assert stand.deployment == before


def test_the_missing_parent_is_put_in(stand):
    stand.save(pending=[resource(VPC, "vpc"), resource(TABLE, "table")], base=(STACK, PROVIDER))
    stand.aws = {"vpc": ["vpc-1"], "table": ["rtb-1"]}
    stand.recover()
    parent = stand.state("net")
    assert parent["type"] == COMPONENT_TYPE
    assert parent["parent"] == STACK["urn"]
    assert parent["custom"] is False
    assert_whole(stand.deployment["resources"])


def test_dependencies_come_first_and_unknown_ones_are_left_out(stand):
    table, gone = urn(TABLE, "table", COMPONENT_TYPE), urn(TABLE, "gone", COMPONENT_TYPE)
    vpc = resource(
        VPC,
        "vpc",
        dependencies=[gone, table],
        propertyDependencies={"a": [table], "b": [gone], "c": None},
        deletedWith=gone,
    )
    stand.save(pending=[vpc, resource(TABLE, "table", dependencies=None), resource(TABLE, "gone")])
    stand.aws = {"vpc": ["vpc-1"], "table": ["rtb-1"]}
    stand.recover()
    made = stand.state("vpc")
    assert made["dependencies"] == [table]
    assert made["propertyDependencies"] == {"a": [table], "b": [], "c": []}
    assert "deletedWith" not in made
    assert_whole(stand.deployment["resources"])


def test_the_order_of_what_stood_before_is_kept(stand):
    before = [resource(TABLE, f"t{n}", id=f"rtb-{n}", outputs={"id": "x"}) for n in (3, 1, 2)]
    stand.save(*before, pending=[resource(VPC, "vpc")])
    stand.aws = {"vpc": ["vpc-1"]}
    stand.recover()
    assert [r["urn"] for r in stand.deployment["resources"][:-1]] == [
        r["urn"] for r in (STACK, COMPONENT, PROVIDER, *before)
    ]


def test_a_replacement_is_found_beside_what_it_replaces(stand):
    """Both carry the same name; the old one is deleted by the next run."""
    old = resource(VPC, "vpc", id="vpc-old", outputs={"id": "vpc-old"})
    user = resource(TABLE, "table", id="rtb-1", outputs={"id": "rtb-1"}, dependencies=[old["urn"]])
    stand.save(old, user, pending=[resource(VPC, "vpc", inputs={"asked": "new"})])
    stand.aws = {"vpc": ["vpc-old", "vpc-new"]}
    stand.recover()
    new, replaced = stand.states("vpc")
    assert (new["id"], new.get("delete")) == ("vpc-new", None)
    assert new["inputs"] == {"asked": "new"}
    assert replaced == {**old, "delete": True}
    assert_whole(stand.deployment["resources"])


def test_a_replacement_that_was_not_created_leaves_the_old_one(stand):
    old = resource(VPC, "vpc", id="vpc-old", outputs={"id": "vpc-old"})
    stand.save(old, pending=[resource(VPC, "vpc")])
    stand.aws = {"vpc": ["vpc-old"]}
    stand.recover()
    assert stand.state("vpc") == old


def test_what_has_the_same_name_in_another_region_is_another(stand):
    """An analyzer's id is its name, which each region has once."""
    kind, away = (
        "aws:accessanalyzer/analyzer:Analyzer",
        {**PROVIDER, "id": "b680", "inputs": {"region": "eu-west-1"}},
    )
    away["urn"] = urn("pulumi:providers:aws", "acme-aws-backup")
    home = resource(kind, "home", id="acme", outputs={"id": "acme"})
    there = resource(kind, "there", provider=f"{away['urn']}::{away['id']}")
    stand.save(home, pending=[there], base=(STACK, COMPONENT, PROVIDER, away))
    stand.aws = {"there": ["acme"]}
    stand.recover()
    assert stand.state("home") == home
    assert (stand.state("there")["id"], stand.state("there")["provider"]) == ("acme", there["provider"])
    assert_whole(stand.deployment["resources"])


def test_a_replacement_under_the_same_name_takes_the_place_of_what_was_deleted_before(stand):
    role = "aws:iam/role:Role"
    old = resource(role, "role", id="acme-role", outputs={"id": "acme-role"}, pendingReplacement=True)
    stand.save(old, pending=[resource(role, "role", inputs={"asked": "new"})])
    stand.aws = {"role": ["acme-role"]}
    stand.recover()
    assert stand.state("role")["inputs"] == {"asked": "new"}
    assert "pendingReplacement" not in stand.state("role")
    assert_whole(stand.deployment["resources"])


def test_what_pulumi_refuses_is_told(stand):
    (stand.folder / "pulumi").write_text("#!/bin/sh\necho 'error: no stack named acme' >&2\nexit 255\n")
    with pytest.raises(
        RecoveryError, match=r"pulumi stack export failed, exit code \d+:\nerror: no stack named acme"
    ):
        stand.recover()


def test_what_aws_does_not_tell_is_there_before_the_reading():
    """Of user data that nobody gave it, the provider keeps a hash, and every later preview shows a change."""
    instance = {"type": "aws:ec2/instance:Instance", "inputs": {"userDataBase64": "IyEK", "ami": "ami-1"}}
    taken = {**instance, "outputs": recovery._unread(instance, "i-1")}
    assert taken["outputs"] == {"id": "i-1", "userDataBase64": "IyEK"}
    assert recovery._is_unread(taken)
    assert not recovery._is_unread({**taken, "outputs": {**taken["outputs"], "arn": "arn:aws:ec2:::i-1"}})
    vpc = {"type": "aws:ec2/vpc:Vpc", "inputs": {}}
    assert recovery._unread(vpc, "vpc-1") == {}
    assert not recovery._is_unread({**vpc, "outputs": {"id": "vpc-1"}})
