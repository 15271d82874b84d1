"""The files, checks and graphs that the catalogue adds to software of vendors."""

# ruff: noqa: E501  lines of the shell, and answers of servers

import json

import pytest

from managed_server.model.catalogue_items import Absent, given
from tests.conftest import ROOT
from tests.validators.server import validate_server

from .vendors import PEERS, project


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
        for name, entry in project().software.items()
        if never & set(given(entry.general.requires)) and not isinstance(entry.general.packages, Absent)
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
def test_jenkins_files_are_accepted(vendor, vendor_machine):
    if vendor_machine[0] == 12:
        with pytest.raises(Exception, match="'jenkins' has no facts for Debian 12"):
            vendor("jenkins")
        return
    one = vendor("jenkins")
    findings = validate_server(one.tree, one.files)
    assert [f for f in findings if not f.ok] == []


@pytest.mark.machine
def test_apt_takes_the_archives(vendor, vendor_machine):
    """The lines that converge writes: a flat archive has no components."""
    software = ["elasticsearch", "gitlab", *(["jenkins"] if vendor_machine[0] == 13 else [])]
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
def test_checks(vendor, vendor_machine, case):
    software, name, port, path, good, bad = case
    if (software, vendor_machine[0]) == ("jenkins", 12):
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
    assert "mysql-mmm-agent" in agent.server.vendor_packages
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
