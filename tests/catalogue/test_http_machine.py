"""Chains of HTTP software at work: each link answers where its entry says, and knows the client."""

# ruff: noqa: E501  lines of the shell

import re
from dataclasses import replace

import pytest

from tests import trees
from tests.releases import RELEASES
from tests.runbooks import asked_in_a_tree, ended_badly
from tests.validators.server import validate_server

from .http_stand import SITE, SOCKETS, STOP, stand
from .support import customer, files_of, run_script

pytestmark = pytest.mark.machine

RELEASES_OF_RULES = (12, 13)

PHP = """echo '<?php echo implode(" ", ["php", $_SERVER["REMOTE_ADDR"], $_SERVER["HTTPS"] ?? "off", $_SERVER["HTTP_HOST"], getenv("HTTP_PROXY") ?: $_SERVER["HTTP_PROXY"] ?? ""]);' >index.php
"""
CGI = """printf '#!/bin/sh\\nprintf "Content-Type: text/plain\\\\r\\\\n\\\\r\\\\ncgi $SCRIPT_FILENAME $QUERY_STRING"\\n' >do.cgi; chmod 755 do.cgi
"""


@pytest.fixture(scope="module", params=RELEASES)
def machine(request):
    return request.param, trees.tree(request.param, request.config)


@pytest.fixture
def made(machine, root, tmp_path):
    def make(chain, settings=None, served_by="", *, behind=False):
        return stand(
            *machine, tmp_path, root, chain.split(", "), settings, served_by=served_by, behind=behind
        )

    return make


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def asked(server, software):
    """Shell that says of each check how it ends. Those of units need systemd, which runs in no tree."""
    return "\n".join(
        f"as nagios sh -c {quoted(check.command)} >/tmp/said 2>&1; echo check {check.name} $? $(head -n 1 /tmp/said)"
        for check in server.checks
        if check.origin in software and "check-unit" not in check.command
    )


def drawn(server, software):
    """Shell that says of each Munin plugin of these entries how many labels and figures it has."""
    named = "|".join(software).replace("nodejs", "node").replace("php", "phpfpm")
    return "\n".join(
        f"ln -s {plugin.plugin} /opt/{plugin.name}\n"
        f"draw() {{ setpriv --reuid nobody --regid {plugin.group or 'nogroup'} --clear-groups env MUNIN_CAP_MULTIGRAPH=1 MUNIN_LIBDIR=/usr/share/munin"
        f" {' '.join(f'{name}={quoted(value)}' for name, value in plugin.env.items())} /opt/{plugin.name} ${{1-}}; }}\n"
        f"echo draws {plugin.name} $(draw config | grep -c '[.]label') $(draw | grep -cE '[.]value [0-9]')"
        for plugin in server.munin
        if re.search(f"(^|_)({named})", plugin.name)
    )


def looked_at(here, script):
    """Run a script on what was started; hold the server's sockets, processes, checks and graphs against its entries."""
    said = here.run(
        f"{script}\necho looked\n{SOCKETS}\nps -eo user:20=,comm= | sort -u | sed 's/^/runs /'\n"
        f"{asked(here.server, here.software)}\n{drawn(here.server, here.software)}\n"
        f"{asked_in_a_tree(here.server, here.software)}\n{STOP}\necho stopped\n"
        f"{asked(here.server, here.software)}"
    )
    cut, end = said.index("looked"), said.index("stopped")
    facts = [line.split(" ", 3) for line in said[cut:end]]
    assert {line[1] for line in facts if line[0] == "listens"} == here.sockets(), said
    running = {tuple(" ".join(line[1:]).split()) for line in facts if line[0] == "runs"}
    wanted = {
        (process.user, process.name) for process in here.server.processes if process.origin in here.software
    }
    assert wanted - running - {("varnishlog", "varnishncsa")} == set(), running
    checks = [line for line in facts if line[0] == "check"]
    assert checks
    assert [line for line in checks if line[2] != "0"] == []
    missed = [line.split()[1:3] for line in said[end + 1 :] if "-runtime " not in line]
    assert [name for name, code in missed if code != "2"] == []
    assert ended_badly(said) == []
    drawings = [line for line in facts if line[0] == "draws"]
    assert len(drawings) >= 1
    assert [line for line in drawings if "0" in " ".join(line[2:]).split()] == []
    return said[:cut]


