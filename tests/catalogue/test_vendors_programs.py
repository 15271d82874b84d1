"""The programs that the catalogue adds to software of vendors, run against servers made for it."""

# ruff: noqa: E501  lines of the shell, and answers of servers

import json

import pytest

from tests.conftest import ROOT

from .vendors import PEERS

SNAPSHOT = "/usr/local/lib/managed-server/elasticsearch-snapshot"
RESULTS = "cd /var/lib/managed-server/heartbeat; head -n 1 elasticsearch-result; ls elasticsearch 2>/dev/null || echo none"


@pytest.mark.machine
def test_snapshots(vendor):
    one = vendor("elasticsearch", more="\n        settings: {elasticsearch: {snapshots: 2}}\n")
    made = {"snapshot": {"state": "SUCCESS", "indices": ["a", "b"], "shards": {"total": 3, "failed": 0}}}
    known = {"snapshots": [{"snapshot": f"2026010{day}-000000"} for day in range(1, 5)]}
    answers = {
        "PUT /_snapshot/managed": [200, "{}"],
        "PUT /_snapshot/managed/NAME?wait_for_completion=true": [200, json.dumps(made)],
        "GET /_snapshot/managed/_all": [200, json.dumps(known)],
        "DELETE /_snapshot/managed/20260101-000000": [200, "{}"],
        "DELETE /_snapshot/managed/20260102-000000": [200, "{}"],
    }
    # The name is the time: the server is told of it beforehand.
    fixed = f"sed -i 's/time.strftime(.*)$/\"NAME\"/' {SNAPSHOT}; "
    said = one.run(f"{fixed} serve 9200; {SNAPSHOT} 2>/dev/null; echo $?; {RESULTS}; asked", answers)
    assert said[:3] == ["0", "ok NAME, 2 indexes, 3 parts", "elasticsearch"]
    assert [json.loads(line)[:2] for line in said[3:]] == [
        ["PUT", "/_snapshot/managed"],
        ["PUT", "/_snapshot/managed/NAME?wait_for_completion=true"],
        ["GET", "/_snapshot/managed/_all"],
        ["DELETE", "/_snapshot/managed/20260101-000000"],
        ["DELETE", "/_snapshot/managed/20260102-000000"],
    ]

    made["snapshot"] |= {"state": "PARTIAL", "shards": {"total": 3, "failed": 1}}
    answers["PUT /_snapshot/managed/NAME?wait_for_completion=true"] = [200, json.dumps(made)]
    said = one.run(
        f"{fixed} serve 9200; {SNAPSHOT} 2>/dev/null; echo $?; {RESULTS}; stop; {SNAPSHOT} 2>/dev/null; {RESULTS}",
        answers,
    )
    assert said[:3] == ["1", "critical no snapshot: NAME is PARTIAL: 1 of 3 parts are missing", "none"]
    assert said[3].startswith("critical no snapshot: <urlopen error")
    # A refusal is told in the server's own words.
    refused = {"PUT /_snapshot/managed": [500, "location is not in path.repo"]}
    said = one.run(f"serve 9200; {SNAPSHOT} 2>/dev/null; {RESULTS}", refused)
    assert said == ["critical no snapshot: location is not in path.repo", "none"]


@pytest.mark.machine
def test_with_peers_each_says_its_password(vendor):
    one = vendor("elasticsearch", "kibana", more=PEERS)
    secrets = {
        secret.path: secret.text.replace("{secret}", f"s3cret-{number}").encode()
        for number, secret in enumerate(one.server.secrets)
    }
    assert set(secrets) == {
        "/etc/elasticsearch/managed-password",
        "/etc/kibana/managed-key.env",
        "/etc/kibana/managed-password.env",
    }
    elastic = secrets["/etc/elasticsearch/managed-password"].decode().strip()
    kibana = secrets["/etc/kibana/managed-password.env"].decode().strip().partition("=")[2]
    account = "/usr/local/lib/managed-server/kibana-account"
    refused = {
        "GET /_security/_authenticate": [401, "{}"],
        f"POST /_security/user/kibana_system/_password elastic:{elastic}": [200, "{}"],
        f"PUT /_snapshot/managed elastic:{elastic}": [500, "enough"],
    }
    said = one.run(
        f"serve 9200; {account} --check; echo $?; {account}; echo $?; {SNAPSHOT} 2>/dev/null; asked | tail -n 2",
        refused,
        secrets,
    )
    assert said[:2] == ["1", "0"]
    assert json.loads(said[2]) == [
        "POST",
        "/_security/user/kibana_system/_password",
        f"elastic:{elastic}",
        json.dumps({"password": kibana}),
    ]
    assert json.loads(said[3])[2] == f"elastic:{elastic}"
    known = {f"GET /_security/_authenticate kibana_system:{kibana}": [200, "{}"]}
    assert one.run(f"serve 9200; {account} --check; echo $?", known, secrets) == ["0"]


