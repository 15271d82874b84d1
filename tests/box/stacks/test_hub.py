"""The hub's real Nagios and Munin watch real servers, over NRPE with certificates, through both firewalls."""

import urllib.request

from tests.box.stacks.fleet import until
from tests.box.stacks.watching import settle


def test_all_servers_are_watched_and_all_is_well(fleet, hub_server):
    settle(fleet, hub_server)


def test_nobody_else_is_answered(web1, admin, foreign):
    """NRPE's port is closed to others; and whoever has the hub's address has not its certificate."""
    address = web1.box.machine.addresses[0]
    assert 5666 not in admin.reaches(address, [5666])
    assert 5666 not in foreign.reaches(address, [5666])


def test_servers_are_graphed(fleet, hub_server):
    def drawn():
        done = hub_server.box.run(["find", "/var/cache/munin/www", "-name", "*.html"])
        pages = done.stdout
        return all(server.spec.host_name in pages for server in fleet.servers.values())

    hub_server.box.run(
        ["setpriv", "--reuid=munin", "--regid=munin", "--init-groups", "munin-cron"], timeout=180
    )
    until(drawn, 60, "no graphs")
    for plugin in ("nginx_request", "load"):
        found = hub_server.box.run(["find", "/var/lib/munin", "-name", f"*web1*{plugin}*.rrd"]).stdout
        assert found, plugin


def test_the_pages_are_on_the_hosts_loopback(fleet):
    port = fleet.session.plan().pages_port
    for path in ("/nagios4/", "/munin/"):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            assert answer.status == 200
