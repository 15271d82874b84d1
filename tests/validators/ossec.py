"""Holds OSSEC's configuration files against the options that its documentation names.

OSSEC isn't in Debian, so its own programs can't judge them here; xmllint judges the XML, and
this the names, places and values, by ossec_options.yaml.
"""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml

from .table import HERE


@cache
def options() -> dict[str, Any]:
    """ossec_options.yaml, with its kinds compiled."""
    document: dict[str, Any] = yaml.safe_load((HERE / "ossec_options.yaml").read_text(encoding="utf-8"))
    kinds = {name: re.sub(r"(?<=\|)\s+", "", text) for name, text in document["kinds"].items()}
    # An attribute that has one value only is its own kind.
    document["kinds"] = {
        name: re.compile(text, re.DOTALL) for name, text in {**kinds, "sregex": "sregex"}.items()
    }
    return document


def problems(path: str, content: bytes) -> list[str]:
    """What is wrong with an ossec.conf or agent.conf; empty where nothing is.

    Args:
        path: on the machine; .../agent.conf is the file that a manager hands to its agents.
        content: of the file.
    """
    try:
        # Our own rendered file, of a few kilobytes; it may have several roots.
        document = ET.fromstring(b"<file>" + content + b"</file>")  # noqa: S314
    except ET.ParseError as error:
        return [f"not XML: {error}"]
    roots = list(document)
    shared = path.endswith("/shared/agent.conf")
    wanted = "agent_config" if shared else "ossec_config"
    if not roots:
        return [f"no {wanted} in it"]
    found = [f"{root.tag}: not known here, {wanted} is" for root in roots if root.tag != wanted]
    if found:
        return found
    is_agent = any(section.tag == "client" for root in roots for section in root)
    kind = "agent.conf" if shared else "agent" if is_agent else "manager"
    for root in roots:
        attributes = options()["agent_config"] if shared else {}
        found += _attributes(root, attributes, root.tag)
        for section in root:
            found += _section(section, kind)
    return found


def _section(section: ET.Element, kind: str) -> Iterator[str]:
    known = options()["sections"]
    rules = known.get(section.tag)
    if rules is None:
        yield f"{section.tag}: no such section"
        return
    allowed = rules.get("shared", False) if kind == "agent.conf" else kind in rules["where"]
    if not allowed:
        yield f"{section.tag}: not read in {kind}"
    names = Counter(element.tag for element in section)
    for name in rules.get("required", ()):
        if not names[name]:
            yield f"{section.tag}: {name} is missing"
    any_of = rules.get("any_of", ())
    if any_of and not any(names[name] for name in any_of):
        yield f"{section.tag}: one of {', '.join(any_of)} is missing"
    for element in section:
        yield from _element(element, section.tag, rules["elements"])
    included = [element.text or "" for element in section if element.tag == "include"]
    for number, name in enumerate(included):
        missing = set(options()["rules_after"].get(name, ())) - set(included[:number])
        if missing:
            yield f"{section.tag}: {name} needs {', '.join(sorted(missing))} before it"
    if kind == "agent.conf" and section.tag == "localfile" and names["command"]:
        yield "localfile: commands are refused in agent.conf"


def _element(element: ET.Element, section: str, known: Mapping[str, Any]) -> Iterator[str]:
    where = f"{section}: {element.tag}"
    if element.tag not in known:
        yield f"{where}: no such option"
        return
    rule = known[element.tag]
    rule = rule if isinstance(rule, dict) else {"value": rule}
    yield from (f"{where}: {child.tag}: nothing belongs inside" for child in element)
    yield from _attributes(element, rule.get("attributes", {}), where)
    yield from _value(element.text or "", rule["value"], where)


def _attributes(element: ET.Element, known: Mapping[str, str], where: str) -> Iterator[str]:
    for name, value in element.attrib.items():
        if name in known:
            yield from _value(value, known[name], f"{where}: {name}")
        else:
            yield f"{where}: {name}: no such attribute"


def _value(text: str, kind: str, where: str) -> Iterator[str]:
    # OSSEC compares what it reads as it stands: a space around a value is part of it.
    if not options()["kinds"][kind].fullmatch(text):
        yield f"{where}: {text!r} is not {kind} ({options()['kinds'][kind].pattern})"
