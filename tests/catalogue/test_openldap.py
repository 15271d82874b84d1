"""slapd at work: where it listens, who reads what, what its checks and graphs say, and its dumps."""

# ruff: noqa: E501  lines of the shell

import json

import pytest

from managed_server.local.debian.run import TreeFile
from tests.runbooks import ended_badly

from .services import Server, as_listens

pytestmark = pytest.mark.machine

# What the unit does, in the place of systemd, which a tree doesn't run.
SYSTEMCTL = """#!/bin/bash
case $1 in
    stop) [ ! -e /run/slapd/slapd.pid ] || { kill "$(cat /run/slapd/slapd.pid)"; while [ -e /run/slapd/slapd.pid ]; do sleep 0.1; done; } ;;
    start)
        own() { for name in $(sed -n 's/^RuntimeDirectory=//p' /etc/systemd/system/slapd.service); do install -d -o root /run/"$name"; done; }
        own; /usr/local/lib/managed-server/ldap-prepare || exit 1
        own  # systemd gives a unit's own folders to its user before each program that it starts
        eval "exec $(sed -n 's/^ExecStart=//p' /etc/systemd/system/slapd.service)" >/dev/null 2>&1 &
        for _ in $(seq 600); do ss -Hltn 'sport = :636' | grep -q . && [ -e /run/slapd/slapd.pid ] && exit; sleep 0.1; done
        exit 1 ;;
esac
"""
FILES = {"/opt/bin/systemctl": TreeFile(SYSTEMCTL.encode(), mode=0o755)}
START = """
export PATH=/opt/bin:$PATH
systemctl start slapd || echo "it did not start"
root() { "ldap$1" -Q -Y EXTERNAL -H ldapi:/// "${@:2}"; }
reads() { ldapsearch -x -LLL -o nettimeout=5 "$@" 2>&1 | grep -cE '^dn:'; }
add() { root add >/dev/null <<END
dn: uid=$1,dc=acme
objectClass: inetOrgPerson
cn: $1
sn: $1
uid: $1
userPassword: pass-$1
END
}
"""
PEERS = """
        peers: [web2]"""
OTHER = """      web2: {instance_type: t3.small, disk_gb: 20, software: [nginx]}
"""


def test_it_listens_in_clear_text_on_loopback_alone_and_who_reads_what(root, tmp_path, service_machines):
    server = Server(root, tmp_path, service_machines, "openldap", PEERS, OTHER)
    assert server.faults() == []
    said = server.run(
        f"""{START}
sockets; echo; ps -C slapd -o user:20=
add alice; add bob
reads -H ldap://127.0.0.1 -b dc=acme
reads -H ldap://127.0.0.1 -b dc=acme -D uid=alice,dc=acme -w pass-alice
reads -H ldap://127.0.0.1 -b dc=acme -D uid=alice,dc=acme -w wrong
ldapsearch -x -LLL -H ldap://127.0.0.1 -D uid=alice,dc=acme -w pass-alice -b uid=bob,dc=acme userPassword | grep -c userPassword
reads -H ldap://127.0.0.1 -b dc=acme -D cn=admin,dc=acme -w s3cret-_x
ip address add 10.80.0.10/32 dev lo
reads -H ldap://10.80.0.10 -b cn=Monitor -s base
LDAPTLS_CACERT=/etc/ldap/tls/certificate.pem reads -H ldaps://127.0.0.1 -b dc=acme -D cn=admin,dc=acme -w s3cret-_x
LDAPTLS_CACERT=/etc/ldap/tls/certificate.pem reads -H ldaps://10.80.0.10 -b cn=Monitor -s base
for file in tls/key.pem managed-password.conf slapd.conf; do as nagios cat /etc/ldap/$file 2>&1 | tail -n 1 | sed 's/.*: //'; done
""",
        FILES,
    )
    sockets, rest = said[: said.index("")], said[said.index("") + 1 :]
    assert as_listens(sockets) == server.listens() == {("tcp", 389, True), ("tcp", 636, False)}
    assert rest[0] == "openldap"
    nobody, alice, wrong, passwords, admin = map(int, rest[1:6])
    assert (nobody, alice, wrong, passwords, admin) == (0, 3, 0, 0, 3)
    assert [int(line) for line in rest[6:9]] == [0, 3, 0]
    assert rest[9:] == ["Permission denied"] * 3


