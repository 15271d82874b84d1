"""Chains of HTTP software: who listens where, and who asks whom, as rendered."""

import re

import pytest

from managed_server.problems import InputError
from managed_server.reports.check import check_stacks
from tests.stackfile import STACK, write_stack

from .http_stand import BALANCER
from .support import customer, files_of

FRONT = {(80, "any"), (443, "any")}
BY = "\n        served_by: [{}]"


def resolved(folder, software, settings="{}", served_by=""):
    by = BY.format(served_by) if served_by else ""
    changes = {
        "software: [nginx, php]": f"software: [{software}]",
        "disk_gb: 80": f"disk_gb: 80\n        settings: {settings}{by}",
    }
    return customer(folder, changes)


def ports(server, entry):
    return {(listen.port, listen.bind) for listen in server.listens if listen.origin == entry}


@pytest.mark.parametrize(
    ("software", "settings", "front", "behind"),
    [
        ("haproxy, varnish, nginx, php", "{}", "haproxy", {"varnish": 6081, "nginx": 8080}),
        ("haproxy, apache, php", "{}", "haproxy", {"apache": 8081}),
        ("haproxy, nginx, apache, php", "{}", "haproxy", {"apache": 8081, "nginx": 8080}),
        ("varnish, tomcat", "{}", "varnish", {"tomcat": 8088}),
        ("nginx, nodejs", "{nodejs: {application: true}}", "nginx", {"nodejs": 3000}),
        ("nginx, python", "{python: {application: true}}", "nginx", {"python": 8000}),
        ("haproxy", "{}", "haproxy", {}),
        ("varnish", "{}", "varnish", {}),
        ("tomcat", "{}", "tomcat", {}),
        ("nodejs", "{nodejs: {application: true, backend_port: 4000}}", "nodejs", {}),
    ],
)
def test_the_front_alone_is_public(tmp_path, software, settings, front, behind):
    text = "        sites: [www.acme.example]\n"
    web = {"nginx", "apache"} <= set(software.split(", "))
    changes = {
        "software: [nginx, php]": f"software: [{software}]",
        "disk_gb: 80": f"disk_gb: 80\n        settings: {settings}{BY.format('apache') if web else ''}",
        # Two web servers would both want the site's folders.
        text: "" if web else text,
    }
    server = customer(tmp_path, changes).servers[0]
    public = {(listen.origin, listen.port) for listen in server.listens if listen.reach == "world"}
    speaks_tls = front in {"haproxy", "nginx", "apache"}
    assert public == {(front, 80), *([(front, 443)] if speaks_tls else [])}
    for entry, port in behind.items():
        assert (port, "loopback") in ports(server, entry)
        assert not FRONT & ports(server, entry)


@pytest.mark.parametrize("software", ["nodejs", "python"])
def test_a_runtime_alone_runs_nothing(tmp_path, software):
    server = resolved(tmp_path, software).servers[0]
    assert ports(server, software) == set()
    [check] = [check for check in server.checks if check.origin == software]
    program = {"nodejs": "node", "python": "python3"}[software]
    assert check.command == f"/usr/local/lib/managed-server/plugins/check-runs /usr/bin/{program}"
    assert [unit for unit in server.units if unit.origin == software] == []
    assert software in server.packages or f"{software}3" in server.packages


def site(root, spec, name="nginx"):
    return {path: file.content.decode() for path, file in files_of(root, spec, [name]).items()}


def test_beside_a_runtime_alone_nginx_asks_nobody(root, tmp_path):
    files = site(root, resolved(tmp_path, "nginx, nodejs"))
    assert "@application" not in files["/etc/nginx/sites-enabled/www.acme.example.conf"]


def test_nginx_hands_the_application_what_is_no_file(root, tmp_path):
    spec = resolved(tmp_path, "nginx, nodejs", "{nodejs: {application: true, backend_port: 4000}}")
    files = site(root, spec)
    vhost = files["/etc/nginx/sites-enabled/www.acme.example.conf"]
    assert "try_files $uri @application;" in vhost
    assert re.findall(r"proxy_pass (\S+);", vhost) == ["http://127.0.0.1:4000"]
    assert "X-Forwarded-Proto $scheme;" in vhost
    assert "map $http_upgrade" in files["/etc/nginx/nginx.conf"]
    assert "real_ip_header" not in files["/etc/nginx/nginx.conf"], "in front, nobody says who the client is"


