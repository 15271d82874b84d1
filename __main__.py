"""The Pulumi program: one stack is one customer, and everything follows from its stack file."""

from pathlib import Path

import pulumi

from components.customer_environment import CustomerEnvironment, CustomerEnvironmentArgs
from managed_server.bundle import build
from managed_server.problems import InputError
from managed_server.rendering import RenderError
from managed_server.resolve import load_customer

ROOT = Path(__file__).parent
TEMPLATES = ROOT / "templates"

try:
    customer = load_customer(ROOT, pulumi.get_stack())
    bundles = {server.name: build(TEMPLATES, customer, server) for server in customer.servers}
except (InputError, RenderError) as error:
    raise pulumi.RunError(str(error)) from error

environment = CustomerEnvironment(customer.id, CustomerEnvironmentArgs(customer, bundles, TEMPLATES))
for name, value in environment.outputs.items():
    pulumi.export(name, value)
