"""The monitoring and protection tools, for the tests of what is rendered and of what runs."""

import re
from dataclasses import replace

from managed_server.resolve import resolve_stack

ORIGINS = ("clamav", "munin-node", "nrpe", "ossec")


def small(root, project, tmp_path, **changes):
    """The example customer with another instance type."""
    text = (root / "stacks/Pulumi.example.yaml").read_text()
    (tmp_path / "stacks").mkdir()
    for old, new in changes.items():
        text = re.sub(rf"{old}: \S+", f"{old}: {new}", text)
    (tmp_path / "stacks/Pulumi.example.yaml").write_text(text)
    return resolve_stack(replace(project, root=tmp_path), "example")[0]
