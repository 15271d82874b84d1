"""EC2: RunInstances drops CreditSpecification; every instance says `standard`, unmodifiable (500)."""

from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses.instances import InstanceResponse

from managed_server.local.aws.cures.patching import add, replace

# Burstable families start unlimited but for the first one (EC2 user guide, "Unlimited mode").
LIMITED_FAMILY = "t2."


def _credits(instance: Any) -> str:
    default = "standard" if instance.instance_type.startswith(LIMITED_FAMILY) else "unlimited"
    return str(getattr(instance, "cpu_credits", default))


def _keeping_credits(run: Callable[[Any], ActionResult]) -> Callable[[Any], ActionResult]:
    def run_instances(self: Any) -> ActionResult:
        result = run(self)
        chosen = self._get_param("CreditSpecification", {}).get("CpuCredits")
        for instance in result.result.instances if chosen else ():
            instance.cpu_credits = chosen
        return result

    return run_instances


def _describe(self: Any) -> ActionResult:
    instances = self.ec2_backend.describe_instance_credit_specifications(self._get_param("InstanceIds", []))
    return ActionResult(
        {"InstanceCreditSpecifications": [{"InstanceId": i.id, "CpuCredits": _credits(i)} for i in instances]}
    )


def _modify(self: Any) -> ActionResult:
    done = []
    for wanted in self._get_param("InstanceCreditSpecifications", []):
        instance = self.ec2_backend.get_instance(wanted["InstanceId"])
        instance.cpu_credits = wanted["CpuCredits"]
        done.append({"InstanceId": instance.id})
    return ActionResult(
        {"SuccessfulInstanceCreditSpecifications": done, "UnsuccessfulInstanceCreditSpecifications": []}
    )


def apply() -> None:
    """Keep the choice on the instance, and report AWS's default where none was made."""
    replace(InstanceResponse, "run_instances", _keeping_credits)
    replace(InstanceResponse, "describe_instance_credit_specifications", lambda _: _describe)
    add(InstanceResponse, "modify_instance_credit_specification", _modify)
