"""Fragments: what a server contributes to its hub, and the hub's files that are made of them.

The two ends are here side by side, and share nothing but the schema: a customer's stack makes the JSON, the
hub reads it against the schema again and renders it with its own templates (docs/adr/0007).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from managed_server import spec
from managed_server.model.fragment import (
    Fragment,
    FragmentCheck,
    FragmentContact,
    FragmentCustomer,
    FragmentHostgroup,
    FragmentMaintenance,
    ServerAddress,
    plain,
)
from managed_server.rendering import RenderedFile, render

NAGIOS = "/etc/nagios4/conf.d/managed"
"""Nagios reads every .cfg below its configuration directory, at any depth."""


@dataclass(frozen=True, slots=True)
class HubFiles:
    """The hub's files, and the hosts that can't be watched yet as their address isn't known."""

    files: tuple[RenderedFile, ...]
    waiting: tuple[str, ...]


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
            if entry.supported
        ),
        checks=tuple(
            FragmentCheck(
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
            for check in sorted(server.checks, key=lambda check: check.name)
        ),
        contacts=tuple(
            FragmentContact(name=plain(contact.name) or contact.email, email=contact.email)
            for contact in sorted(customer.contacts, key=lambda contact: contact.email)
        ),
        maintenance=FragmentMaintenance(
            day=server.maintenance.day,  # type: ignore[arg-type] # a str in the spec; the schema holds it
            time=server.maintenance.time,
            reboot=server.maintenance.reboot,  # type: ignore[arg-type]
        ),
    )


def fragment_json(fragment: Fragment) -> str:
    """Return the fragment as JSON: the same text for the same fragment, keys sorted."""
    return json.dumps(fragment.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def parse_fragment(text: str | bytes) -> Fragment:
    """Read a fragment as the hub does: it is anybody's text until the schema has accepted it.

    Raises:
        ValueError: says which part doesn't fit (pydantic.ValidationError).
    """
    return Fragment.model_validate_json(text)


def parse_address(text: str | bytes) -> ServerAddress:
    """Read the address that travels beside a fragment: ``{"ipv4": "203.0.113.7"}``.

    Raises:
        ValueError: if it is no such object (pydantic.ValidationError).
    """
    return ServerAddress.model_validate_json(text)


def render_hub(
    templates: Path, fragments: Iterable[Fragment], addresses: Mapping[str, ServerAddress]
) -> HubFiles:
    """Render what the hub's Nagios, Munin and OSSEC manager need of all servers.

    Args:
        templates: the folder ``templates/``.
        fragments: of every server that the hub watches.
        addresses: by host, as in ``fragment.host``. A server without one is left out, and named in the
            result: a new customer whose address is not known yet must not stop the others' monitoring.

    Raises:
        ValueError: if two servers have the same host name (``a-b`` + ``c`` and ``a`` + ``b-c`` do).
        RenderError: if a template can't be rendered.
    """
    by_host: dict[str, Fragment] = {}
    for fragment in sorted(fragments, key=lambda item: (item.host, item.customer.id)):
        other = by_host.setdefault(fragment.host, fragment)
        if other is not fragment:
            raise ValueError(
                f"{fragment.host!r} is the name of two servers: {other.server!r} of {other.customer.id!r} "
                f"and {fragment.server!r} of {fragment.customer.id!r}; rename one of them"
            )
    known = {host: fragment for host, fragment in by_host.items() if host in addresses}
    files = [
        _file(templates, f"{NAGIOS}/hostgroups.cfg", "hostgroups.cfg", groups=_hostgroups(known.values())),
        _file(templates, f"{NAGIOS}/customers.cfg", "customers.cfg", customers=_customers(known.values())),
        _file(
            templates,
            "/etc/managed-server/hub/ossec-agents.json",
            "ossec-agents.json",
            agents=[fragment.ossec_agent for fragment in known.values()],
        ),
    ]
    for host, fragment in known.items():
        context: dict[str, Any] = {"fragment": fragment, "address": str(addresses[host].ipv4)}
        files += [
            _file(templates, f"{NAGIOS}/hosts/{host}.cfg", "host.cfg", **context),
            _file(templates, f"/etc/munin/munin-conf.d/{host}.conf", "munin.conf", **context),
        ]
    return HubFiles(
        tuple(sorted(files, key=lambda file: file.path)), tuple(sorted(set(by_host) - set(known)))
    )


def render_hub_base(templates: Path, provider: spec.Provider) -> tuple[RenderedFile, ...]:
    """Render what the fragments' objects refer to: Nagios' main file, templates, commands, and whom it tells.

    Raises:
        RenderError: if a template can't be rendered.
    """
    notify = "/usr/local/lib/managed-server/hub/notify"
    return (
        _file(templates, "/etc/nagios4/nagios.cfg", "base/nagios.cfg"),
        _file(templates, f"{NAGIOS}/base.cfg", "base/base.cfg", provider=provider, notify=notify),
        _file(templates, notify, "base/notify", mode="0755", provider=provider),
    )


def _file(templates: Path, path: str, template: str, mode: str = "0644", **context: Any) -> RenderedFile:
    content = render(templates, f"hub/{template}.j2", **context)
    return RenderedFile(path, content, "root", "root", mode)


def _hostgroups(fragments: Iterable[Fragment]) -> list[dict[str, str]]:
    """All software with its title; of two titles (a catalogue that is being changed) the first by host."""
    titles: dict[str, str] = {}
    for fragment in fragments:
        for group in fragment.hostgroups:
            titles.setdefault(group.id, group.title)
    return [{"id": group, "title": title} for group, title in sorted(titles.items())]


def _customers(fragments: Iterable[Fragment]) -> list[dict[str, Any]]:
    """All customers, each with the contacts of all its servers, once."""
    names: dict[str, str] = {}
    contacts: dict[str, dict[str, str]] = {}
    for fragment in fragments:
        names.setdefault(fragment.customer.id, fragment.customer.name)
        people = contacts.setdefault(fragment.customer.id, {})
        for contact in fragment.contacts:
            people.setdefault(contact.email, contact.name)
    return [
        {
            "id": customer,
            "name": name,
            "contacts": [{"name": who, "email": email} for email, who in sorted(contacts[customer].items())],
        }
        for customer, name in sorted(names.items())
    ]
