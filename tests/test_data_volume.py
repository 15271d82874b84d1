"""A server's volume for data: what of its software lives on it, what waits for it, and what knows of it."""

import dataclasses
import io
import re
import tarfile
import types

import pytest

from managed_server.bundle import build
from managed_server.inputs import load_project
from managed_server.model.catalogue_items import Absent, given
from managed_server.proofs import figures
from managed_server.proofs.lines import Matrix
from managed_server.resolve import resolve_stack
from managed_server.resolve_data import mount_unit
from tests.conftest import ROOT
from tests.stackfile import STACK, write_stack

VOLUME = "disk_gb: 80\n        data_gb: 50"
PROGRAM = "/usr/local/lib/managed-server/data-volume"
PLUGIN = "/usr/local/lib/managed-server/plugins/check-data-volume"


@pytest.fixture(scope="module")
def project():
    return load_project(ROOT)


@pytest.fixture(scope="module")
def resolve(project, tmp_path_factory):
    root = tmp_path_factory.mktemp("inputs")
    (root / "stacks").mkdir()

    def resolve(disks=VOLUME, software="[nginx, php, redis, percona, openldap]"):
        write_stack(root, STACK.replace("disk_gb: 80", disks).replace("[nginx, php]", software))
        return resolve_stack(dataclasses.replace(project, drafts=root), "acme")[0]

    return resolve


@pytest.fixture(scope="module")
def customer(resolve):
    return resolve()


@pytest.fixture(scope="module")
def server(customer):
    return customer.server("web1")


@pytest.fixture(scope="module")
def bundle(customer, server):
    return build(ROOT / "templates", customer, server)


@pytest.fixture(scope="module")
def files(bundle):
    return {file.path: file.content.decode() for file in bundle.files}


def lines(text, key):
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{key}=")]


def test_without_one_nothing_of_it_is_there(resolve):
    customer = resolve("disk_gb: 80")
    server = customer.server("web1")
    assert server.data is None
    assert "data-volume" not in {entry.id for entry in server.entries}
    made = build(ROOT / "templates", customer, server)
    text = "\n".join(str(file.path) + file.content.decode() for file in made.files)
    assert "/srv/data" not in text
    assert "data-volume" not in text


def test_the_softwares_data_live_on_it(server):
    assert (server.data.gb, server.data.device, server.data.path) == (50, "/dev/sdf", "/srv/data")
    assert server.disks_gb == 130
    assert [mount.path for mount in server.data.mounts] == [
        "/var/lib/automysqlbackup",
        "/var/lib/ldap",
        "/var/lib/ldap-dumps",
        "/var/lib/mysql",
        "/var/lib/redis",
        "/var/www",
    ]
    assert all(mount.source == f"/srv/data/software{mount.path}" for mount in server.data.mounts)


def test_what_uses_data_waits_for_them(server, files):
    waits = {user.name: user.paths for user in server.data.users}
    assert waits["mysql.service"] == ("/var/lib/automysqlbackup", "/var/lib/mysql")
    assert waits["redis-server.service"] == ("/var/lib/redis",)
    assert waits["managed-ldap-dumps.service"] == ("/var/lib/ldap", "/var/lib/ldap-dumps")
    everything = tuple(sorted(["/srv/data", *(mount.path for mount in server.data.mounts)]))
    for job in ("managed-backup.service", "managed-dumps.service"):
        assert waits[job] == everything, "without the volume it would take an empty directory for the data"
    assert {"nagios-nrpe-server.service", "ssh.service", "percona-telemetry-agent.service"}.isdisjoint(waits)
    for unit, paths in waits.items():
        text = files[f"/etc/systemd/system/{unit}.d/managed-data-volume.conf"]
        assert lines(text, "RequiresMountsFor") == [" ".join(paths)]


def test_each_is_mounted_by_a_unit_of_its_own_and_the_machine_boots_without_any(server, files):
    for mount in server.data.mounts:
        text = files[f"/etc/systemd/system/{mount.name}"]
        assert lines(text, "What") == [mount.source]
        assert lines(text, "Where") == [mount.path]
        assert lines(text, "Options") == ["bind,nofail"]
    volume = files["/etc/systemd/system/srv-data.mount"]
    assert lines(volume, "What") == ["/dev/sdf"]
    assert "nofail" in lines(volume, "Options")[0].split(",")
    assert lines(volume, "Requires") == ["managed-data-volume.service"]
    assert lines(volume, "Wants") == [mount.name for mount in server.data.mounts]


@pytest.mark.parametrize(
    ("path", "unit"),
    [  # as systemd-escape --path --suffix=mount says
        ("/srv/data", "srv-data.mount"),
        ("/var/lib/elasticsearch-snapshots", r"var-lib-elasticsearch\x2dsnapshots.mount"),
        ("/var/lib/tomcat11/webapps", "var-lib-tomcat11-webapps.mount"),
        ("/.a/.b c", r"\x2ea-.b\x20c.mount"),
        ("/é", r"\xc3\xa9.mount"),
    ],
)
def test_names_of_mount_units(path, unit):
    assert mount_unit(path) == unit


def test_it_is_there_before_any_package(bundle, resolve):
    def content(of):
        with tarfile.open(fileobj=io.BytesIO(of.content)) as archive:
            return {name: archive.extractfile(name).read() for name in archive.getnames()}

    plain = (ROOT / "puppet/site.pp").read_bytes()
    more = (ROOT / "puppet/with/data-volume.pp").read_bytes()
    with_it = content(bundle)
    assert with_it["puppet/site.pp"] == plain + b"\n" + more
    without = resolve("disk_gb: 80")
    assert content(build(ROOT / "templates", without, without.server("web1")))["puppet/site.pp"] == plain
    assert not [name for name in with_it if name.startswith("puppet/with/")]
    assert f"files{PROGRAM}" in with_it