CERTIFICATE = f"""openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /tmp/k -out /tmp/c -days 1 -subj /CN={SITE} 2>/dev/null
"""
FORGED = "-H 'Proxy: evil' -H 'X-Forwarded-For: 198.51.100.7'"


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
def test_its_program_accepts_every_file(made, chain, settings, served_by):
    here = made(chain, settings, served_by)
    findings = validate_server(
        here.tree,
        here.files,
        links={link.path: link.target for link in here.server.links if link.origin in here.software},
        absent=[gone.path for gone in here.server.removed if gone.origin in here.software],
        hostname=here.server.host_name,
    )
    assert [(f.path, f.validator, f.output) for f in findings if not f.ok] == []
    assert set(here.files) <= {finding.path for finding in findings}


def test_load_balancer_cache_web_server_and_php(made):
    said = looked_at(
        made("haproxy, varnish, nginx, php"),
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


def test_load_balancer_apache_php_and_programs(made):
    said = looked_at(
        made("haproxy, apache, php, fastcgi"),
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
def test_cache_of_files_that_are_larger_than_its_memory(machine, root, tmp_path, rules):
    """Debian 12's rules as well: its Varnish runs nowhere here, a newer one takes them."""
    said = stand(rules, machine[1], tmp_path, root, ["varnish", "nginx"], {"varnish": {"memory_mb": 64}}).run(
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
        ("tomcat", "/who.jsp", "$tomcat/localhost_access_log.*.txt"),
    ],
)
def test_behind_another_server_it_is_believed_and_nobody_else(made, chain, path, log):
    settings = {"nodejs": {"application": True, "entry": "main.js"}} if "nodejs" in chain else None
    here = made(chain, settings, behind=True)
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
cut -d ' ' -f 1 /var/log/{log} | grep -v '^127.0.0.1' | sort | uniq -c | tr -s ' '
"""
    )
    found = [line.strip() for line in said if line.strip() and line.strip() != "200"]
    found = [line.removesuffix(" 200").removeprefix(f"node {path}?").strip() for line in found]
    found = [re.sub(r"^[0-9] www.acme.example ", "", line) for line in found]
    assert found[:3] == ["203.0.113.5 https", "203.0.113.5 http", "192.0.2.9 http"], said
    assert found[3:] == ["1 192.0.2.9", "2 203.0.113.5"], "so does its log"


@pytest.mark.parametrize("web", ["nginx", "apache"])
def test_a_load_balancer_on_another_server(made, root, tmp_path, web):
    """HAProxy itself, in a network namespace that stands in for its server."""
    here = made(f"{web}, php", behind=True)
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


def test_cache_and_tomcat(made):
    said = looked_at(
        made("varnish, tomcat", {"tomcat": {"heap_mb": 128}}),
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


APPLICATION = """
const http = require("node:http");
const server = http.createServer((request, response) => {
    const { host, proxy } = request.headers;
    const [client, scheme] = ["x-forwarded-for", "x-forwarded-proto"].map((name) => request.headers[name]);
    response.end(["node", request.url, host, (client ?? "").split(", ").pop(), scheme, proxy].join(" "));
});
server.on("upgrade", (request, socket) => {
    socket.end("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\nhello\\n");
});
server.listen(process.env.PORT, process.env.HOST);
"""
UPGRADE = "-H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' -H 'Sec-WebSocket-Version: 13'"


@pytest.mark.parametrize("web", ["nginx", "apache"])
def test_web_server_and_application(made, web):
    """What is a file the web server answers, everything else the application."""
    said = looked_at(
        made(f"{web}, nodejs", {"nodejs": {"application": True, "entry": "app/main.js"}}),
        f"""
cd /var/www/{SITE}/public; echo plain >page.html
get http://{SITE}/
cat >/srv/nodejs/app/main.js <<'END'
{APPLICATION}
END
pkill -x 'node|MainThread'; while pgrep -x 'node|MainThread' >/dev/null; do sleep 0.1; done
get -o /dev/null http://{SITE}/
as www-data $(command_of /etc/systemd/system/nodejs-application.service) & wait_for http://127.0.0.1:3000/
get --interface 192.0.2.9 {FORGED} 'http://{SITE}/any/route%20x?a=1&b=%2F'
get http://{SITE}/page.html
get -o /dev/null http://{SITE}/.well-known/acme-challenge/none
mkdir .git; echo secret | tee .git/config .env .hidden.php >/dev/null
for path in /acme/app/-/blob/main/.gitlab-ci.yml '/api/v4/projects/group%2Fproject/files/a%2fb.rb?ref=a%2Fb' '/a%3Fb/c%20d?x=y%3F' /.git/config /.env \
    '/.env?a=%2F' /%2e%67it/config /.git%2Fconfig /.hidden.php /x/../.env /.well-known/openid-configuration; do
    get --path-as-is "http://{SITE}$path"
done
get -X POST -d a=b http://{SITE}/acme/.well/x
get 'http://{SITE}/page.html?u=%2F'
get -i --max-time 2 {UPGRADE} http://{SITE}/socket | tr -d '\r' | sed -n '1p;/hello/p'
""",
    )
    assert said[:3] == ["There is no application here yet.", " 503", " 502" if web == "nginx" else " 503"], (
        said
    )
    assert said[3] == f"node /any/route%20x?a=1&b=%2F {SITE} 192.0.2.9 http  200"
    assert said[4:7] == ["plain", " 200", " 404"]
    asked = [line.removesuffix(f" {SITE} 127.0.0.1 http  200") for line in said[7:19]]
    assert asked[:3] == [
        "node /acme/app/-/blob/main/.gitlab-ci.yml",
        "node /api/v4/projects/group%2Fproject/files/a%2fb.rb?ref=a%2Fb",
        "node /a%3Fb/c%20d?x=y%3F",
    ]
    assert asked[3:6] == ["node /.git/config", "node /.env", "node /.env?a=%2F"]
    assert [line.partition(" ")[0] for line in asked[6:10]] == ["node"] * 4, "no file of the folder"
    assert asked[10:] == ["node /.well-known/openid-configuration", "node /acme/.well/x"]
    assert said[19:21] == ["plain", " 200"]
    assert said[21:23] == ["HTTP/1.1 101 Switching Protocols", "hello"]


LISTENER = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        left = size = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 65536)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"%d" % size)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", 8480), Handler).serve_forever()
"""


@pytest.mark.parametrize("web", ["nginx", "apache"])
@pytest.mark.parametrize("served_by", ["gitlab", "nodejs"])
def test_what_is_too_large_for_gitlab_gitlab_says(made, web, served_by):
    """Its packages can't be had here: a listener stands in. Beside another application the limit of requests holds."""
    settings = {"nodejs": {"application": True, "backend_port": 8480}, "gitlab": {"backend_port": 8480}}
    here = made(f"{web}, {served_by}", {served_by: settings[served_by]})
    files = {path: file for path, file in here.files.items() if served_by not in path}
    said = replace(here, software=(web,), files=files).run(
        f"""
cat >/tmp/listener.py <<'END'
{LISTENER}
END
python3 /tmp/listener.py & sleep 1
head -c 70000000 /dev/zero >/tmp/push
get -o /tmp/said -H Expect: -H 'Content-Type: application/x-git-receive-pack-request' --data-binary @/tmp/push http://{SITE}/acme/app.git/git-receive-pack
get -o /dev/null -H Expect: --data-binary @/tmp/push http://{SITE}/acme/.app/x
"""
    )
    limited = web == "nginx" and served_by != "gitlab"  # Apache limits nothing that it passes on
    assert said == [" 413" if limited else " 200"] * 2


def test_web_server_and_python_with_a_module_of_the_customers_own(made):
    said = looked_at(
        made("nginx, python", {"python": {"application": True, "workers": 1}}),
        f"""
get http://{SITE}/
cat >/srv/python/main.py <<'END'
import own
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    asked = [environ["REMOTE_ADDR"], environ["HTTP_X_FORWARDED_FOR"].split(", ")[-1]]
    return [f"{{own.NAME}} {{environ['wsgi.url_scheme']}} {{environ['HTTP_HOST']}} {{' '.join(asked)}}\\n".encode()]
END
echo 'NAME = "python"' >$(/srv/python/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/own.py
pkill -HUP -o -u www-data -x python; sleep 3
get --interface 192.0.2.9 -H 'X-Forwarded-Proto: https' http://{SITE}/
""",
    )
    answered = f"python http {SITE} 127.0.0.1 192.0.2.9"
    assert said == ["There is no application here yet.", " 503", answered, " 200"]


def test_python_alone_in_front(made):
    said = looked_at(
        made("python", {"python": {"application": True, "workers": 1, "interface": "asgi"}}),
        f"get http://{SITE}/; get http://{SITE}/ --resolve {SITE}:80:[::1]",
    )
    assert said == ["There is no application here yet.", " 503"] * 2


def test_root_runs_and_writes_nothing_through_what_others_put_into_pythons_folder(made):
    here = made("python", {"python": {"application": True}})
    unit = here.files["/etc/systemd/system/python-application.service"].content.decode()
    [prepare] = re.findall("^ExecStartPre=[+](.*)$", unit, re.MULTILINE)
    said = run_script(
        here.tree,
        f"""
install -d -o www-data -g www-data /srv/python; install -d -m 1777 /opt/ran; cd /srv/python
for module in logging subprocess venv shutil; do echo 'import os; os.system("id -u >/opt/ran/'$module'-$$")' >$module.py; done
chown www-data: *.py
setpriv --reuid www-data --regid www-data --clear-groups ln -s /etc/taken /srv/python/venv
{prepare} >/dev/null 2>&1; echo $?; ls -d /etc/taken 2>/dev/null
rm venv; {prepare} >/dev/null; echo $?; stat -c %U venv/bin/python; find venv ! -user www-data
ls /opt/ran
""",
        here.files,
    )
    assert said.stdout.splitlines() == ["1", "0", "www-data"], said


def test_what_pip_installed_is_backed_up(made):
    server = made("python", {"python": {"application": True}}).server
    assert "/srv/python" in server.backup_paths
    assert [path for path in server.backup_exclude if path.startswith("/srv/python")] == []


@pytest.mark.parametrize(
    ("software", "settings", "hung"),
    [
        ("nodejs", {"nodejs": {"application": True}}, "MainThread|node"),
        ("python", {"python": {"application": True, "workers": 1}}, "gunicorn|python"),
        ("tomcat", {"tomcat": {"heap_mb": 128, "max_threads": 10}}, ""),
    ],
)
def test_what_accepts_and_answers_nobody_is_no_service(made, software, settings, hung):
    """The kernel accepts for it, for as long as its backlog lasts."""
    here = made(f"nginx, {software}", settings)
    [facts] = [entry.facts for entry in here.server.entries if entry.id == software]
    hang = f"pkill -STOP -x '{hung}'"
    if not hung:
        hang = """
echo '<% Thread.sleep(100000); %>' >/var/lib/$tomcat/webapps/ROOT/hang.jsp
for _ in $(seq 10); do curl -s -m 100 -o /dev/null http://127.0.0.1:8088/hang.jsp & done; sleep 6"""
    said = here.run(
        f"""
echo before; {asked(here.server, [software])}
{hang}
echo after; {asked(here.server, [software])}
(exec 3<>/dev/tcp/127.0.0.1/{facts["backend_port"]}) && echo accepts
"""
    )
    codes = {
        (when, line.split()[1]): line.split()[2]
        for when, lines in (
            ("before", said[: said.index("after")]),
            ("after", said[said.index("after") :]),
        )
        for line in lines
        if line.startswith(f"check {software}-")
    }
    assert said[-1] == "accepts"
    assert {code for (when, _), code in codes.items() if when == "before"} == {"0"}, said
    assert codes["after", f"{software}-backend-port"] == "2", said


def test_apache_serves_the_customers_own_site_over_tls(made):
    here = made("apache")
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