def test_behind_another_nginx_believes_it_and_nobody_else(root, tmp_path):
    files = site(root, resolved(tmp_path, "haproxy, nginx, php", "{nginx: {backend_port: 8888}}"))
    vhost = files["/etc/nginx/sites-enabled/www.acme.example.conf"]
    assert re.findall(r"listen (\S+);", vhost) == ["127.0.0.1:8888"]
    assert "fastcgi_param HTTPS $managed_https if_not_empty;" in vhost
    assert re.findall(r"set_real_ip_from (\S+);", files["/etc/nginx/nginx.conf"]) == ["127.0.0.1"]


def test_of_two_web_servers_one_shows_the_pools_pages(root, tmp_path):
    changes = {
        "software: [nginx, php]": "software: [haproxy, apache, nginx, php]" + BY.format("apache"),
        "        sites: [www.acme.example]\n": "",
    }
    spec = customer(tmp_path, changes)
    apache, nginx = site(root, spec, "apache"), site(root, spec, "nginx")
    assert "127.0.0.1:8191" in apache["/etc/apache2/sites-enabled/000-managed.conf"]
    assert "127.0.0.1:8191" not in nginx["/etc/nginx/conf.d/status.conf"]


@pytest.mark.parametrize("setting", ["10.0.0.5", "10.0.0.5 10.0.0.6", ""])
def test_a_load_balancer_shares_among_other_servers(root, tmp_path, setting):
    spec = resolved(tmp_path, "haproxy, nginx", f'{{haproxy: {{backends: "{setting}"}}}}')
    text = site(root, spec, "haproxy")["/etc/haproxy/haproxy.cfg"]
    asked = re.findall(r"^    server \S+ (\S+)$", text, re.MULTILINE)
    assert asked == ([f"{address}:80" for address in setting.split()] or ["127.0.0.1:8080"])


@pytest.mark.parametrize("setting", ["10.0.0.5:80", "web2", "10.0.0.5,10.0.0.6", "10.0.0.5\\n server"])
def test_what_is_no_address_is_refused(tmp_path, setting):
    with pytest.raises(InputError, match="does not match"):
        resolved(tmp_path, "haproxy", f'{{haproxy: {{backends: "{setting}"}}}}')


BOTH = "{nodejs: {application: true}, python: {application: true}}"


@pytest.mark.parametrize(
    ("software", "settings", "named", "port"),
    [
        ("nginx, tomcat, jenkins", "{}", "tomcat", "8088"),
        ("nginx, tomcat, jenkins", "{}", "jenkins", "8884"),
        ("apache, tomcat, gitlab", "{}", "tomcat", "8088"),
        ("nginx, python, nodejs", BOTH, "python", "8000"),
        ("haproxy, apache, nginx, python, nodejs", BOTH, "nginx, nodejs", "3000"),
        ("nginx, php, jenkins", "{}", "jenkins", "8884"),
        ("nginx, php, jenkins", "{}", "php", ""),
        ("apache, php, gitlab", "{}", "php", ""),
    ],
)
def test_of_several_applications_the_one_that_is_named_has_the_sites(
    root, tmp_path, software, settings, named, port
):
    changes = {
        "software: [nginx, php]": f"software: [{software}]\n        settings: {settings}" + BY.format(named)
    }
    if {"nginx", "apache"} <= set(software.split(", ")):  # both would want the site's folders
        changes["        sites: [www.acme.example]\n"] = ""
    spec = customer(tmp_path, changes)
    [web] = [name for name in ("nginx", "apache") if name in named] or [software.split(", ")[0]]
    if "haproxy" not in software:
        text = "".join(site(root, spec, web).values())
        assert set(re.findall(r"http://127\.0\.0\.1:([0-9]+)", text)) == ({port} if port else set())
    else:
        assert str(spec.servers[0].entry(web).facts["http_upstream"]) == port
        assert "server here 127.0.0.1:8080" in site(root, spec, "haproxy")["/etc/haproxy/haproxy.cfg"]