@pytest.mark.machine
def test_the_password_goes_into_the_keystore_once(vendor):
    keystore = b"""#!/bin/sh
case $1 in
    list) cat /opt/keys 2>/dev/null ;;
    add) echo bootstrap.password >/opt/keys; echo "$@: $(cat)" >>/opt/entered ;;
esac
"""
    program = "/usr/local/lib/managed-server/elasticsearch-password"
    one = vendor("elasticsearch", more=PEERS)
    said = one.run(
        f"""
{program}; echo $?; ls /opt/entered 2>/dev/null || echo nothing
echo one >/etc/elasticsearch/managed-password; {program}; {program}; cat /opt/entered
echo two >/etc/elasticsearch/managed-password; {program}; tail -n 1 /opt/entered; wc -l </opt/entered
rm /opt/keys; {program}; wc -l </opt/entered
""",
        files={"/usr/share/elasticsearch/bin/elasticsearch-keystore": keystore},
    )
    added = "add --stdin --force bootstrap.password: "
    assert said == ["0", "nothing", f"{added}one", f"{added}two", "2", "3"]


@pytest.mark.machine
def test_solrs_password(vendor):
    """The hash is that of the guide's example, for its password and its salt."""
    program = "/usr/local/lib/managed-server/solr-password"
    one = vendor("solr", more=PEERS)
    [secret] = one.server.secrets
    said = one.run(
        f"""
useradd --system solr 2>/dev/null; mkdir -p /var/solr/data
{program} 2>/dev/null; echo $?
echo SolrRocks >{secret.path}
echo '{{"authentication": {{"credentials": {{"customer": "IV0EHq1OnNrj6gvRCwvFwTrZ1+z1oBbnQdiVC3otuq0= Ndd7LKvVBAaZIF0QAVi1ekCfAJXr1GGfLtRUXhgrF8c="}}}}}}' >/var/solr/data/security.json
cp /var/solr/data/security.json /opt/before; {program}; cmp /opt/before /var/solr/data/security.json && echo known
echo another >{secret.path}; {program}; cmp -s /opt/before /var/solr/data/security.json || echo changed
stat -c %U:%a /var/solr/data/security.json
cp /var/solr/data/security.json /opt/before; {program}; cmp /opt/before /var/solr/data/security.json && echo known
python3 -c 'import json; a = json.load(open("/var/solr/data/security.json"))["authorization"]; print(a["permissions"][-1], a["user-role"])'
"""
    )
    assert said == [
        "1",
        "known",
        "changed",
        "solr:600",
        "known",
        "{'name': 'all', 'role': 'admin'} {'customer': 'admin'}",
    ]


