"""Entries past or near the end of their fixes: warnings with date and source, never errors."""

import datetime

from managed_server.proofs.end_of_life import warnings
from tests.in_process import managed
from tests.proofs.conftest import FILE, line


def said(project, customer, today):
    return [
        message for message, _ in warnings(project, customer.servers[0], datetime.date.fromisoformat(today))
    ]


def test_none_is_near(project, example):
    first = min(
        end.date
        for entry in example.servers[0].entries
        if isinstance(ends := project.entries[entry.id].general.end_of_life, dict)
        for release, end in ends.items()
        if release == example.servers[0].debian
    )
    assert said(project, example, (first - datetime.timedelta(days=400)).isoformat()) == []


def test_near_and_past(project, example):
    end = project.software["nginx"].general.end_of_life[13].date
    near = end - datetime.timedelta(days=project.limits.end_of_life_days)
    before = said(project, example, (near - datetime.timedelta(days=1)).isoformat())
    assert not [line for line in before if line.startswith("nginx ")]
    [nginx] = [line for line in said(project, example, near.isoformat()) if line.startswith("nginx ")]
    assert nginx.startswith(f"nginx gets no fixes after {end} (source: ")
    later = end + datetime.timedelta(days=1)
    assert any(
        line.startswith(f"nginx has had no fixes since {end} (source: ")
        for line in said(project, example, later.isoformat())
    )
    tools = [line for line in said(project, example, later.isoformat()) if line.startswith("Debian 13 (")]
    assert len(tools) == 1, "tools whose fixes end together are one warning"
    assert "firewall" in tools[0]


def test_check_warns_and_does_not_fail(inputs):
    path = inputs / "catalogue/software/redis.yaml"
    text = path.read_text()
    old = text[text.index("  13: {date: ") :].splitlines()[0]
    path.write_text(
        text.replace(old, '  13: {date: 2020-01-01, source: "its maker\'s page", successor: valkey}')
    )
    done = managed(inputs, "check")
    assert done.returncode == 0, done.stderr
    assert (
        f"warning: {FILE}:{line('software')}: servers.web1.software: redis has had no fixes since "
        "2020-01-01 (source: its maker's page); "
        "successor: valkey" in done.stderr
    ), done.stderr
