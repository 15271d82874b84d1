"""The Pulumi program: one stack is one customer, and everything follows from its stack file."""

from pathlib import Path

import pulumi

from components.customer_environment import RECORD, CustomerEnvironment, CustomerEnvironmentArgs
from components.standing import refuse_what_harms, standing
from managed_server.problems import InputError
from managed_server.proven import load_proven

ROOT = Path(__file__).parent
TEMPLATES = ROOT / "templates"

try:
    customer, bundles = load_proven(ROOT, pulumi.get_stack())
except InputError as error:
    raise pulumi.RunError(str(error)) from error

outputs = standing()
refuse_what_harms(customer, outputs)
environment = CustomerEnvironment(
    customer.id, CustomerEnvironmentArgs(customer, bundles, TEMPLATES, has_record=RECORD in outputs)
)
for name, value in environment.outputs.items():
    pulumi.export(name, value)