@pytest.mark.machine
def test_solrs_package_is_made_of_a_signed_archive_alone(vendor):
    script = (ROOT / "docs" / "by-hand" / "solr-package").read_bytes()
    said = vendor("solr").run(
        """
cd /opt; mkdir -p solr-9.9.9/bin solr-9.9.9/server/solr out
printf '#!/bin/sh\\necho started\\n' >solr-9.9.9/bin/solr; chmod 755 solr-9.9.9/bin/solr
echo '<solr/>' >solr-9.9.9/server/solr/solr.xml; echo >solr-9.9.9/bin/solr.in.sh
tar -czf solr-9.9.9.tgz solr-9.9.9; rm -r solr-9.9.9
export GNUPGHOME=/opt/gnupg; mkdir -m 700 $GNUPGHOME
for who in maker other; do gpg --batch --quiet --passphrase '' --quick-generate-key $who@solr.example ed25519 sign never 2>/dev/null; done
print() { gpg --batch --with-colons --list-keys "$1@solr.example" | awk -F: '$1 == "fpr" { print $10; exit }'; }
gpg --batch --armor --export >KEYS
sign() { rm -f solr-9.9.9.tgz.asc; gpg --batch --armor -u "$1@solr.example" --detach-sign solr-9.9.9.tgz; }
sha512sum solr-9.9.9.tgz >solr-9.9.9.tgz.sha512
make() { sh /opt/solr-package solr-9.9.9.tgz KEYS "$(print maker)" out 2>&1; }
sign other; make; ls out
sign maker; cp solr-9.9.9.tgz good; echo x >>solr-9.9.9.tgz; make
sha512sum solr-9.9.9.tgz >solr-9.9.9.tgz.sha512; make; ls out
mv good solr-9.9.9.tgz; sha512sum solr-9.9.9.tgz >solr-9.9.9.tgz.sha512; make
dpkg --force-depends -i out/*.deb >/dev/null 2>&1; echo installed $?
dpkg-query -W -f '${Package} ${Version}\\n' solr
/opt/solr/bin/solr; stat -c %U:%a /opt/solr/bin/solr /var/solr/data /var/solr/data/solr.xml; ls /opt/solr/bin
dpkg --force-depends -r solr >/dev/null 2>&1; ls -d /opt/solr /var/solr/data/solr.xml 2>/dev/null
gpgconf --kill all
""",
        files={"/opt/solr-package": script},
    )
    wrong = [line for line in said if "no good signature" in line]
    assert len(wrong) == 2
    assert "solr-package: solr-9.9.9.tgz is damaged: its sum is another one" in said
    assert said[-9:] == [
        "out/solr_9.9.9-1~managed1_all.deb", "installed 0", "solr 9.9.9-1~managed1", "started", "root:755", "solr:750",
        "solr:640", "solr", "/var/solr/data/solr.xml",
    ]  # fmt: skip
    assert len(said) == 3 + 9


@pytest.mark.machine
def test_gitlab_is_applied_once_for_each_change(vendor):
    apply = "/usr/local/lib/managed-server/gitlab-apply"
    programs = {
        "/usr/local/sbin/gitlab-ctl": b"#!/bin/sh\necho gitlab-ctl $*\n[ ! -e /opt/broken ]\n",
        "/usr/local/sbin/systemctl": b'#!/bin/sh\n[ "$*" = "is-active --quiet gitlab-runsvdir.service" ] && [ -e /opt/runs ]\n',
    }
    said = vendor("gitlab").run(
        f"""
try() {{ {apply} --check; echo $?; }}
try; touch /opt/broken; {apply}; echo $?; try
rm /opt/broken; {apply}; try; touch /opt/runs; try
echo "# more" >/etc/gitlab/customer.rb; try; {apply}; try
""",
        files=programs,
    )
    done = "gitlab-ctl reconfigure"
    assert said == ["1", done, "1", "1", done, "1", "0", "1", done, "0"]


@pytest.mark.machine
def test_gitlabs_backup_is_looked_into(vendor):
    program = b"""#!/bin/bash
echo "$*" >/opt/asked
[ ! -e /opt/broken ] || { echo "no database" >&2; exit 1; }
mkdir -p /var/opt/gitlab/backups /opt/tar/db; cd /opt/tar
echo x >backup_information.yml; [ -e /opt/empty ] || echo x >db/database.sql.gz
tar -cf "/var/opt/gitlab/backups/$(date +%s%N)_gitlab_backup.tar" *
"""
    results = "cd /var/lib/managed-server/heartbeat; sed 's/[0-9]*_gitlab/N_gitlab/' gitlab-result; ls gitlab 2>/dev/null || echo none"
    backup = "/usr/local/lib/managed-server/gitlab-backup 2>/dev/null; echo $?"
    said = vendor("gitlab").run(
        f"""
touch /opt/empty; {backup}; {results}
rm /opt/empty; touch /opt/broken; {backup}; {results}
rm /opt/broken; {backup}; {results}; cat /opt/asked
""",
        files={"/usr/local/bin/gitlab-backup": program},
    )
    assert said == [
        "1", "critical no backup: N_gitlab_backup.tar lacks db/database.sql.gz", "none",
        "1", "critical no backup: gitlab-backup ended with 1: no database", "none",
        "0", "ok N_gitlab_backup.tar, 0 MiB", "gitlab", "create CRON=1 STRATEGY=copy",
    ]  # fmt: skip


