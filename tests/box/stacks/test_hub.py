"""The hub's real Nagios and Munin watch real servers, over NRPE with certificates, through both firewalls."""

import re
import time
import urllib.request

from tests.box.stacks.fleet import until
from tests.box.stacks.relay import messages
from tests.box.stacks.test_checks import NOT_IN_A_BOX

STATUS = "/var/lib/nagios4/status.dat"
LATE = 300  # seconds; by design at most 90 for an urgent check: how long it took is told, not asserted
SERVED = ("example-web1", "hub-mon1")


def services(hub):
    """State and output of each service that Nagios has asked for at least once, by host and name."""
    found = {}
    for block in re.findall(r"^servicestatus \{(.*?)^\t\}", hub.box.read(STATUS), re.MULTILINE | re.DOTALL):
        values = dict(line.strip().split("=", 1) for line in block.splitlines() if "=" in line)
        if values["has_been_checked"] == "1":
            key = values["host_name"], values["service_description"]
            found[key] = (int(values["current_state"]), values["plugin_output"])
    return found


def ask_now(hub, keys):
    """Have Nagios ask at once: the first round of the slow checks takes a quarter of an hour."""
    now = int(time.time())
    lines = [f"[{now}] SCHEDULE_FORCED_SVC_CHECK;{host};{service};{now}" for host, service in keys]
    hub.box.run(["tee", "/var/lib/nagios4/rw/nagios.cmd"], input="".join(f"{line}\n" for line in lines))


def expected(fleet):
    """All services, but those of what can't be installed here."""
    return {
        (server.spec.host_name, check.name)
        for server in fleet.servers.values()
        for check in server.spec.checks
        if not server.spec.needs(check.origin) and check.name not in NOT_IN_A_BOX
    }


def test_all_servers_are_watched_and_all_is_well(fleet, hub_server):
    wanted = expected(fleet)

    def settled():
        known = services(hub_server)
        late = [key for key in wanted if known.get(key, (9,))[0] != 0]
        ask_now(hub_server, late)
        return not late

    try:
        until(settled, 300, "not all is well", 15)
    except AssertionError:
        known = services(hub_server)
        bad = {key: known.get(key, "never asked") for key in wanted if known.get(key, (9,))[0] != 0}
        raise AssertionError(bad) from None


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


def test_an_outage_pages_and_a_second_one_soon_after_pages_again(web1, hub_server, mail, progress):
    pager = hub_server.customer.provider.page_email
    for outage in ("first", "second"):
        before = len(messages(mail))
        began = time.monotonic()
        web1.box.run("systemctl stop nginx", check=True)

        def page(before=before):
            for message in messages(mail)[before:]:
                about = message["Subject"]
                if message["To"] == pager and "example-web1: nginx-status is CRITICAL" in about:
                    return message
            return None

        try:
            message = until(page, LATE, f"no page of the {outage} outage")
        finally:
            web1.box.run("systemctl start nginx", check=True)
        progress(f"page of the {outage} outage after {time.monotonic() - began:.0f} s")
        text = message.get_content()
        for said in (
            "urgent",
            "within 15 minutes",
            "may call from",
            "within the service level agreement",
            "web",
        ):
            assert said in text, text

        def over():
            return services(hub_server)[("example-web1", "nginx-status")][0] == 0

        until(over, LATE, "Nagios doesn't see that it is over")
