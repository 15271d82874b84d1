"""The files and programs that the catalogue adds to software of vendors: judged, and run against servers made for it."""

# ruff: noqa: E501  lines of the shell, and answers of servers

import json

import pytest

from managed_server.local.debian.tree import ensure_tree
from managed_server.model.catalogue_items import Absent
from tests.conftest import ROOT
from tests.releases import RELEASES
from tests.validators.server import validate_server

from .vendors import PACKAGES, Vendor, project

PEERS = """
        peers: [web2]
      web2: {instance_type: t3.small, disk_gb: 20, software: [nginx]}
"""


@pytest.fixture(scope="module", params=RELEASES)
def machine(request):
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    return request.param, ensure_tree(request.param, PACKAGES, reporter.write_line if reporter else print)


@pytest.fixture
def vendor(tmp_path, machine):
    def made(*software, more=""):
        return Vendor(tmp_path, machine, *software, more=more)

    return made


def test_the_page_names_what_never_ran():
    """What has an archive of a vendor, or can't be installed; and what stands on one of these."""
    entries = project().entries
    never = {
        name
        for name, entry in entries.items()
        if entry.general.installable is not True or not isinstance(entry.general.apt, Absent)
    }
    never |= {
        name
        for name, entry in entries.items()
        if never & set(entry.general.requires) and not isinstance(entry.general.packages, Absent)
    }
    rows = (
        (ROOT / "docs" / "not-run-here.md").read_text().split("|---|---|\n")[1].split("\n\n")[0].splitlines()
    )
    assert [row.split("|")[1].strip() for row in rows] == sorted(never)
    assert all(len(row.split("|")[2].strip()) > 5 for row in rows)


# --- files ------------------------------------------------------------------------------------------------------------

SERVERS = [
    (["elasticsearch", "kibana"], ""),
    (["elasticsearch", "kibana"], PEERS),
    (["gitlab"], ""),
    (["gitlab", "nginx"], "\n        settings: {gitlab: {host: git.acme.example, tls: true, workers: 3}}\n"),
    (["solr"], ""),
    (["solr"], PEERS),
    (["mysql-mmm"], ""),
    (
        ["mysql-mmm"],
        "\n        settings: {mysql-mmm: {role: monitor, nodes: db1=192.0.2.11 db2=192.0.2.12}}\n",
    ),
]


@pytest.mark.machine
@pytest.mark.parametrize(("software", "more"), SERVERS, ids=range(len(SERVERS)))
def test_every_file_is_accepted(vendor, software, more):
    one = vendor(*software, more=more)
    own = {path: file for path, file in one.files.items() if "/nginx/" not in path}
    accounts = {name for file in own.values() for name in (file.owner, file.group)} | {
        "solr",
        "elasticsearch",
    }
    findings = validate_server(one.tree, own, users=sorted(accounts - {"root"}))
    assert [f for f in findings if not f.ok] == []
    assert {f.path for f in findings} == set(own)


@pytest.mark.machine
def test_jenkins_files_are_accepted(vendor, machine):
    if machine[0] == 12:
        with pytest.raises(Exception, match="'jenkins' has no facts for Debian 12"):
            vendor("jenkins")
        return
    one = vendor("jenkins")
    findings = validate_server(one.tree, one.files)
    assert [f for f in findings if not f.ok] == []


@pytest.mark.machine
def test_apt_takes_the_archives(vendor, machine):
    """The lines that converge writes: a flat archive has no components."""
    software = ["elasticsearch", "gitlab", *(["jenkins"] if machine[0] == 13 else [])]
    sources = vendor(*software).server.apt_sources
    assert [source.name for source in sources] == software
    script = ""
    for source in sources:
        script += f"""
cat >/opt/{source.name}.sources <<END
Types: deb
URIs: {source.uri}
Suites: {source.suite}
Components: {" ".join(source.components)}
END
apt-get --print-uris update -o Dir::Etc::SourceList=/opt/{source.name}.sources -o Dir::Etc::SourceParts=/dev/null 2>&1 | cut -d "'" -f 2
rm /opt/{source.name}.sources
"""
    said = vendor(*software).run(script)
    assert f"{sources[0].uri}/dists/stable/InRelease" in said
    assert f"{sources[1].uri}/dists/{sources[1].suite}/InRelease" in said
    if len(sources) == 3:
        assert "https://pkg.jenkins.io/debian-stable/binary/InRelease" in said