@pytest.mark.parametrize(
    ("software", "settings", "named", "said"),
    [
        (
            *("nginx, tomcat, jenkins", "{}", ""),
            "pass requests on to one of them; write which with served_by: [jenkins] or [tomcat]",
        ),
        ("nginx, tomcat, gitlab", "{}", "", "served_by: [gitlab] or [tomcat]"),
        ("nginx, python, nodejs", BOTH, "", "served_by: [nodejs] or [python]"),
        ("nginx, php, jenkins", "{}", "", "served_by: [jenkins] or [php]"),
        ("haproxy, apache, nginx", "{}", "", "'haproxy' has 'apache' and 'nginx' behind it"),
        ("nginx, tomcat, jenkins", "{}", "jenkins, tomcat", "served_by: 'nginx' has 'jenkins' and 'tomcat'"),
        (
            "nginx, tomcat, jenkins",
            "{}",
            "tomcta",
            "served_by[0]: the server has no 'tomcta'; did you mean tomcat?",
        ),
        ("nginx, tomcat", "{}", "tomcat, tomcat", "served_by[1]: 'tomcat' is listed twice"),
        ("nginx, tomcat", "{}", "nginx", "passes requests on to 'nginx'; take it out"),
        ("nginx, tomcat, nodejs", "{}", "nodejs", "passes requests on to 'nodejs'; take it out"),
    ],
)
def test_which_application_has_the_sites_is_never_guessed(tmp_path, software, settings, named, said):
    with pytest.raises(InputError) as caught:
        resolved(tmp_path, software, settings, named)
    assert any(said in str(problem) for problem in caught.value.problems), caught.value.problems


@pytest.mark.parametrize("software", ["nginx, tomcat, nodejs", "nginx, php, nodejs", "haproxy, nginx, php"])
def test_where_there_is_one_choice_nobody_is_asked(tmp_path, software):
    resolved(tmp_path, software)


def test_gitlab_in_front_believes_the_server_before_it(root, tmp_path):
    changes = {"software: [nginx, php]": "software: [gitlab]\n        behind: [zlb1]"}
    text = "".join(site(root, customer(tmp_path, changes, BALANCER), "gitlab").values())
    assert "['real_ip_trusted_addresses'] = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']" in text
    assert "real_ip" not in "".join(site(root, resolved(tmp_path, "gitlab"), "gitlab").values())


@pytest.mark.parametrize("software", ["php", "fastcgi"])
def test_a_backend_needs_one_of_the_web_servers(tmp_path, software):
    with pytest.raises(InputError, match=rf"'{software}' requires 'apache' or 'nginx'; add one of them"):
        resolved(tmp_path, software)
    for web in ("apache", "nginx"):
        resolved(tmp_path, f"{web}, {software}")


def test_the_check_has_nothing_against_the_usual_chains(inputs):
    servers = {
        "web1": "[haproxy, varnish, nginx, php, redis, percona]",
        "web2": "[haproxy, apache, php, fastcgi]",
        "web3": "[varnish, tomcat]",
        "web4": "[nginx, nodejs, python, fastcgi]\n        settings: {nodejs: {application: true}}",
        "web5": "[apache]",
        "web6": "[nodejs]\n        settings: {nodejs: {application: true}}",
        "web7": "[python]\n        settings: {python: {application: true, interface: asgi}}",
    }
    head, _, server = STACK.partition("      web1:\n")
    text = head + "".join(
        f"      {name}:\n" + server.replace("[nginx, php]", software) for name, software in servers.items()
    )
    write_stack(inputs, text)
    found = check_stacks(inputs, ["acme"])
    assert [problem for problem in found.problems if problem.severity == "error"] == []
    [stack] = found.stacks
    assert {server.name for server in stack.servers} == set(servers)
