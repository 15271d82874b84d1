"""The monitoring and protection tools: what follows from their entries."""

import re
import shlex
from dataclasses import replace

import pytest

from managed_server.model.catalogue_items import Absent
from managed_server.rendering import render
from managed_server.resolve_server import _Command
from tests.validators.ossec import problems

from .monitoring import ORIGINS, small
from .support import files_of

EC2_METRICS = {
    "CPUCreditBalance",
    "CPUUtilization",
    "EBSByteBalance%",
    "EBSIOBalance%",
    "StatusCheckFailed_AttachedEBS",
    "StatusCheckFailed_Instance",
    "StatusCheckFailed_System",
}


@pytest.fixture(scope="module")
def files(root, customer):
    return files_of(root, customer, ORIGINS)


# --- check kinds -----------------------------------------------------------------------------------


def test_every_command_is_one_safe_line(project):
    for name, kind in project.checks.kinds.items():
        values = {
            key: shlex.quote(str("x" if arg.default is None else arg.default))
            for key, arg in kind.args.items()
        }
        command = _Command(kind.command).substitute(values)
        assert "\n" not in command, name
        assert not re.search(r"[$;`!|<>]", command), name  # NRPE's macros, and the shell that it starts
        assert shlex.split(command)[0].startswith(
            ("/usr/lib/nagios/plugins/", "/usr/local/lib/managed-server/plugins/")
        ), name
        used = set(re.findall(r"\$\{([a-z_]+)\}", kind.command))
        assert used == set(kind.args), name


def test_an_empty_expectation_stays_an_argument(project):
    kind = project.checks.kinds["http"]
    values = {key: shlex.quote(str(arg.default)) for key, arg in kind.args.items()}
    words = shlex.split(_Command(kind.command).substitute(values))
    assert words[words.index("-s") + 1] == ""


def test_own_plugins_are_shipped_by_a_tool_or_by_all_that_ask_for_them(project):
    def ships(entry):
        files = () if isinstance(entry.general.files, Absent) else entry.general.files
        return {file.path for file in files if file.mode == "0755"}

    def asks(entry):
        checks = () if isinstance(entry.general.checks, Absent) else entry.general.checks
        commands = {project.checks.kinds[intent.check].command.split()[0] for intent in checks}
        return {path for path in commands if path.startswith("/usr/local/")}

    everywhere = set().union(*(ships(tool) for tool in project.tools.values()))
    asked = {entry_id: asks(entry) for entry_id, entry in project.entries.items()}
    assert any(asked.values())
    missing = {
        entry_id: paths - everywhere - ships(project.entries[entry_id]) for entry_id, paths in asked.items()
    }
    assert {entry_id: paths for entry_id, paths in missing.items() if paths} == {}


def test_timeouts_fit_inside_each_other(project, server):
    limit = server.entry("nrpe").facts["command_timeout"]
    for name, kind in project.checks.kinds.items():
        assert kind.timeout_s < limit < 60, name
        own = re.search(r"-t (\d+)", kind.command)
        assert own is None or int(own[1]) < kind.timeout_s, name


@pytest.mark.parametrize(("priority", "minutes"), [("urgent", 15), ("high", 60)])
def test_worst_case_is_within_a_third_of_the_objective(project, priority, minutes):
    timing = project.checks.timing[priority]
    longest = max(kind.timeout_s for kind in project.checks.kinds.values())
    assert timing.interval_s + (timing.attempts - 1) * timing.retry_s + longest <= minutes * 60 / 3


# --- alarms ----------------------------------------------------------------------------------------


def test_alarms_are_on_what_ec2_publishes(project):
    """And on what the agent (held against its file by tests/proofs/test_figures.py) and a hub publish."""
    alarms = project.alarms.alarms.values()
    assert {alarm.metric for alarm in alarms if alarm.namespace == "AWS/EC2"} == EC2_METRICS
    assert {alarm.namespace for alarm in alarms} == {"AWS/EC2", "CWAgent", "ManagedServer/Hub"}


def test_recover_and_reboot_never_meet(project):
    acting = [
        (alarm.metric, alarm.ec2_action) for alarm in project.alarms.alarms.values() if alarm.ec2_action
    ]
    assert acting == [("StatusCheckFailed_System", "recover")]


@pytest.mark.parametrize(("priority", "minutes"), [("urgent", 15), ("high", 60)])
def test_alarms_are_fast_enough(server, priority, minutes):
    alarms = [alarm for alarm in server.alarms if alarm.priority.value == priority]
    assert alarms
    assert all(alarm.detection_s <= minutes * 60 / 3 for alarm in alarms)


