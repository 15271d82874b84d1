"""Pulumi without an engine: everything that a program registers is recorded, with its options."""

from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, rpc

from components.customer_environment import CustomerEnvironment, CustomerEnvironmentArgs
from tests import factories
from tests.conftest import ROOT


@dataclass
class Registered:
    """One resource as the program registered it."""

    type: str
    name: str
    inputs: dict[str, Any]
    parent: str
    provider: str
    """Name of its provider; empty for a default one, and for components."""
    custom: bool
    protect: bool
    ignores: list[str]
    retained: bool
    depends_on: set[str]
    """Names of what it depends on, by an option or by an input."""
    outputs_registered: bool = False


@dataclass
class RecordingMocks(mocks.Mocks):
    """Answers as AWS would, as far as the components look."""

    calls: list[mocks.MockCallArgs] = field(default_factory=list)
    missing: tuple[str, ...] = ()
    """Keys of objects that aren't in their bucket."""

    def new_resource(self, args):
        arn = f"arn:aws:{args.name}"
        known = {"arn": arn, "publicIp": "192.0.2.9", "privateIp": "10.80.0.9", **args.inputs}
        if args.inputs.get("assignGeneratedIpv6CidrBlock"):
            known["ipv6CidrBlock"] = "2001:db8:300:ab00::/56"
        zones = {"aws:ec2/subnet:Subnet": "eu-west-2a", "aws:ec2/instance:Instance": "eu-west-2b"}
        if args.typ in zones:  # not the same: so it is seen whose is used
            known["availabilityZone"] = zones[args.typ]
        if args.inputs.get("ipv6AddressCount"):
            known["ipv6Addresses"] = ["2001:db8:300:ab00::9"]
        return args.inputs.get("bucket") or f"{args.name}-id", known

    def call(self, args):
        self.calls.append(args)
        if args.token == "aws:s3/getObjects:getObjects":
            return {"keys": sorted({args.args["prefix"]} - {*self.missing})}
        return {**args.args, "id": "ami-0123456789abcdef0"}


class RecordingMonitor(mocks.MockMonitor):
    """Keeps what Pulumi's own mocks forget: the options."""

    def __init__(self, answers):
        super().__init__(answers)
        self.registered: dict[str, Registered] = {}

    def RegisterResource(self, request):  # noqa: N802 - gRPC's name
        answer = super().RegisterResource(request)
        inputs = rpc.deserialize_properties(request.object)
        self.registered[answer.urn] = Registered(
            type=request.type,
            name=request.name,
            inputs={name: as_sent(value) for name, value in inputs.items()},
            parent=name_of(request.parent),
            provider=name_of(request.provider.rpartition("::")[0]),
            custom=request.custom,
            protect=request.protect,
            ignores=list(request.ignoreChanges),
            retained=request.retainOnDelete,
            depends_on={name_of(urn) for urn in request.dependencies},
        )
        return answer

    def RegisterResourceOutputs(self, request):  # noqa: N802 - gRPC's name
        self.registered[request.urn].outputs_registered = True
        return super().RegisterResourceOutputs(request)


def as_sent(value: Any) -> Any:
    """A file as the engine is told of it; all else as it is."""
    if isinstance(value, pulumi.FileAsset):
        return {rpc._special_sig_key: rpc._special_asset_sig, "path": str(value.path)}
    return value


def name_of(urn: str) -> str:
    return urn.rpartition("::")[2]


@dataclass
class Recorded:
    """What one run of a program registered."""

    resources: list[Registered]
    calls: list[mocks.MockCallArgs]
    outputs: dict[str, Any]

    def of(self, kind: str) -> list[Registered]:
        """Resources whose type ends like this: ``Bucket``, ``ec2/instance:Instance``."""
        found = [r for r in self.resources if r.type.rpartition(":")[2] == kind]
        assert found, f"no {kind} was registered"
        return found

    def one(self, kind: str, name: str = "") -> Registered:
        """The only resource of a type, or the one of a name."""
        found = [r for r in self.of(kind) if name in ("", r.name)]
        assert len(found) == 1, [r.name for r in found]
        return found[0]

    @property
    def aws(self) -> list[Registered]:
        """AWS resources; providers and components are none."""
        return [r for r in self.resources if r.type.startswith("aws:")]

    @property
    def components(self) -> list[Registered]:
        return [r for r in self.resources if r.type.startswith("managed-server:")]


def record(program, missing=()) -> Recorded:
    """Run a program; it returns what is recorded as its outputs."""
    answers = RecordingMocks(missing=missing)
    monitor = RecordingMonitor(answers)
    mocks.set_mocks(answers, project="managed-server", stack="acme", monitor=monitor)
    outputs: dict[str, Any] = {}

    @pulumi.runtime.test
    def run():
        def keep(value):
            outputs.update(value)

        return pulumi.Output.from_input(program()).apply(keep)

    run()
    made = [r for r in monitor.registered.values() if r.type != "pulumi:pulumi:Stack"]
    return Recorded(made, answers.calls, outputs)


def environment(*servers, bundles=None, missing=(), **changes) -> Recorded:
    """Record a customer's environment."""
    customer = factories.customer(*servers, **changes)
    made = bundles or {server.name: factories.bundle(server.name) for server in customer.servers}
    args = CustomerEnvironmentArgs(customer, made, ROOT / "templates")
    return record(lambda: CustomerEnvironment(customer.id, args).outputs, missing)


@pytest.fixture(scope="session")
def acme() -> Recorded:
    """A customer with one server."""
    return environment()
