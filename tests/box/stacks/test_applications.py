"""What a customer's administrator puts on the servers is served to the world, through whole chains of software."""

# ruff: noqa: E501  lines of shells and programs

import shlex
from ipaddress import ip_address

import pytest

pytestmark = pytest.mark.soak  # by the machines of `gadgets`

SITE, APPLICATION = "www.gadgets.example", "app.gadgets.example"
# What each says: its name, the client's address and the scheme, as it knows them.
PROGRAMS = {
    "front1": f"""
cd /var/www/{SITE}/public
sudo tee who.php >/dev/null <<'END'
<?php echo implode(" ", ["php", $_SERVER["REMOTE_ADDR"], $_SERVER["REQUEST_SCHEME"]]);
END
sudo tee who.cgi >/dev/null <<'END'
#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n%s' "cgi $REMOTE_ADDR $REQUEST_SCHEME"
END
sudo chmod 755 who.cgi
sudo tee /var/lib/tomcat11/webapps/ROOT/who.jsp >/dev/null <<'END'
<%= "java " + request.getRemoteAddr() + " " + request.getScheme() %>
END
""",
    "back1": f"""
sudo tee /srv/nodejs/server.js >/dev/null <<'END'
require("node:http").createServer((request, response) => {{
    const client = (request.headers["x-forwarded-for"] ?? "nobody").split(", ").pop(); // the check names none
    response.end(["node", client, request.headers["x-forwarded-proto"]].join(" "));
}}).listen(process.env.PORT, process.env.HOST);
END
sudo tee /srv/python/main.py >/dev/null <<'END'
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    client = environ["HTTP_X_FORWARDED_FOR"].split(", ")[-1]
    return [" ".join(["python", client, environ["wsgi.url_scheme"]]).encode()]
END
sudo tee /etc/nginx/customer.d/{APPLICATION}/python.conf >/dev/null <<'END'
location /python/ {{
    proxy_pass http://127.0.0.1:8000;
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
}}
END
sudo nginx -t -q && sudo systemctl reload nginx && sudo systemctl restart nodejs-application python-application
sudo tee /etc/bind/customer.d/zones.conf >/dev/null <<'END'
zone "gadgets.example" {{ type primary; file "/var/lib/bind/gadgets.example.zone"; }};
END
sudo tee /var/lib/bind/gadgets.example.zone >/dev/null <<'END'
$TTL 1d
@ IN SOA ns.gadgets.example. hostmaster.gadgets.example. 1 1d 2h 4w 1h
@ IN NS ns
ns IN A 192.0.2.53
www IN A 192.0.2.80
END
sudo systemctl reload named
""",
}
ASK = """
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
asked = urllib.request.Request(sys.argv[1], headers={"Host": sys.argv[2], "X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"})
print(opener.open(asked, timeout=120).read().decode())
"""


@pytest.fixture(scope="module")
def deployed(gadgets, admin):
    """Both servers, with the customer's programs."""
    for name, script in PROGRAMS.items():
        done = admin.ssh("alice", gadgets[name].box.machine.addresses[0], f"set -e\n{script}")
        assert done.returncode == 0, done.stderr
    return gadgets["front1"], gadgets["back1"]


def address(at, family):
    return next(each for each in at if ip_address(each).version == family)


def page(place, server, family, host, path):
    target = address(server.box.machine.addresses, family)
    where = f"[{target}]" if family == 6 else target
    done = place.run(["python3", "-I", "-c", ASK, f"http://{where}{path}", host], timeout=150)
    return done.stdout.strip() or done.stderr


@pytest.mark.parametrize("family", [4, 6])
def test_programs_at_the_end_of_a_chain_know_the_client(deployed, foreign, family):
    front, back = deployed
    client = address(foreign.addresses, family)
    said = [
        page(
            foreign, front, family, SITE, f"{path}?{family}"
        )  # or the first client's page would be in the cache
        for path in ("/who.php", "/who.cgi", "/who.jsp")
    ]
    said += [page(foreign, back, family, APPLICATION, path) for path in ("/", "/python/")]
    assert said == [f"{name} {client} http" for name in ("php", "cgi", "java", "node", "python")]


NAMES = """
import socket, struct, sys
name = b"".join(bytes([len(part)]) + part.encode() for part in (sys.argv[2] + ".").split("."))
asked = struct.pack(">6H", 7, 0, 1, 0, 0, 0) + name + struct.pack(">2H", 1, 1)
def udp(to):
    with socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.settimeout(10)
        out.sendto(asked, (to, 53))
        return out.recv(512)
def tcp(to):
    with socket.create_connection((to, 53), 10) as out:
        out.sendall(struct.pack(">H", len(asked)) + asked)
        return out.makefile("rb").read(struct.unpack(">H", out.recv(2))[0])
for answer in (udp(sys.argv[1]), tcp(sys.argv[1])):
    rest = answer[len(asked):]
    print(answer[3] & 15, socket.inet_ntoa(rest[12:16]) if rest[2:4] == bytes([0, 1]) else "-")
"""


@pytest.mark.parametrize("family", [4, 6])
def test_the_customers_zone_is_answered(deployed, foreign, family):
    target = address(deployed[1].box.machine.addresses, family)

    def ask(name):
        done = foreign.run(["python3", "-I", "-c", NAMES, target, name])
        return done.stdout.splitlines() or done.stderr

    assert ask(SITE) == ["0 192.0.2.80"] * 2
    assert ask("www.widgets.example") == ["5 -"] * 2, "refused"


def test_a_server_uses_what_its_peer_offers(deployed, admin, foreign):
    """With the password and the certificate that the administrator reads on the one, and brings to the other."""
    front, back = (server.box.machine.addresses[0] for server in deployed)
    read = "sed -n 's/^requirepass //p' /etc/redis/managed-password.conf; cat /etc/ldap/tls/certificate.pem"
    done = admin.ssh("alice", back, f"sudo sh -c {shlex.quote(read)}")
    password, _, certificate = done.stdout.partition("\n")
    assert password, done
    assert certificate, done
    program = f"""<?php
function said($where, $words) {{
    $context = stream_context_create(["ssl" => ["cafile" => "/var/www/{SITE}/back1.pem"]]);
    $at = @stream_socket_client($where, $code, $why, 5, STREAM_CLIENT_CONNECT, $context);
    if (!$at) return "closed";
    if ($words === "") return "open";
    fwrite($at, $words);
    stream_set_timeout($at, 5);
    return trim(fgets($at));
}}
echo implode("|", [
    said("tcp://back1:6379", "PING\\r\\n"),
    said("tcp://back1:6379", "AUTH {password}\\r\\n"),
    said("tcp://gadgets-back1:11211", "version\\r\\n"),
    said("ssl://back1:636", ""),
    said("tcp://back1:389", ""),
]);
"""
    bring = f"set -e\ncd /var/www/{SITE}\n"
    bring += f"sudo tee back1.pem >/dev/null <<'END'\n{certificate}END\n"
    bring += f"sudo tee public/peer.php >/dev/null <<'END'\n{program}END\n"
    done = admin.ssh("alice", front, bring)
    assert done.returncode == 0, done.stderr
    said = page(foreign, deployed[0], 4, SITE, "/peer.php").split("|")
    assert [words.split()[0] for words in said] == ["-NOAUTH", "+OK", "VERSION", "open", "closed"], said
