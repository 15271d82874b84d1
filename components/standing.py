"""What stands of a stack, as the program may know it before it registers anything: the stack's own outputs.

They are read by the engine's own function, from whatever backend the state is in, so that a plain `pulumi up`
of anybody is held to them. Reading them makes no resource.
"""

import datetime
from typing import Any

import pulumi

from managed_server.changes import refusals
from managed_server.spec import CustomerSpec

_READ = "pulumi:pulumi:readStackOutputs"


def standing() -> dict[str, Any]:
    """Return the outputs of the stack as it stands; none before its first update."""
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    answer = pulumi.runtime.invoke(_READ, {"name": stack}).value or {}
    return dict(answer.get("outputs") or {})


def refuse_what_harms(customer: CustomerSpec, outputs: dict[str, Any]) -> None:
    """Stop the program where the stack file would do to a server that stands what must not be done.

    Args:
        customer: as the stack file has it.
        outputs: of the stack as it stands.

    Raises:
        pulumi.RunError: with all that is refused. A preview only warns of what is a matter of time.
    """
    wrong = []
    for refusal in refusals(customer, dict(outputs.get("servers") or {}), _now()):
        text = f"{customer.stack_file}: servers.{refusal.server}: {refusal.message}"
        if refusal.preview or not pulumi.runtime.is_dry_run():
            wrong.append(text)
        else:
            pulumi.warn(f"an update is refused now: {text}")
    if wrong:
        raise pulumi.RunError("\n".join(wrong))


def _now() -> datetime.datetime:
    return datetime.datetime.now(tz=datetime.UTC)
