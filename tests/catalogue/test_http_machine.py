"""Chains of HTTP software at work: each link answers where its entry says, and knows the client."""

# ruff: noqa: E501  lines of the shell

import re

import pytest

from tests.validators.server import validate_server

from .http_looks import APPLICATION, CERTIFICATE, FORGED, looked_at
from .http_stand import SITE, stand
from .support import customer, files_of

pytestmark = pytest.mark.machine

RELEASES_OF_RULES = (12, 13)

PHP = """echo '<?php echo implode(" ", ["php", $_SERVER["REMOTE_ADDR"], $_SERVER["HTTPS"] ?? "off", $_SERVER["HTTP_HOST"], getenv("HTTP_PROXY") ?: $_SERVER["HTTP_PROXY"] ?? ""]);' >index.php
"""
CGI = """printf '#!/bin/sh\\nprintf "Content-Type: text/plain\\\\r\\\\n\\\\r\\\\ncgi $SCRIPT_FILENAME $QUERY_STRING"\\n' >do.cgi; chmod 755 do.cgi
"""


@pytest.mark.parametrize(
    ("chain", "settings", "served_by"),
    [
        (
            "haproxy, varnish, apache, php, fastcgi, nodejs, python, tomcat",
            {"nodejs": {"application": True}, "python": {"application": True}},
            "nodejs",
        ),
        (
            "nginx, php, fastcgi, tomcat, python",
            {"python": {"application": True, "interface": "asgi"}},
            "python",
        ),
        ("apache", {"apache": {"htaccess": False}}, ""),
        ("varnish", {}, ""),
        ("tomcat, nodejs", {}, ""),
    ],
)
def test_its_program_accepts_every_file(http, chain, settings, served_by):
    here = http(chain, settings, served_by)
    findings = validate_server(
        here.tree,
        here.files,
        links={link.path: link.target for link in here.server.links if link.origin in here.software},
        absent=[gone.path for gone in here.server.removed if gone.origin in here.software],
        hostname=here.server.host_name,
    )
    assert [(f.path, f.validator, f.output) for f in findings if not f.ok] == []
    assert set(here.files) <= {finding.path for finding in findings}


def test_load_balancer_cache_web_server_and_php(http):
    said = looked_at(
        http("haproxy, varnish, nginx, php"),
        f"""
cd /var/www/{SITE}/public; {PHP}{CERTIFICATE}
for _ in $(seq 600); do /usr/local/lib/managed-server/plugins/check-haproxy-backends 8404 >/dev/null && break; sleep 0.3; done
echo plain >page.html
get --interface 192.0.2.9 {FORGED} -H 'X-Forwarded-Proto: https' http://{SITE}/
get https://{SITE}/
cat /tmp/c /tmp/k >/etc/haproxy/customer.d/certificates/site.pem; kill -USR2 $(cat /run/haproxy.pid); sleep 2
get --interface 192.0.2.9 https://{SITE}/
get https://unknown.example/ --resolve unknown.example:443:127.0.0.1
get -o /dev/null http://{SITE}/page.html
get -o /dev/null -D /tmp/h http://{SITE}/page.html; grep -ic '^x-varnish: [0-9]* [0-9]' /tmp/h
curl -s http://127.0.0.1:6083/nothing -o /dev/null -w '%{{http_code}}\n'
get http://{SITE}/varnish-ping
""",
    )
    assert said[0] == f"php 192.0.2.9 off {SITE}  200", said
    assert said[1] == " 000", "no certificate, no handshake"
    assert said[2] == f"php 192.0.2.9 on {SITE}  200"
    assert said[3:6] == [" 000", " 200", " 200"]
    assert said[6:8] == ["1", "404"], "the second time it comes from the cache"
    assert said[8].startswith("php "), "the check's page is no part of the site"


def test_load_balancer_apache_php_and_programs(http):
    said = looked_at(
        http("haproxy, apache, php, fastcgi"),
        f"""
cd /var/www/{SITE}/public; {PHP}{CGI}
for _ in $(seq 600); do /usr/local/lib/managed-server/plugins/check-haproxy-backends 8404 >/dev/null && break; sleep 0.3; done
get --interface 192.0.2.9 {FORGED} http://{SITE}/
get http://{SITE}/any/route
get 'http://{SITE}/do.cgi?a=1'
get -o /dev/null http://{SITE}/none.cgi
touch .env; get -o /dev/null http://{SITE}/.env
get -o /dev/null http://unknown.example/ --resolve unknown.example:80:127.0.0.1
echo 'Redirect 302 /old /new' >.htaccess; get -o /dev/null http://{SITE}/old
get http://{SITE}/server-status
grep -c '^192.0.2.9 ' /var/log/apache2/access.log
""",
    )
    assert said[:2] == [f"php 192.0.2.9 off {SITE}  200", f"php 127.0.0.1 off {SITE}  200"], said
    assert said[2:4] == [f"cgi /var/www/{SITE}/public/do.cgi a=1 200", " 403"]
    assert said[4:7] == [" 403", " 403", " 302"]
    assert said[7].startswith("php "), "the status page is on its own port alone"
    assert said[8] == "1"