# --- checks -----------------------------------------------------------------------------------------------------------

HEALTH = "/_cluster/health?wait_for_status=yellow&timeout=5s"
CHECKS = [
    ("elasticsearch", "elasticsearch-health", 9200, HEALTH, [200, '{"cluster_name":"elasticsearch","status":"yellow","timed_out":false}'], [408, '{"cluster_name":"elasticsearch","status":"red","timed_out":true}']),
    ("kibana", "kibana-status", 5601, "/api/status", [200, '{"status":{"overall":{"level":"available"}}}'], [503, '{"status":{"overall":{"level":"unavailable"}}}']),
    ("gitlab", "gitlab-health", 8481, "/-/health", [200, "GitLab OK"], [404, ""]),
    ("gitlab", "gitlab-readiness", 8481, "/-/readiness", [200, '{"status":"ok","master_check":[{"status":"ok"}]}'], [503, '{"status":"failed"}']),
    ("solr", "solr-health", 8983, "/solr/admin/info/health", [200, '{"responseHeader":{"status":0},"status":"OK"}'], [503, '{"status":"FAILURE"}']),
    ("jenkins", "jenkins-login", 8884, "/login", [200, "<title>Sign in - Jenkins</title>"], [503, "<h1>Error</h1>"]),
]  # fmt: skip


@pytest.mark.machine
@pytest.mark.parametrize("case", CHECKS, ids=[case[1] for case in CHECKS])
def test_checks(vendor, machine, case):
    software, name, port, path, good, bad = case
    if (software, machine[0]) == ("jenkins", 12):
        return  # its facts are for 13
    one = vendor(*(["elasticsearch", software] if software == "kibana" else [software]))
    assert port in {listen.port for listen in one.server.listens if listen.origin == software}
    check = one.check(name)
    assert one.run(f"serve {port}; {check}; stop; {check}", {f"GET {path}": good}) == ["0", "2"]
    assert one.run(f"serve {port}; {check}; stop", {f"GET {path}": bad}) == ["2"]


@pytest.mark.machine
def test_elasticsearch_says_nothing_to_its_port_for_other_nodes(vendor):
    """Peers reach HTTP alone."""
    one = vendor("elasticsearch", more=PEERS)
    assert {
        listen.port: listen.reach for listen in one.server.listens if listen.origin == "elasticsearch"
    } == {9200: "peers", 9300: "local"}
    text = one.files["/etc/elasticsearch/elasticsearch.yml"].content.decode()
    assert "http.host: 0.0.0.0" in text
    assert "xpack.security.enabled: true" in text
    assert "transport.host: 127.0.0.1" in text
    alone = vendor("elasticsearch").files["/etc/elasticsearch/elasticsearch.yml"].content.decode()
    assert "http.host: 127.0.0.1" in alone


@pytest.mark.machine
@pytest.mark.parametrize(
    ("software", "path"),
    [
        ("elasticsearch", "/etc/elasticsearch/jvm.options.d/managed.options"),
        ("solr", "/etc/default/solr.in.sh"),
    ],
)
def test_heaps_follow_the_memory(vendor, software, path):
    text = vendor(software).files[path].content.decode()
    assert "2048m" in text  # of 8 GiB
    text = (
        vendor(software, more=f"\n        settings: {{{software}: {{heap_mb: 600}}}}\n")
        .files[path]
        .content.decode()
    )
    assert "600m" in text


# --- graphs -----------------------------------------------------------------------------------------------------------

NODE = {
    "jvm": {"mem": {"heap_used_in_bytes": 11, "heap_max_in_bytes": 12}},
    "indices": {
        "docs": {"count": 13, "deleted": 14}, "store": {"size_in_bytes": 15},
        "search": {"query_total": 16}, "indexing": {"index_total": 17},
    },
}  # fmt: skip


