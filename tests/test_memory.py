"""What runs on a server must fit into its memory: figures of the catalogue, and the warning made of them."""

import re
from dataclasses import replace

import pytest
from pydantic import ValidationError

from managed_server.inputs import load_project
from managed_server.model.catalogue_items import given
from managed_server.model.catalogue_memory import Memory
from managed_server.rendering import render_server
from managed_server.resolve import resolve_stack
from tests.conftest import ROOT
from tests.stackfile import STACK, write_stack

PROJECT = load_project(ROOT)
SHARES = sorted(
    name for name, each in PROJECT.software.items() if any(use.part for use in given(each.general.memory))
)
BESIDE = {"kibana": ["elasticsearch"]}
MORE = {"nodejs": "\n        settings: {nodejs: {application: true}}"}


def resolved(inputs, software, more="", size="t3.large"):
    """The customer with a server of this software, and its warnings of memory."""
    text = STACK.replace("[nginx, php]", f"[{', '.join(software)}]{more}").replace("t3.large", size)
    write_stack(inputs, text)
    customer, warnings = resolve_stack(replace(PROJECT, root=inputs), "acme")
    return customer, [each.message for each in warnings if "of memory, and it has" in each.message]


@pytest.mark.parametrize("size", ["t3.small", "t3.large"])
@pytest.mark.parametrize("name", SHARES)
def test_what_an_entry_says_is_what_its_files_say(inputs, name, size):
    customer, _ = resolved(inputs, [name, *BESIDE.get(name, [])], MORE.get(name, ""), size)
    server = customer.server("web1")
    files = b"\n".join(
        file.content for file in render_server(ROOT / "templates", customer, server) if file.origin == name
    )
    for each in (each for each in server.memory if each.origin == name):
        assert re.search(rf"(?<![0-9]){each.mb}(?![0-9])", files.decode()), (each, "is in no file")


def test_more_than_there_is_is_warned_of(inputs):
    _, [said] = resolved(inputs, ["nginx", "php", "percona"], size="t3.small")
    assert said == (
        "what runs on it may take 2128 MiB of memory, and it has 2048: php 1024 (requests), percona 512 "
        "(data), php 192 (compiled code), the system 400. The kernel then ends what takes most: write "
        "smaller settings, or a larger instance_type"
    )


@pytest.mark.parametrize(
    ("software", "more", "size"),
    [
        (["nginx", "php"], "", "t3.small"),
        (["nginx", "php", "percona"], "\n        settings: {percona: {buffer_pool_mb: 256}}", "t3.small"),
        (["nginx", "php", "percona"], "", "t3.large"),
    ],
)
def test_what_fits_is_not(inputs, software, more, size):
    assert resolved(inputs, software, more, size)[1] == []


def test_the_scanners_signatures_count_where_they_are_held(inputs):
    origins = [
        {each.origin for each in resolved(inputs, ["nginx"], size=size)[0].server("web1").memory}
        for size in ("t3.small", "t3.large")
    ]
    assert origins == [set(), {"clamav"}]


def test_a_part_has_bounds():
    share = Memory(purpose="data", part=4, min_mb=512, max_mb=1024)
    assert [share.taken_mb(memory) for memory in (1024, 3000, 65536)] == [512, 750, 1024]
    assert Memory(purpose="data", mb=100, part=4).taken_mb(65536) == 100
    assert Memory(purpose="requests", mb=128, count=10, at_once_percent=50).taken_mb(1024) == 640
    with pytest.raises(ValidationError, match="write mb, part, or both"):
        Memory(purpose="data")
