"""Fragments: what a server contributes to its hub, as data.

The other end is the package ``hub``, which reads it against the same schema again and renders it with the
hub's own templates (docs/adr/0007, 0013).
"""

import json
from functools import lru_cache

from managed_server import spec
from managed_server.model.fragment import (
    Fragment,
    FragmentCheck,
    FragmentContact,
    FragmentCustomer,
    FragmentHostgroup,
    FragmentMaintenance,
    FragmentObjective,
    FragmentObjectives,
    plain,
)


def build_fragment(customer: spec.CustomerSpec, server: spec.ServerSpec) -> Fragment:
    """Describe one server to its hub.

    Text is made plain on the way: a name may lose characters that mean something to the hub's programs.

    Raises:
        ValueError: if a name or number doesn't fit the schema (pydantic.ValidationError).
    """
    return Fragment(
        schema=1,
        customer=FragmentCustomer(id=customer.id, name=plain(customer.name) or customer.id),
        server=server.name,
        host=server.host_name,
        munin_node=server.host_name,
        ossec_agent=server.host_name,
        hostgroups=tuple(
            FragmentHostgroup(id=entry.id, title=plain(entry.title) or entry.id)
            for entry in sorted(server.entries, key=lambda entry: entry.id)
            if entry.software
        ),
        checks=tuple(_check(check) for check in sorted(server.checks, key=lambda check: check.name)),
        contacts=tuple(
            FragmentContact(name=plain(contact.name) or contact.email, email=contact.email)
            for contact in sorted(customer.contacts, key=lambda contact: contact.email)
        ),
        maintenance=FragmentMaintenance(
            day=server.maintenance.day,  # type: ignore[arg-type] # a str in the spec; the schema holds it
            time=server.maintenance.time,
            reboot=server.maintenance.reboot,  # type: ignore[arg-type]
        ),
        objectives=FragmentObjectives(
            **{
                response.priority.value: FragmentObjective(
                    minutes=response.minutes, working_days=response.working_days, phone=response.phone
                )
                for response in customer.responses
                if response.priority.value in FragmentObjectives.model_fields
            }
        ),
    )


@lru_cache(maxsize=2048)
def _check(check: spec.Check) -> FragmentCheck:
    """Describe a check, which other servers have as well."""
    return FragmentCheck(
        name=check.name,
        nrpe_command=check.nrpe_command,
        description=plain(check.description) or check.name,
        priority=check.priority.value,  # type: ignore[arg-type] # the schema refuses the others
        runbook=check.runbook,
        interval_s=check.interval_s,
        retry_s=check.retry_s,
        attempts=check.attempts,
        renotify_s=check.renotify_s,
        timeout_s=check.timeout_s,
        in_sla=check.in_sla,
    )


def fragment_json(fragment: Fragment) -> str:
    """Return the fragment as JSON: the same text for the same fragment, keys sorted."""
    data = fragment.model_dump(mode="json", by_alias=True)
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=True) + "\n"