def test_credits_are_watched_on_burstable_types_only(root, project, server, tmp_path):
    other = small(root, project, tmp_path, instance_type="m6i.large").servers[0]
    assert server.burstable
    assert not other.burstable
    assert {a.id for a in server.alarms} - {a.id for a in other.alarms} == {"cpu-credits"}


# --- rendered files --------------------------------------------------------------------------------


def test_nrpe_offers_exactly_the_servers_checks(files, server, customer):
    text = files["/etc/nagios/nrpe.d/managed.cfg"].content.decode()
    commands = re.findall(r"^command\[(\w+)\]=(.+)$", text, re.MULTILINE)
    assert sorted(commands) == sorted((check.nrpe_command, check.command) for check in server.checks)
    assert len({name for name, _ in commands}) == len(commands)
    allowed = re.search(r"^allowed_hosts=(.+)$", text, re.MULTILINE)[1].split(",")
    assert allowed == ["127.0.0.1", "::1", *customer.hub.addresses]
    assert "\ndont_blame_nrpe=0\n" in text
    assert "\nssl_client_certs=2\n" in text


def test_munin_node_lets_the_hub_in_and_nobody_like_it(files, customer):
    text = files["/etc/munin/munin-node.conf"].content.decode()
    allow = [re.compile(pattern) for pattern in re.findall(r"^allow (.+)$", text, re.MULTILINE)]
    hub = customer.hub.ipv4
    assert any(pattern.search(hub) for pattern in allow)
    for address in (f"1{hub}", f"{hub}1", hub.replace(".", "1", 1), "203.0.113.99"):
        assert not any(pattern.search(address) for pattern in allow), address


def test_munin_limits_follow_from_the_cpus_and_settings(files, server):
    text = files["/etc/munin/plugin-conf.d/zz-managed"].content.decode()
    assert f"env.load_warning {2 * server.vcpus}\nenv.load_critical {4 * server.vcpus}\n" in text
    assert "[df]\nenv.critical :92\n" in text
    for plugin in server.munin:
        assert (f"[{plugin.name}]" in text) == bool(
            plugin.env or plugin.user or plugin.group
        ) or plugin.name == "load"


def test_ossec_reads_every_log_and_watches_every_path(files, server):
    content = files["/var/ossec/etc/ossec.conf"].content
    assert problems("/var/ossec/etc/ossec.conf", content) == []
    text = content.decode()
    assert re.findall(r"<location>(.+)</location>", text) == [log.path for log in server.logs]
    assert re.findall(r"<directories[^>]*>(.+)</directories>", text) == list(server.integrity_watch)
    assert re.findall(r"<ignore>(.+)</ignore>", text) == list(server.integrity_ignore)
    assert "<frequency>79200</frequency>" in text


def test_a_wrong_ossec_option_is_noticed(files):
    content = files["/var/ossec/etc/ossec.conf"].content.replace(b"notify_time", b"notify_tyme")
    assert problems("/var/ossec/etc/ossec.conf", content)


def test_clamd_runs_from_three_gigabytes_on(root, project, server, tmp_path):
    other = small(root, project, tmp_path, instance_type="t3.small")
    states = {unit.name: unit.state for unit in server.units if unit.name.startswith("clamav-d")}
    assert states == {"clamav-daemon.service": "running", "clamav-daemon.socket": "running"}
    states = {unit.name: unit.state for unit in other.servers[0].units if unit.name.startswith("clamav-d")}
    assert states == {"clamav-daemon.service": "stopped", "clamav-daemon.socket": "stopped"}
    files = files_of(root, other, ORIGINS)
    assert "/etc/clamav/clamd.conf" not in files
    assert b"NotifyClamd" not in files["/etc/clamav/freshclam.conf"].content
    assert b"DAEMON = False" in files["/usr/local/lib/managed-server/clamav-scan"].content
    assert "clamav-clamd" not in {check.name for check in other.servers[0].checks}


def test_what_other_entries_exclude_is_excluded_from_both_scans(root, customer, server):
    more = replace(server, antivirus_exclude=(*server.antivirus_exclude, "/var/lib/some.db"))
    entry = server.entry("clamav")
    context = {"server": more, "customer": customer, "entry": entry, "facts": entry.facts}
    for path in ("etc/clamav/clamd.conf", "usr/local/lib/managed-server/clamav-scan"):
        text = render(root / "templates", f"clamav/server/{path}.j2", **context).decode()
        assert re.search(r"\^/var/lib/some\\+\.db\(/\|\$\)", text), path


def test_every_entry_says_what_it_fulfils(project):
    fulfilled = {line for tool in ORIGINS for line in project.tools[tool].general.fulfils}
    assert fulfilled >= {"antivirus-rootkit", "intrusion-protection", "munin-monitoring", "nagios-monitoring"}