@pytest.mark.machine
def test_gitlab_behind_the_servers_own_web_server(vendor):
    alone = vendor("gitlab")
    assert {listen.port for listen in alone.server.listens if listen.reach == "world"} == {80}
    behind = vendor(
        "gitlab",
        "nginx",
        more="\n        sites: [git.acme.example]\n        settings: {gitlab: {tls: true}}\n",
    )
    text = behind.files["/etc/gitlab/gitlab.rb"].content.decode()
    assert "external_url 'https://git.acme.example'" in text
    assert "gitlab_rails['nginx']['listen_port'] = 8480" in text
    assert "gitlab_rails['nginx']['listen_https'] = false" in text
    site = behind.files["/etc/nginx/sites-enabled/git.acme.example.conf"].content.decode()
    assert "proxy_pass http://127.0.0.1:8480;" in site


# As what it does is documented: Elasticsearch's scripts ask its file whether to stop and start, Kibana's stops alone.
UPGRADE = r"""
rm /usr/bin/systemctl  # apt looks for programs there alone
cat >/usr/bin/systemctl <<'END'
#!/bin/sh
for unit; do :; done
ran=/tmp/runs-$unit
case $1 in
    is-active) [ -e "$ran" ] && exit; exit 3 ;;
    stop) rm -f "$ran" ;;
    start | restart) [ -e "$ran" ] || : >"$ran" ;;
esac
echo "$1 $unit with $(cat /usr/share/$(basename "$unit" .service)/version)" >>/tmp/log
END
chmod 755 /usr/bin/systemctl
build() { # name, version
    at=/tmp/$1-$2; mkdir -p "$at/DEBIAN" "$at/usr/share/$1"
    echo "$2" >"$at/usr/share/$1/version"
    printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: a <a@a.example>\nDescription: a\n' "$1" "$2" >"$at/DEBIAN/control"
    case $1 in
        elasticsearch)
            mkdir -p "$at/etc/default"; printf '# version %s\nES_PATH_CONF=/etc/elasticsearch\n#RESTART_ON_UPGRADE=true\n' "$2" >"$at/etc/default/$1"
            echo "/etc/default/$1" >"$at/DEBIAN/conffiles"
            for when in "prerm:upgrade stop" "postinst:configure restart"; do
                printf '#!/bin/sh\n. /etc/default/elasticsearch\n[ "$1" != %s ] || [ -z "$2" ] || [ "${RESTART_ON_UPGRADE-}" != true ] || systemctl %s elasticsearch.service\n' \
                    ${when#*:} >"$at/DEBIAN/${when%%:*}"
            done ;;
        kibana) printf '#!/bin/sh\n! systemctl is-active kibana.service || systemctl stop kibana.service\n' >"$at/DEBIAN/preinst" ;;
    esac
    chmod 755 "$at"/DEBIAN/p*; dpkg-deb --build "$at" "/tmp/$1-$2.deb" >/dev/null
}
upgrade() { # to a version, as the nightly run does
    : >/tmp/log; apt-get -qq -y --allow-downgrades -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef install "/tmp/$1-$2.deb" >/tmp/apt 2>&1 || cat /tmp/apt
    grep -v '^is-active' /tmp/log; rm -f /tmp/log
}
cp /etc/default/elasticsearch /tmp/ours; rm /etc/default/elasticsearch
rm -f /etc/apt/sources.list.d/*; : >/etc/apt/sources.list
for name in elasticsearch kibana; do for version in 1 2 3; do build $name $version; done; dpkg --install /tmp/$name-1.deb >/dev/null; done
cat /tmp/ours >/etc/default/elasticsearch
systemctl start elasticsearch.service; systemctl start kibana.service
"""


def test_an_upgrade_leaves_nothing_running_without_its_programs(vendor):
    one = vendor("elasticsearch", "kibana")
    said = one.run(
        f"""{UPGRADE}
upgrade elasticsearch 2; upgrade kibana 2
cmp /tmp/ours /etc/default/elasticsearch
systemctl stop kibana.service; upgrade kibana 3; ls /tmp/runs-kibana.service 2>/dev/null | wc -l
"""
    )
    assert said == [
        "stop elasticsearch.service with 1", "restart elasticsearch.service with 2",
        "stop kibana.service with 1", "start kibana.service with 2",
        "0",  # somebody had stopped it
    ]  # fmt: skip
