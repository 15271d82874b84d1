"""A complete stack file for tests to break, apart from the example that people read."""

from pathlib import Path

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f alice@acme.example"

STACK = f"""\
config:
  managed-server:customer:
    name: Acme Widgets Ltd
    contract: {{start: 2026-12-01, term_months: 12}}
    hub: hub
    aws: {{account_id: "123456789012", region: eu-west-2, backup_region: eu-west-1}}
    contacts:
      - {{name: Alice, email: alice@acme.example, phone: "+44 20 7946 0000"}}
    access:
      ssh_from: [203.0.113.0/24]
    users:
      alice:
        admin: true
        keys:
          - {KEY}
    servers:
      web1:
        instance_type: t3.large
        disk_gb: 80
        software: [nginx, php]
        sites: [www.acme.example]
"""


FAR = """\
      far:
        hosting: elsewhere
        address: 198.51.100.20
        machine: {vcpus: 2, memory_mb: 2048}
        disk_gb: 40
        software: [nginx, php]
"""
"""Another server, hosted elsewhere."""


def write_stack(root: Path, text: str = STACK, name: str = "acme") -> Path:
    """Write a stack file into a copy of the inputs, and return its path."""
    path = root / "stacks" / f"Pulumi.{name}.yaml"
    path.write_text(text)
    return path
