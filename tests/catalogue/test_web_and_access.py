"""nginx, PHP, firewall, SSH and users: what is rendered for the example, and for others."""

import re
from dataclasses import replace

import pytest

from managed_server.inputs import load_project
from managed_server.rendering import render_server
from managed_server.resolve import resolve_stack

SITE = "www.widgets.example"


@pytest.fixture(scope="module")
def project(root):
    return load_project(root)


@pytest.fixture(scope="module")
def example(root):
    return (root / "stacks/Pulumi.example.yaml").read_text()


@pytest.fixture
def resolved(project, example, tmp_path):
    """The example customer with other lines in its stack file; None takes a line out."""

    def change(**lines):
        text = example
        for old, new in lines.items():
            line = "" if new is None else rf"\g<1>{old}: {new}"
            text, count = re.subn(rf"(?m)^( +){old}: .*$", line, text)
            assert count, old
        (tmp_path / "stacks").mkdir(exist_ok=True)
        (tmp_path / "stacks/Pulumi.example.yaml").write_text(text)
        return resolve_stack(replace(project, root=tmp_path), "example")[0]

    return change


@pytest.fixture
def rendered(root, resolved):
    """The text of every file of the example's server, by path."""

    def render(**lines):
        customer = resolved(**lines)
        return {
            file.path: file.content.decode()
            for file in render_server(root / "templates", customer, customer.servers[0])
        }

    return render


# --- what is rendered ------------------------------------------------------------------------------


def test_a_vhost_hands_php_to_the_pool_only_where_there_is_one(rendered):
    with_php = rendered()
    vhost = with_php[f"/etc/nginx/sites-enabled/{SITE}.conf"]
    pool = with_php["/etc/php/8.4/fpm/pool.d/www.conf"]
    socket = re.search(r"^listen = (\S+)$", pool, re.MULTILINE).group(1)
    assert f"fastcgi_pass unix:{socket};" in vhost
    without = rendered(software="[nginx]", php=None, settings=None)
    assert "fastcgi" not in without[f"/etc/nginx/sites-enabled/{SITE}.conf"]
    assert "fpm" not in without["/etc/nginx/conf.d/status.conf"]


def test_releases_differ(rendered):
    old, new = rendered(debian="12"), rendered(debian="13")
    assert "http2 on;" in new["/etc/nginx/nginx.conf"]
    assert "http2 on;" not in old["/etc/nginx/nginx.conf"]
    assert "ssl http2 default_server" in old["/etc/nginx/conf.d/default.conf"]
    assert "/run/php/php8.2-fpm.sock" in old["/etc/php/8.2/fpm/pool.d/www.conf"]


@pytest.mark.parametrize("children", [2, 3, 500])
@pytest.mark.parametrize("pm", ["static", "dynamic", "ondemand"])
def test_pool_sizes_are_in_order(rendered, pm, children):
    pool = rendered(php=f"{{pm: {pm}, pm_max_children: {children}}}")["/etc/php/8.4/fpm/pool.d/www.conf"]
    sizes = {name: int(value) for name, value in re.findall(r"^pm\.(\w+) = (\d+)$", pool, re.MULTILINE)}
    assert sizes["max_children"] == children
    assert ("start_servers" in sizes) == (pm == "dynamic")
    if pm == "dynamic":  # what FPM demands of them
        assert 1 <= sizes["min_spare_servers"] <= sizes["max_spare_servers"] <= children
        assert sizes["min_spare_servers"] <= sizes["start_servers"] <= sizes["max_spare_servers"]


def test_the_firewall_holds_each_rule_of_the_server_and_no_other(rendered, resolved):
    rules = resolved().servers[0].rules
    conf = rendered()["/etc/nftables.conf"]
    found = []
    for direction, chain in (("in", "incoming"), ("out", "outgoing")):
        body = conf.split(f"chain {chain} {{")[1].split("\n    }\n")[0]
        for line in re.findall(r"(?m)^ +(.*(?:accept|jump \w+)) # ", body):
            match = re.fullmatch(
                r"(?:meta nfproto (ipv[46])|ip6? [sd]addr (\S+)) (tcp|udp) dport (\d+) (?:accept|jump \w+)",
                line,
            )
            assert match, line
            world, network, protocol, port = match.groups()
            network = network or {"ipv4": "0.0.0.0/0", "ipv6": "::/0"}[world]
            found.append((direction, protocol, int(port), network))
    assert sorted(found) == sorted((r.direction, r.protocol, r.port, r.network) for r in rules)
    assert "flush ruleset" not in conf


def test_stopping_the_unit_flushes_nothing(rendered):
    """The package's ExecStop flushes every table, and each upgrade of the package restarts the unit."""
    lines = rendered()["/etc/systemd/system/nftables.service.d/managed.conf"].splitlines()
    assert [line for line in lines if line.startswith("ExecStop")] == ["ExecStop="]  # empty: takes it back


def test_keys_stand_in_the_users_own_file_until_they_expire(rendered):
    files = rendered()
    alice, bob = (files[f"/etc/ssh/authorized_keys.d/{name}"] for name in ("alice", "bob"))
    assert re.search(r"^ssh-ed25519 AAAA\S+ alice@widgets\.example$", alice, re.MULTILINE)
    assert re.search(r'^expiry-time="20270630235959Z" ssh-ed25519 AAAA\S+ bob@', bob, re.MULTILINE)


def test_sudo_and_ssh_name_the_same_accounts(project):
    users, ssh = project.entries["users"].facts(13, {}), project.entries["ssh"].facts(13, {})
    assert ssh["group"] == users["group"]
    assert users["group"] != users["admins"]  # not everybody is an administrator


def test_intrusion_protection_reads_what_ssh_and_sites_log(resolved):
    server = resolved().servers[0]
    paths = [log.path for log in server.logs]
    assert {"/var/log/auth.log", "/var/log/nginx/access.log"} <= set(paths)
    assert len(paths) == len(set(paths))
    assert "rsyslog" in server.packages  # without it, there is no auth.log
