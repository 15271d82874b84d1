"""The hub's real Nagios and Munin watch real servers, over NRPE with certificates, through both firewalls."""

import time
import urllib.request

from tests.box.stacks.test_checks import PICTURES, first_munin_round, munin_round
from tests.box.stacks.watching import settle


def test_all_servers_are_watched_and_all_is_well(watched, hub_server):
    first_munin_round(hub_server)
    settle(watched, hub_server)


def test_nobody_else_is_answered(web1, admin, foreign):
    """NRPE's port is closed to others; and whoever has the hub's address has not its certificate."""
    address = web1.box.machine.addresses[0]
    assert 5666 not in admin.reaches(address, [5666])
    assert 5666 not in foreign.reaches(address, [5666])


# Each file of figures below a customer's folder, and the last figure that was written down.
FIGURES = """
foreach my $file (glob("/var/lib/munin/*/*.rrd")) {
    my $known = RRDs::info($file);
    my ($last) = grep { /last_ds$/ } keys %$known;
    print "$file $known->{$last}\\n";
}
"""
# One plugin may have many graphs, whose names are its own affair.
GRAPHS = """
import subprocess, sys
for plugin in sys.argv[1:]:
    said = subprocess.run(["munin-run", plugin, "config"], capture_output=True, text=True).stdout
    lines = [line.split() for line in said.splitlines()]
    print(plugin, *(words[1] for words in lines if words[:1] == ["multigraph"] and "." not in words[1]))
"""


def drawn(hub):
    """Each graph, as customer, host and name: whether all its figures are known, and a picture shows them."""
    said = hub.box.run(["perl", "-MRRDs", "-e", FIGURES], timeout=120, check=True).stdout
    known = [line.removeprefix("/var/lib/munin/").split() for line in said.splitlines()]
    said = hub.box.run(["find", PICTURES, "-name", "*-day.png", "-size", "+0", "-printf", "%P\n"], check=True)
    pictures = [path.removesuffix("-day.png").split("/") for path in said.stdout.splitlines()]
    found = {}
    for customer, host, graph in (path for path in pictures if len(path) == 3):
        own = [last for file, last in known if file.startswith(f"{customer}/{host}-{graph}-")]
        found[customer, host, graph] = bool(own) and "U" not in own
    return found


def test_servers_are_graphed(watched, hub_server):
    """Each plugin of each server."""
    graphs = {}  # of the plugins that have none of their own name

    def undrawn():
        munin_round(hub_server)
        found, late = drawn(hub_server), []
        for server in watched.servers.values():
            it = (server.customer.id, server.spec.host_name)
            names = [plugin.name for plugin in server.spec.munin if not found.get((*it, plugin.name))]
            if names and it not in graphs:
                said = server.box.run(["python3", "-I", "-c", GRAPHS, *names], timeout=120, check=True).stdout
                graphs[it] = {name: many for name, *many in map(str.split, said.splitlines())}
            for name in names:
                many = graphs[it].get(name, [])
                if not many or not all(found.get((*it, graph)) for graph in many):
                    late.append((*it, name))
        return late

    deadline = time.monotonic() + 300
    while late := undrawn():
        assert time.monotonic() < deadline, late
        time.sleep(5)


def test_the_pages_are_on_the_hosts_loopback(fleet, hub_server):
    first_munin_round(hub_server)
    port = fleet.session.plan().pages_port
    for path in ("/nagios4/", "/munin/"):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
            assert answer.status == 200