def test_operations_are_logged_where_somebody_asked_for_it_alone(root, tmp_path, service_machines):
    server = Server(root, tmp_path, service_machines, "openldap")
    ask = "reads -H ldap://127.0.0.1 -b dc=acme -D uid=none,dc=acme -w wrong"
    more = "echo 'loglevel stats' >>/etc/ldap/customer.d/global.conf"
    assert server.run(f"{START}\n{ask}\nsystemctl stop slapd", FILES) == ["0"]
    assert "slapd" in server.syslog
    assert "conn=" not in server.syslog
    assert server.run(f"{more}\n{START}\n{ask}\nsystemctl stop slapd", FILES) == ["0"]
    assert "err=49" in server.syslog


def test_its_checks_and_its_graphs(root, tmp_path, service_machines):
    server = Server(root, tmp_path, service_machines, "openldap")
    said = server.run(
        f"""{START}
sockets; echo
{server.check("answers")}
{server.check("tls")}
{server.plugins()}
{server.looks()}
systemctl stop slapd
{server.check("answers")}
{server.check("tls")}
sum=$(sha256sum /etc/ldap/tls/*.pem); systemctl start slapd; [ "$sum" = "$(sha256sum /etc/ldap/tls/*.pem)" ] && echo same
""",
        FILES,
    )
    sockets, rest = said[: said.index("")], said[said.index("") + 1 :]
    assert as_listens(sockets) == server.listens() == {("tcp", 389, True), ("tcp", 636, True)}
    assert rest[0].startswith("LDAP OK")
    assert rest[1].startswith("TCP OK")
    assert all(labels == values >= 1 for labels, values in server.drawn(rest[2:7]).values()), rest
    assert rest[7].startswith("Could not bind")
    assert "refused" in rest[8]
    assert rest[9] == "same"
    assert ended_badly(server.looked) == []


def test_its_dumps_can_be_put_back(root, tmp_path, service_machines):
    server = Server(root, tmp_path, service_machines, "openldap")
    said = server.run(
        f"""{START}
dumps() {{ /usr/local/lib/managed-server/ldap-dumps 2>/dev/null; echo "$? $(cat /var/lib/managed-server/heartbeat/ldap-dumps-result)"; }}
add alice; add bob
for day in 2020-01-04 2020-01-05; do touch /var/lib/ldap-dumps/$day.ldif.gz; done
dumps; ls /var/lib/ldap-dumps | wc -l; stat -c %a /var/lib/ldap-dumps/*
mkdir -p /var/lib/managed-server/backup
(echo '{{"dumps": {{"openldap": '; cat /var/lib/managed-server/dumps/openldap.json; echo '}}}}') >/var/lib/managed-server/backup/inventory.json
root delete uid=alice,dc=acme; add carol; add dave
/usr/local/lib/managed-server/restore-ldap count
/usr/local/lib/managed-server/restore-ldap load; echo $?
/usr/local/lib/managed-server/restore-ldap count
root search -LLL -b dc=acme uid 2>/dev/null | grep ^uid: | sort; ls -l /var/lib/ldap/managed | awk 'NR > 1 {{print $3}}' | sort -u
reads -H ldap://127.0.0.1 -b dc=acme -D uid=alice,dc=acme -w pass-alice
echo x >>/var/lib/ldap-dumps/$(date -u +%F).ldif.gz; /usr/local/lib/managed-server/restore-ldap load; echo $?
/usr/local/lib/managed-server/restore-ldap count
systemctl stop slapd; dumps; cat /var/lib/managed-server/dumps/openldap.json
""",
        FILES,
    )
    assert said[:3] == ["0 ok 3 entries", "1", "600"]
    assert json.loads(said[3]) == {"dc=acme": 4}
    assert said[4] == "0"
    assert json.loads(said[5]) == {"dc=acme": 3}
    assert said[6:8] == ["uid: alice", "uid: bob"]
    assert said[8:11] == ["openldap", "3", "1"]
    assert json.loads(said[11]) == {"dc=acme": 3}
    assert said[12].startswith("1 critical ldapsearch: ")
    record = json.loads("".join(said[13:]))
    assert (record["engine"], record["rows"]) == ("ldap", {"dc=acme": 3})