@pytest.mark.machine
def test_graphs_of_elasticsearch(vendor):
    one = vendor("elasticsearch")
    names = [plugin.name for plugin in one.server.munin if plugin.name.startswith("elasticsearch_")]
    links = "".join(
        f"ln -s /usr/local/lib/munin/plugins/elasticsearch_ /opt/{name}; echo {name} $(as nagios /opt/{name} config | grep -c '[.]label') "
        f"$(as nagios /opt/{name} | grep -oE '[0-9]+$')\n"
        for name in names
    )
    answers = {"GET /_nodes/_local/stats/jvm,indices": [200, json.dumps({"nodes": {"x": NODE}})]}
    said = one.run(f"serve 9200\n{links}stop; as nagios /opt/{names[0]} 2>&1 | grep -c 'no figures'", answers)
    assert said == [
        "elasticsearch_documents 2 13 14", "elasticsearch_heap 2 11 12", "elasticsearch_requests 2 16 17",
        "elasticsearch_size 1 15", "1",
    ]  # fmt: skip


@pytest.mark.machine
def test_graphs_of_a_unit(vendor):
    """The same program for each of them, by the unit that the catalogue names."""
    found = []
    for software in (["elasticsearch", "kibana"], ["gitlab"], ["solr"], ["mysql-mmm"]):
        one = vendor(*software)
        plugins = [plugin for plugin in one.server.munin if "unit" in plugin.env]
        script, wanted = "", []
        for plugin in plugins:
            unit = plugin.env["unit"]
            script += f"""
mkdir -p /opt/groups/{unit}; cd /opt/groups/{unit}
echo 4096 >memory.current; echo 7 >pids.current; printf 'usage_usec 9\\nuser_usec 5\\n' >cpu.stat
ln -s {plugin.plugin} /opt/{plugin.name}
unit={unit} as nagios /opt/{plugin.name} config | grep -c '[.]label'
unit={unit} groups=/opt/groups as nagios /opt/{plugin.name}
"""
            value = {"memory": "4096", "tasks": "7", "cpu": "9"}[plugin.name.rpartition("_")[2]]
            wanted += ["1", f"taken.value {value}"]
        script += f"unit=other.service as nagios /opt/{plugins[0].name} 2>&1 | grep -c 'no figures of other.service'"
        assert one.run(script) == [*wanted, "1"]
        found += plugins
    assert len(found) >= 8


# --- what is done by programs of ours -----------------------------------------------------------------------------------

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


# --- MMM --------------------------------------------------------------------------------------------------------------


@pytest.mark.machine
def test_mmm_has_one_agent_or_one_monitor(vendor):
    nodes = "nodes: db1=192.0.2.11 db2=192.0.2.12 db3=192.0.2.13, writer: 192.0.2.50, readers: 192.0.2.51 192.0.2.52"
    agent = vendor("mysql-mmm", more=f"\n        settings: {{mysql-mmm: {{{nodes}}}}}\n")
    text = " ".join(agent.files["/etc/mysql-mmm/mmm_common.conf"].content.decode().split())
    assert "<host db1> ip 192.0.2.11 mode master peer db2 </host>" in text
    assert "<host db2> ip 192.0.2.12 mode master peer db1 </host>" in text
    assert "<host db3> ip 192.0.2.13 mode slave </host>" in text
    assert "<role writer> hosts db1, db2 ips 192.0.2.50 mode exclusive </role>" in text
    assert "<role reader> hosts db1, db2, db3 ips 192.0.2.51, 192.0.2.52 mode balanced </role>" in text
    assert agent.files["/etc/mysql-mmm/mmm_agent.conf"].content.decode().endswith("this web1\n")
    assert "/etc/mysql-mmm/mmm_mon.conf" not in agent.files
    assert agent.server.vendor_packages[0] == "mysql-mmm-agent"
    monitor = vendor("mysql-mmm", more=f"\n        settings: {{mysql-mmm: {{role: monitor, {nodes}}}}}\n")
    assert (
        "ping_ips            192.0.2.11, 192.0.2.12, 192.0.2.13\n"
        in monitor.files["/etc/mysql-mmm/mmm_mon.conf"].content.decode()
    )
    assert {check.name for check in monitor.server.checks if check.origin == "mysql-mmm"} == {
        "mysql-mmm-monitor"
    }
    # The passwords are a person's: no bundle has them, and no converge takes them away.
    [passwords] = [file for file in agent.server.files if file.path.endswith("managed_passwords.conf")]
    assert passwords.once
    assert passwords.mode == "0640"
