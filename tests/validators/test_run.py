"""Running in a tree: files with their owners, isolation from the host, nothing left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from managed_server.local.debian import host
from managed_server.local.debian.host import DebianError
from managed_server.local.debian.run import Command, Layout, TreeFile, run_all, run_in_tree

from .test_tree import processes_with, wait_until

pytestmark = pytest.mark.machine


def _shell(tree: Path, script: str, layout: Layout | None = None) -> str:
    result = run_all(tree, [Command(["bash", "-c", script])], layout or Layout())[0]
    assert result.code == 0, result
    return result.stdout.strip()


def test_files_have_their_owner_and_mode(tree: Path) -> None:
    files = {
        "/etc/a/b": TreeFile(b"x\0\xff", "nagios", "adm", 0o640),
        "/home/alice/.ssh/authorized_keys": TreeFile(b"", "alice", "alice", 0o600),
    }
    said = _shell(tree, "stat -c '%U:%G %a' /etc/a/b /home/alice/.ssh/authorized_keys; od -An -tx1 /etc/a/b",
                  Layout(files, users=("alice", "nagios")))  # fmt: skip
    assert said.splitlines() == ["nagios:adm 640", "alice:alice 600", " 78 00 ff"]


def test_a_known_account_keeps_its_number(tree: Path) -> None:
    assert _shell(tree, "id -u nagios", Layout(users=("nagios",))) == _shell(tree, "id -u nagios")


def test_files_can_go_and_links_can_come(tree: Path) -> None:
    layout = Layout(
        files={"/etc/hostname2": TreeFile(b"here\n")},
        links={"/etc/x/link": "../hostname2"},
        absent=("/etc/nginx/sites-enabled/default", "/no/such"),
    )
    assert _shell(tree, "ls /etc/nginx/sites-enabled; cat /etc/x/link", layout) == "here"
    assert (tree / "etc/nginx/sites-enabled/default").is_symlink()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"/etc/x": TreeFile(b"", "nosuch")}, "nosuch:root"),
        ({"/etc/x": TreeFile(b"", "root", "nosuch")}, "root:nosuch"),
        ({"etc/x": TreeFile(b"")}, "not an absolute path"),
        ({"/etc/../../x": TreeFile(b"")}, "not an absolute path"),
        ({"/etc/passwd/x": TreeFile(b"")}, "writing the files"),
    ],
)
def test_files_that_can_not_be_written_are_refused(tree: Path, files: dict[str, TreeFile], said: str) -> None:
    with pytest.raises(DebianError, match=said):
        run_in_tree(tree, ["true"], files)


def test_a_link_of_the_tree_does_not_lead_out_of_it(tree: Path) -> None:
    # /var/run is an absolute link: followed outside the tree, it would be the host's /run.
    assert (
        run_in_tree(tree, ["cat", "/run/mark-of-a-test"], {"/var/run/mark-of-a-test": TreeFile(b"x")}).stdout
        == "x"
    )
    assert not Path("/run/mark-of-a-test").exists()


def test_a_firewall_does_not_reach_the_host(tree: Path) -> None:
    before = Path("/proc/net/dev").read_text().count(":")
    _shell(tree, "nft add table inet mark_of_a_test; nft list tables | grep -q mark_of_a_test")
    assert _shell(tree, "nft list tables") == ""
    assert _shell(tree, "ls /sys/class/net 2>/dev/null; grep -c : /proc/net/dev") == "1"
    assert Path("/proc/net/dev").read_text().count(":") == before


def test_it_has_its_own_processes_name_and_loopback(tree: Path) -> None:
    connect = "timeout 1 bash -c '</dev/tcp/127.0.0.1/9' 2>&1"
    script = f"cat /proc/sys/kernel/hostname; ls -d /proc/[0-9]* | wc -l; {connect}"
    said = run_all(tree, [Command(["bash", "-c", script])], Layout(hostname="web1"))[0].stdout.splitlines()
    assert said[0] == "web1"
    assert int(said[1]) < 10
    assert "refused" in said[2]  # and not: unreachable


def test_what_one_command_writes_the_next_one_sees_and_the_next_run_does_not(tree: Path) -> None:
    write, read = Command(["touch", "/mark"]), Command(["test", "-e", "/mark"])
    assert [result.code for result in run_all(tree, [write, read], Layout())] == [0, 0]
    assert run_all(tree, [read], Layout())[0].code == 1
    assert not (tree / "mark").exists()


def test_input_environment_and_both_outputs(tree: Path) -> None:
    command = Command(["bash", "-c", 'cat; echo "$A" >&2; exit 3'], env={"A": "b c"}, input=b"in")
    result = run_all(tree, [command], Layout())[0]
    assert (result.code, result.stdout, result.stderr) == (3, "in", "b c\n")


def test_what_is_said_to_syslog_is_heard(tree: Path) -> None:
    results = run_all(
        tree, [Command(["logger", "-p", "daemon.err", word]) for word in ("one", "two")], Layout()
    )
    assert ["one" in result.syslog for result in results] == [True, False]


def test_a_time_limit_ends_a_command_and_its_daemons(tree: Path) -> None:
    script = "setsid sleep 987654 & sleep 987654"
    results = run_all(tree, [Command(["sh", "-c", script], 0.5), Command(["pgrep", "sleep"])], Layout())
    assert results[0].timed_out
    assert results[1].code == 1  # none is left
    with pytest.raises(subprocess.TimeoutExpired):
        run_in_tree(tree, ["sleep", "5"], timeout=0.2)


def test_a_daemon_that_keeps_the_output_open_does_not_hold_up(tree: Path) -> None:
    """It would sleep beyond the time limit of a command."""
    result = run_all(tree, [Command(["sh", "-c", f"sleep {Command.timeout * 20} & echo done"])], Layout())[0]
    assert (result.stdout, result.timed_out) == ("done\n", False)


def test_nothing_is_left_when_the_caller_is_killed(tree: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from managed_server.local.debian.run import run_in_tree;"
        "run_in_tree(Path(sys.argv[1]), ['sleep', '976543'], timeout=60)"
    )
    env = {**os.environ, "PYTHONPATH": str(host.HERE.parents[2])}
    caller = subprocess.Popen([sys.executable, "-c", program, str(tree)], env=env)
    assert wait_until(
        lambda: bool([line for line in processes_with("sleep 976543") if line.startswith("sleep")])
    )
    caller.send_signal(signal.SIGKILL)
    caller.wait()
    assert wait_until(lambda: not processes_with("sleep 976543"))
    assert str(tree.parent) not in Path("/proc/self/mounts").read_text()
    assert list((tree.parent / "mnt").iterdir()) == []
