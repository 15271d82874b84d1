"""Turns members into the files of each part, by templates that the parts bring."""

from collections.abc import Iterable
from typing import Any

import jinja2

from hub.members import Member
from hub.settings import Part


class RenderError(Exception):
    """A template can't be rendered."""


def render(parts: Iterable[Part], members: Iterable[Member]) -> dict[str, bytes]:
    """Return all files, by path: the part's name, and the path below it.

    Raises:
        RenderError: says which template, and what is wrong.
    """
    known = sorted(members, key=lambda member: member.host)
    together = {
        "hostgroups": _hostgroups(known),
        "customers": _customers(known),
        "members": known,
    }
    files = {}
    for part in parts:
        environment = _environment(part)
        for path, template in part.together.items():
            files[f"{part.name}/{path}"] = _rendered(environment, template, together)
        for path, template in part.each.items():
            for member in known:
                context = {"fragment": member.fragment, "address": member.address.where}
                name = f"{part.name}/{path.format(host=member.host)}"
                files[name] = _rendered(environment, template, context)
    return files


def _environment(part: Part) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(part.templates),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - configuration files, not HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _rendered(environment: jinja2.Environment, template: str, context: dict[str, Any]) -> bytes:
    try:
        return environment.get_template(template).render(**context).encode()
    except Exception as error:
        raise RenderError(f"{template}: {type(error).__name__}: {error}") from error


def _hostgroups(members: list[Member]) -> list[dict[str, str]]:
    """All software with its title; of two titles (a catalogue that is being changed) the first by host."""
    titles: dict[str, str] = {}
    for member in members:
        for group in member.fragment.hostgroups:
            titles.setdefault(group.id, group.title)
    return [{"id": group, "title": title} for group, title in sorted(titles.items())]


def _customers(members: list[Member]) -> list[dict[str, Any]]:
    """All customers, each with the contacts of all its servers, once."""
    names: dict[str, str] = {}
    contacts: dict[str, dict[str, str]] = {}
    for member in members:
        customer = member.fragment.customer
        names.setdefault(customer.id, customer.name)
        people = contacts.setdefault(customer.id, {})
        for contact in member.fragment.contacts:
            people.setdefault(contact.email, contact.name)
    return [
        {
            "id": customer,
            "name": name,
            "contacts": [{"name": who, "email": email} for email, who in sorted(contacts[customer].items())],
        }
        for customer, name in sorted(names.items())
    ]