@pytest.mark.parametrize("rules", RELEASES_OF_RULES)
def test_cache_of_files_that_are_larger_than_its_memory(machines, root, tmp_path, rules):
    """Debian 12's rules as well: its Varnish runs nowhere here, a newer one takes them."""
    said = stand(
        rules, machines[1], tmp_path, root, ["varnish", "nginx"], {"varnish": {"memory_mb": 64}}
    ).run(
        f"""
cd /var/www/{SITE}/public
head -c 100000000 /dev/urandom >large; head -c 8200000 /dev/urandom >small; head -c 20000 /dev/zero >page
sum() {{ get --max-time 60 "$@" -w '' | sha256sum | cut -d ' ' -f 1; }}
same() {{ [ "$(sum "$@" http://{SITE}/$file)" = "$(sha256sum $file | cut -d ' ' -f 1)" ] && echo same || echo differs; }}
figure() {{ varnishstat -1 -f $1 | awk '{{print $2}}'; }}
file=large; same; same -H 'Cookie: a=1'
sum -r 99999000-99999999 http://{SITE}/large; tail -c +99999001 large | head -c 1000 | sha256sum | cut -d ' ' -f 1
get -r 99999000-99999999 -o /dev/null http://{SITE}/large
for cookie in '' 'Cookie: a=1'; do
    get --max-time 4 --limit-rate 100k -o /dev/null -H "$cookie" http://{SITE}/large & sleep 3
    echo holds $(( ($(figure SMA.Transient.g_bytes) + $(figure SMA.s0.g_bytes)) / 10000000 )) ; wait $!
done
seq 1 3200 | sed 's#.*#url = "http://127.0.0.1/page?&"\\noutput = /dev/null#' >/tmp/pages
curl -s -Z --parallel-max 8 -H 'Host: {SITE}' -K /tmp/pages
file=small; same; same; for _ in $(seq 50); do [ "$(figure MAIN.n_lru_nuked)" -gt 100 ] && echo nuked && break; sleep 0.1; done
curl -s http://{SITE}/small --resolve {SITE}:80:127.0.0.1 -o /dev/null -D - | grep -ic '^x-varnish: [0-9]* [0-9]'
"""
    )
    assert said[:2] == ["same", "same"], said
    assert said[2] == said[3]
    assert said[4:] == [" 206", "holds 0", " 200", "holds 0", " 200", "same", "same", "nuked", "1"], said


# As HAProxy on another server passes on what a client asked over TLS, who had forged an address: each on a line.
PASSED_ON = (
    "-H 'X-Forwarded-For: 198.51.100.7' -H 'X-Forwarded-For: 203.0.113.5' -H 'X-Forwarded-Proto: https'"
)
WHO_JSP = (
    "echo '<%= request.getRemoteAddr() %> <%= request.getScheme() %>' >/var/lib/$tomcat/webapps/ROOT/who.jsp"
)


@pytest.mark.parametrize(
    ("chain", "path", "log"),
    [
        ("nginx, php", "/who.php", "nginx/access.log"),
        ("nginx, nodejs", "/who", "nginx/access.log"),
        ("apache, php", "/who.php", "apache2/access.log"),
        ("apache, nodejs", "/who", "apache2/access.log"),
        ("varnish, nginx, php", "/who.php", "nginx/access.log"),
        ("varnish, apache, php", "/who.php", "apache2/access.log"),
        ("varnish, tomcat", "/who.jsp", "$tomcat/localhost_access_log.*.txt"),
        pytest.param("tomcat", "/who.jsp", "$tomcat/localhost_access_log.*.txt", marks=pytest.mark.soak),
    ],
)
def test_behind_another_server_it_is_believed_and_nobody_else(http, chain, path, log):
    settings = {"nodejs": {"application": True, "entry": "main.js"}} if "nodejs" in chain else None
    here = http(chain, settings, behind=True)
    if "nodejs" in chain:
        path_of = next(path for path in here.files if path.startswith("/srv/nodejs/"))
        here.files[path_of] = here.files[path_of]._replace(content=APPLICATION.encode())
    said = here.run(
        f"""
ip address add 10.80.0.9/32 dev lo
mkdir -p /var/www/{SITE}/public; cd /var/www/{SITE}/public
echo '<?php echo implode(" ", [$_SERVER["REMOTE_ADDR"], ($_SERVER["HTTPS"] ?? "") === "on" ? "https" : "http"]);' >who.php
[ -z "${{tomcat-}}" ] || {WHO_JSP}
get --interface 10.80.0.9 {PASSED_ON} http://{SITE}{path}?1
get --interface 10.80.0.9 {PASSED_ON.replace("https", "http")} http://{SITE}{path}?2
get --interface 192.0.2.9 {PASSED_ON} http://{SITE}{path}?3
# A request is logged when it has been answered.
for _ in $(seq 100); do [ "$(grep -v '^127.0.0.1' /var/log/{log} | wc -l)" -lt 3 ] || break; sleep 0.1; done
cut -d ' ' -f 1 /var/log/{log} | grep -v '^127.0.0.1' | sort | uniq -c | tr -s ' '
"""
    )
    found = [line.strip() for line in said if line.strip() and line.strip() != "200"]
    found = [line.removesuffix(" 200").removeprefix(f"node {path}?").strip() for line in found]
    found = [re.sub(r"^[0-9] www.acme.example ", "", line) for line in found]
    assert found[:3] == ["203.0.113.5 https", "203.0.113.5 http", "192.0.2.9 http"], said
    assert found[3:] == ["1 192.0.2.9", "2 203.0.113.5"], "so does its log"