def test_everything_of_site_pp_waits_for_it():
    classes = re.findall(r"(?m)^class \{ '([a-z_]+)'", (ROOT / "puppet/site.pp").read_text())
    text = (ROOT / "puppet/with/data-volume.pp").read_text()
    waiting = re.findall(r"Class\['([a-z_]+)'\]", text[text.index("before  => [") : text.index("\n  ],")])
    assert waiting == classes
    assert len(classes) > 5


def test_alarms_and_agent_look_at_it_as_at_the_root(project, server, bundle):
    def of(path):
        return {
            (alarm.metric, alarm.threshold, alarm.priority, alarm.wakes)
            for alarm in server.alarms
            if ("path", path) in alarm.dimensions
        }

    assert server.cloudwatch.agent.paths == ("/", "/srv/data")
    assert of("/srv/data") == of("/") != set()
    assert {"disk-srv-data", "disk-full-srv-data", "disk-inodes-srv-data"} < {a.id for a in server.alarms}
    rendered = {file.path: file.content for file in bundle.files}
    assert list(figures.differences(project.limits.figures, server, rendered)) == []


def test_a_missing_one_pages(server):
    check = next(check for check in server.checks if check.origin == "data-volume")
    assert (check.priority.value, check.command) == ("urgent", PLUGIN)


def test_what_is_on_it_is_backed_up_once(server):
    assert "/srv/data" in server.backup_paths
    assert "/srv/data/software" in server.backup_exclude
    assert "/var/lib/redis" in server.backup_paths


def test_the_scan_passes_over_the_same_files_on_it(server):
    assert "/srv/data/software/var/lib/mysql" in server.antivirus_exclude
    assert not [path for path in server.antivirus_exclude if path in ("/srv/data", "/srv/data/software")]


def test_a_restore_leaves_a_volume_alone_that_outlived_its_machine(files):
    text = files["/usr/local/lib/managed-server/restore"]
    compile(text, "restore", "exec")
    assert "--keep-volume" in text


def test_the_matrix_names_it(project, customer):
    cells = [cell for cell in Matrix(project, customer).cells() if cell.line.id == "nightly-offsite-backups"]
    assert not [cell for cell in cells if cell.missing]
    assert "srv-data.mount" in {thing.name for cell in cells for thing in cell.things}


@pytest.mark.parametrize("name", sorted(load_project(ROOT).software))
def test_nothing_that_lives_on_it_is_forgotten_by_the_backups(project, name):
    """A directory of data is taken, or left out with another copy of it taken in its place."""
    entry = project.software[name]
    for release in entry.general.releases:
        whole = entry.resolved(release, {})
        backup, data = whole.backup, given(whole.data)
        if not data:
            continue
        known = {dump.directory for dump in given(whole.dumps)}
        if not isinstance(backup, Absent):
            known |= {*backup.paths, *backup.exclude}
        for directory in data:
            near = [
                k
                for k in known
                if f"{k}/".startswith(f"{directory.path}/") or f"{directory.path}/".startswith(f"{k}/")
            ]
            assert near or given(whole.dumps), f"{name}: {directory.path}"


# --- its program ---------------------------------------------------------------------------------


@pytest.fixture
def program(files, tmp_path):
    module = types.ModuleType("data_volume")
    exec(compile(files[PROGRAM], PROGRAM, "exec"), module.__dict__)  # noqa: S102
    module.DEVICE = str(tmp_path / "sdf")
    return module


def test_what_is_not_mounted_is_named(program, tmp_path, capsys):
    assert program.check() == 2
    assert capsys.readouterr().out == f"CRITICAL - not on the data volume: {program.DEVICE}\n"
    (tmp_path / "sdf").write_text("")  # of no device: its number is 0:0
    there = {"/srv/data": ("0:0", "/")}
    there |= {path: ("0:0", source.removeprefix("/srv/data")) for _, path, source, *_ in program.MOUNTS}
    program.mounted = lambda: there
    assert program.missing() == []
    assert program.check() == 0
    assert "6 directories of software" in capsys.readouterr().out
    there["/var/lib/mysql"] = ("0:0", "/elsewhere")
    there["/var/www"] = ("8:1", "/software/var/www")
    assert program.missing() == ["/var/lib/mysql", "/var/www"]


def test_files_are_not_hidden(program, tmp_path):
    (tmp_path / "redis/a/b").mkdir(parents=True)
    program.refuse_to_hide(str(tmp_path / "redis"), "/srv/data/software/var/lib/redis")
    program.refuse_to_hide(str(tmp_path / "nothing"), "/srv/data/software/nothing")
    (tmp_path / "redis/a/b/dump.rdb").write_text("")
    with pytest.raises(program.Failed, match=r"redis/a/b/dump.rdb would be hidden by the data volume"):
        program.refuse_to_hide(str(tmp_path / "redis"), "/srv/data/software/var/lib/redis")


@pytest.mark.parametrize(
    ("size", "is_grown"), [(1 << 30, True), ((1 << 30) + (127 << 20), True), (2 << 30, False)]
)
def test_a_larger_volume_is_seen(program, size, is_grown):
    said = {
        "dumpe2fs": "Filesystem UUID: x\nBlock count:   262144\nBlock size:   4096\n",
        "blockdev": f"{size}\n",
    }
    program.run = lambda *command: said[command[0]]
    assert program.grown() is is_grown


def test_the_entry_and_the_table_name_one_place():
    project = load_project(ROOT)
    volume = project.debian.data_volume
    entry = project.tools["data-volume"].general
    assert entry.backup.paths == entry.cloudwatch.paths == (volume.path,)
    assert entry.backup.exclude == (f"{volume.path}/software",)
