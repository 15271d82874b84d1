"""Applications behind a web server, and alone: what is theirs reaches them, and who answers nobody is noticed."""

# ruff: noqa: E501  lines of the shell

import re
from dataclasses import replace

import pytest

from .http_looks import APPLICATION, FORGED, asked, looked_at
from .http_stand import SITE
from .support import run_script

pytestmark = pytest.mark.machine

UPGRADE = "-H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' -H 'Sec-WebSocket-Version: 13'"


@pytest.mark.parametrize("web", ["nginx", "apache"])
def test_web_server_and_application(http, web):
    """What is a file the web server answers, everything else the application."""
    said = looked_at(
        http(f"{web}, nodejs", {"nodejs": {"application": True, "entry": "app/main.js"}}),
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
def test_what_is_too_large_for_gitlab_gitlab_says(http, web, served_by):
    """Its packages can't be had here: a listener stands in. Beside another application the limit of requests holds."""
    settings = {"nodejs": {"application": True, "backend_port": 8480}, "gitlab": {"backend_port": 8480}}
    here = http(f"{web}, {served_by}", {served_by: settings[served_by]})
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


def test_web_server_and_python_with_a_module_of_the_customers_own(http):
    said = looked_at(
        http("nginx, python", {"python": {"application": True, "workers": 1}}),
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


def test_python_alone_in_front(http):
    said = looked_at(
        http("python", {"python": {"application": True, "workers": 1, "interface": "asgi"}}),
        f"get http://{SITE}/; get http://{SITE}/ --resolve {SITE}:80:[::1]",
    )
    assert said == ["There is no application here yet.", " 503"] * 2


def test_root_runs_and_writes_nothing_through_what_others_put_into_pythons_folder(http):
    here = http("python", {"python": {"application": True}})
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


def test_what_pip_installed_is_backed_up(http):
    server = http("python", {"python": {"application": True}}).server
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
def test_what_accepts_and_answers_nobody_is_no_service(http, software, settings, hung):
    """The kernel accepts for it, for as long as its backlog lasts."""
    here = http(f"nginx, {software}", settings)
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