@pytest.mark.parametrize("web", ["nginx", "apache"])
def test_a_load_balancer_on_another_server(http, root, tmp_path, web):
    """HAProxy itself, in a network namespace that stands in for its server."""
    here = http(f"{web}, php", behind=True)
    (tmp_path / "lb").mkdir()
    balancer = customer(
        tmp_path / "lb",
        {
            "software: [nginx, php]": 'software: [haproxy]\n        settings: {haproxy: {backends: "10.80.0.5"}}',
            "        sites: [www.acme.example]\n": "",
        },
    )
    here.files.update(files_of(root, balancer, ["haproxy"]))
    said = here.run(
        f"""
cd /var/www/{SITE}/public; {PHP}{CERTIFICATE}
mkdir -p /run/haproxy /etc/haproxy/customer.d/certificates /var/lib/haproxy/dev
cat /tmp/c /tmp/k >/etc/haproxy/customer.d/certificates/site.pem
unshare --net sleep 100 & other=$!; sleep 0.5
ip link add here type veth peer name there; ip link set there netns $other
ip address add 10.80.0.5/24 dev here; ip link set here up
on_it() {{ nsenter --target $other --net -- "$@"; }}
on_it ip link set lo up; on_it ip address add 10.80.0.9/24 dev there; on_it ip link set there up
on_it ip address add 192.0.2.77/32 dev lo
on_it haproxy -D -f /etc/haproxy/haproxy.cfg; sleep 3
ask() {{ on_it curl -s -k --max-time 10 --interface 192.0.2.77 --resolve {SITE}:80:127.0.0.1 --resolve {SITE}:443:127.0.0.1 {FORGED} "$@"; echo; }}
ask https://{SITE}/; ask http://{SITE}/; ask -H 'X-Forwarded-Proto: https' http://{SITE}/
"""
    )
    answers = [line.strip() for line in said if line.startswith("php")]
    over_tls, plain = f"php 192.0.2.77 on {SITE}", f"php 192.0.2.77 off {SITE}"
    assert answers == [over_tls, plain, plain], said


def test_cache_and_tomcat(http):
    said = looked_at(
        http("varnish, tomcat", {"tomcat": {"heap_mb": 128}}),
        f"""
echo '<%= request.getRemoteAddr() %> <%= request.getScheme() %> <%= request.getServerName() %>' >/var/lib/$tomcat/webapps/ROOT/who.jsp
get --interface 192.0.2.9 {FORGED} http://{SITE}/who.jsp
get http://{SITE}/none | grep -ci 'tomcat/1'
get -o /dev/null http://{SITE}/status
grep -c '^192.0.2.9 .*who.jsp' /var/log/$tomcat/localhost_access_log.*.txt
""",
    )
    assert said[0] == f"192.0.2.9 http {SITE}", said
    assert said[1:] == [" 200", "0", " 404", "1"]


def test_apache_serves_the_customers_own_site_over_tls(http):
    here = http("apache")
    said = here.run(
        f"""
{CERTIFICATE}
echo plain >/var/www/{SITE}/public/page.html
get -o /dev/null https://{SITE}/page.html
cat >/etc/apache2/customer.d/tls.conf <<END
<VirtualHost *:443>
    ServerName {SITE}
    SSLEngine on
    SSLCertificateFile /tmp/c
    SSLCertificateKeyFile /tmp/k
    Include managed.d/{SITE}.conf
</VirtualHost>
END
apache2ctl graceful; sleep 1
get --http2 https://{SITE}/page.html
get --tls-max 1.1 https://{SITE}/page.html
"""
    )
    assert said == [" 403", "plain", " 200", " 000"]
