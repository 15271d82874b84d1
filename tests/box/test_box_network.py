"""Machines and clients have their own addresses, reach each other, and nothing beside what is forwarded."""

import subprocess
import urllib.request
from pathlib import Path

import pytest

from managed_server.local.debian.tree import cache_directory

pytestmark = pytest.mark.machine

SERVER = """
import http.server, socket
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.client_address[0].removeprefix("::ffff:").encode())
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
Server(("::", 80), Handler).serve_forever()
"""
ASK = "curl -sS --max-time 5 http://{}/"
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)
    print("connected")
except OSError as error:
    print(error.strerror or error)
"""


def in_namespace(namespace: str, command: str) -> subprocess.CompletedProcess[str]:
    argv = ["ip", "netns", "exec", namespace, "bash", "-c", command]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


def connect(box, host: str, port: int) -> str:
    return box.run(["python3", "-c", CONNECT, host, str(port)]).stdout.strip()


@pytest.fixture(scope="module")
def web(session):
    """A server on `one` that tells whom it saw."""
    box = session.box("one")
    box.write("/srv/tell.py", SERVER)
    box.run("systemd-run --unit=tell python3 /srv/tell.py", check=True)
    box.run(
        "for _ in {1..600}; do curl -so /dev/null http://127.0.0.1/ && exit; sleep 0.1; done; exit 1",
        check=True,
    )
    yield box
    box.run(["systemctl", "stop", "tell"])


def test_a_machine_sees_the_true_source(web, two):
    v4, v6 = web.machine.addresses
    assert two.run(ASK.format(v4)).stdout == two.machine.addresses[0]
    assert two.run(ASK.format(f"[{v6}]")).stdout == two.machine.addresses[1]
    assert two.run(ASK.format(web.name)).stdout in two.machine.addresses, "by its name"


def test_machines_of_one_customer_know_one_another_by_private_addresses(web, two):
    assert two.run(ASK.format(web.machine.private)).stdout == two.machine.private


def test_clients_of_any_address_and_a_firewall_that_tells_them_apart(web, session):
    admin = session.client("admin", "192.0.2.5", "2001:db8:aa::5")
    foreign = session.client("foreign", "192.0.2.99", "2001:db8:bb::99")
    v4, v6 = web.machine.addresses
    assert in_namespace(admin, ASK.format(v4)).stdout == "192.0.2.5"
    assert in_namespace(foreign, ASK.format(f"[{v6}]")).stdout == "2001:db8:bb::99"
    rules = [
        ["iptables", "-I", "INPUT", "-s", "192.0.2.99", "-j", "REJECT"],
        ["ip6tables", "-I", "INPUT", "-s", "2001:db8:bb::/64", "-j", "REJECT"],
    ]
    for rule in rules:
        web.run(rule, check=True)
    try:
        for address in (v4, f"[{v6}]"):
            assert in_namespace(admin, ASK.format(address)).returncode == 0
            assert "Couldn't connect" in in_namespace(foreign, ASK.format(address)).stderr
    finally:
        for program, _, *rule in rules:
            web.run([program, "-D", *rule], check=True)


def test_machines_reach_nothing_else(one, session):
    assert connect(one, "198.18.0.1", 80) == "Network is unreachable"
    assert connect(one, "2001:db8:ffff::1", 80) in ("Network is unreachable", "No route to host")
    route = subprocess.run(["ip", "-o", "-4", "address"], capture_output=True, text=True, check=True)
    hosts = [line.split()[3].partition("/")[0] for line in route.stdout.splitlines()]
    for address in (host for host in hosts if not host.startswith("127.")):
        assert connect(one, address, 22) == "Network is unreachable", "the host"
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    assert "veth" not in links
    assert session.prefix not in links


def test_the_local_aws_is_cut_and_mended(one, session):
    assert connect(one, "169.254.169.253", 80) == "connected"
    session.cut("aws")
    assert connect(one, "169.254.169.253", 80) == "Network is unreachable"
    session.mend("aws")
    assert connect(one, "169.254.169.253", 80) == "connected"


def test_one_machine_alone_is_cut_off_from_it(one, two, session):
    session.cut("aws", of="one")
    session.cut("two", of="one")
    assert connect(one, "169.254.169.253", 80) == "No route to host"
    assert {connect(one, address, 22) for address in two.machine.addresses} == {"No route to host"}
    assert connect(two, "169.254.169.253", 80) == "connected"
    session.mend("aws", of="one")
    session.mend("two", of="one")
    assert connect(one, "169.254.169.253", 80) == "connected"
    assert connect(one, two.machine.addresses[0], 22) == "connected"


def test_a_name_is_free_again_at_once(session):
    """The kernel removes the link of a namespace that is gone some time later, and then all at once."""
    for _ in range(20):
        session.client("often", "192.0.2.77")
        session.network.detach("often")


def test_a_machine_is_cut_off_and_mended(one, two, session):
    address = two.machine.addresses[0]
    session.cut("two")
    assert connect(one, address, 22) == "No route to host"
    session.mend("two")
    assert connect(one, address, 22) == "connected"


def test_packages_come_from_the_mirror_and_are_kept(session, one):
    cache = cache_directory() / "packages-13"
    session.cut("mirror")
    failed = one.run("apt-get -o Acquire::Retries=0 update --error-on=any", timeout=120)
    assert failed.returncode != 0
    session.mend("mirror")
    one.run(
        "apt-get update --error-on=any && apt-get -y --download-only install hello", timeout=180, check=True
    )
    one.keep_packages()
    [kept] = cache.glob("hello_*.deb")
    assert one.run(["test", "-s", f"/var/cache/apt/archives/{kept.name}"]).returncode == 0


def test_a_new_machine_has_what_was_downloaded_before(cloud, new_session):
    (cache := cache_directory() / "packages-13").mkdir(parents=True, exist_ok=True)
    marker = cache / "box-test_1_all.deb"
    marker.write_text("not a package, but in the way of none")
    try:
        session = new_session()
        session.up([cloud.machine("late")], hub="", office="203.0.113.1", aliases={})
        assert session.box("late").read(f"/var/cache/apt/archives/{marker.name}") == marker.read_text()
    finally:
        marker.unlink()


@pytest.mark.usefixtures("web")
def test_the_hubs_pages_on_the_hosts_loopback(session):
    with urllib.request.urlopen(f"http://127.0.0.1:{session.plan().pages_port}/", timeout=60) as page:
        assert page.read() == b"203.0.113.1", "asked from the office"


def test_names(one):
    assert one.run(["getent", "hosts", "two"]).returncode == 0
    assert one.run(["getent", "ahostsv4", "mail.hosting.example"]).stdout.startswith("203.0.113.100 ")
    assert one.run(["getent", "hosts", "unknown.example"]).returncode == 2


def test_sysctl_of_the_network_is_the_machines_own(one):
    here = Path("/proc/sys/net/ipv4/ping_group_range").read_text()
    assert one.read("/proc/sys/net/ipv4/ping_group_range").split() == ["0", "2147483647"], "Debian's default"
    one.run(["sysctl", "-qw", "net.ipv4.tcp_syncookies=2"], check=True)
    assert Path("/proc/sys/net/ipv4/ping_group_range").read_text() == here
    assert Path("/proc/sys/net/ipv4/tcp_syncookies").read_text().strip() != "2"
