"""The Debian tree of a release in which programs are tried: the catalogue's packages, and tests' own.

One tree with everything takes a fraction of the time that one for each kind of software took. That a server
has what its files need is shown by machines (tests/box), which get nothing but their bundle's packages.
"""

from functools import cache
from pathlib import Path

import pytest

from managed_server.inputs import load_project
from managed_server.local.debian.tree import ensure_tree
from managed_server.model.catalogue import Entry, Software
from managed_server.model.catalogue_items import Absent, given
from tests.conftest import ROOT
from tests.validators.table import load as load_validators

# MariaDB stands in for the vendor's server, which no archive here has.
STAND_INS = ("libcache-cache-perl", "libdbd-mysql-perl", "mariadb-client", "mariadb-server")
PROGRAMS = (
    "bind9-dnsutils", "bsd-mailx", "curl", "gawk", "gpg", "gpg-agent", "gunicorn", "iproute2", "iputils-ping",
    "jq",
    "nagios-nrpe-plugin", "openssh-client", "openssl", "procps", "python3-uvicorn", "python3-venv",
    "python3-yaml", "ruby", "shellcheck", "strace", "systemd",
)  # fmt: skip
"""What tests look and ask with."""


@cache
def packages(release: int, *, hub: bool = False) -> list[str]:
    """Names of the tree's packages, sorted. A hub's change others: Nagios brings Apache PHP's module."""
    project = load_project(ROOT)
    found = {*STAND_INS, *PROGRAMS, *load_validators().packages()}
    for kind in project.checks.kinds.values():
        found.update(kind.packages)
    for entry in project.entries.values():
        resolved = entry.resolved(release, {})
        if isinstance(resolved, Software) and resolved.hub_only and not hub:
            continue
        sources = [resolved, *(project.entries[name].resolved(release, {}) for name in _required(resolved))]
        if resolved.installable is True and all(isinstance(each.apt, Absent) for each in sources):
            found.update(() if isinstance(resolved.packages, Absent) else resolved.packages)
        for plugin in () if isinstance(resolved.munin, Absent) else resolved.munin:
            found.update(plugin.packages)
    return sorted(found)


def _required(entry: Entry) -> tuple[str, ...]:
    """What must be beside an entry; software alone has others beside it."""
    return given(entry.requires) if isinstance(entry, Software) else ()


def tree(release: int, config: pytest.Config | None = None, *, hub: bool = False) -> Path:
    """The tree of a release, for servers or for hubs; its progress is shown where it must be built."""
    reporter = config.pluginmanager.get_plugin("terminalreporter") if config else None
    return ensure_tree(release, packages(release, hub=hub), reporter.write_line if reporter else print)
