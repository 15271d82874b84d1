"""`managed restore`: what it is told must be true before a machine is touched; SSH is played by scripts."""

import datetime
import os
import runpy
import stat

import pytest
import typer

from managed_server.commands import backups
from managed_server.rendering import render_server
from managed_server.resolve import load_customer
from tests.stackfile import STACK, write_stack
from tests.test_cli import managed

ON_IT = "s|/etc/managed-server/identity|$PLACE/identity|"
SCRIPTS = {
    # SSH: what is to be run on the machine is run here, with that machine's identity.
    "ssh": f'for command; do :; done\nprintf %s "$command" | sed "{ON_IT}" | sh',
    "sudo": 'exec "$@"',
    "systemd-run": 'echo "$@" >>"$PLACE/ran"',
}


@pytest.fixture
def place(tmp_path, inputs):
    for name, text in SCRIPTS.items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    write_stack(inputs)
    identify(tmp_path, "acme", "web1")
    return tmp_path


def identify(place, customer, server):
    lines = f"MANAGED_CUSTOMER={customer}\nMANAGED_SERVER={server}\nMANAGED_DEBIAN=13\nAWS_REGION=eu-west-2\n"
    (place / "identity").write_text(lines)


def restore(place, *arguments):
    environ = {"PATH": f"{place / 'bin'}:{os.environ['PATH']}", "PLACE": str(place)}
    known = () if "--new-machine" in arguments else ("--address", "192.0.2.9")
    done = managed("restore", *arguments, *known, "--yes", cwd=place / "inputs", **environ)
    assert "Traceback" not in done.stderr
    return done


def ran(place):
    path = place / "ran"
    return path.read_text().splitlines() if path.exists() else []


def test_the_machine_that_is_meant_is_restored_to(place):
    assert restore(place, "acme", "web1").returncode == 0
    assert (
        restore(place, "acme", "web1", "--path", "/var/www/a b", "--at", "2026-11-25T03:30").returncode == 0
    )
    before = "--quiet --collect --wait --pipe /usr/local/sbin/managed-restore"
    assert ran(place) == [f"{before} all", f"{before} paths /var/www/a b --at 2026-11-25T03:30"]


@pytest.mark.parametrize("how", [(), ("--path", "/var/www/site.example")])
def test_no_other_machine_is_touched(place, how):
    for other in (("acme", "web2"), ("umbrella", "web1"), ("acme web1", "")):
        identify(place, *other)
        done = restore(place, "acme", "web1", *how)
        assert done.returncode == 1
        said = (
            f"nothing was touched: the machine is {' '.join(other)}, not acme web1. Name the address of web1"
        )
        assert said in done.stderr
    (place / "identity").unlink()
    done = restore(place, "acme", "web1", *how)
    assert done.returncode == 1
    assert "the machine is no managed server, not acme web1" in done.stderr
    assert ran(place) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("acmee", "web1"), "stacks/Pulumi.acmee.yaml: there is no such stack file; did you mean acme"),
        (("acme", "web9"), "stacks/Pulumi.acme.yaml: servers: has no server 'web9'; it has: web1"),
        (("acme", "web9", "--new-machine"), "servers: has no server 'web9'; it has: web1"),
        (("acme", "web9", "--keep-volume"), "servers: has no server 'web9'; it has: web1"),
        (("acme", "web1", "--at", "garbage"), "'garbage' is not a time; write one such as 2026-11-25T03:30"),
        (("acme", "web1", "--new-machine", "--at", "25.11.2026"), "'25.11.2026' is not a time"),
        (("acme", "web1", "--ssh", '"'), "can't be read: No closing quotation; write it as for a shell"),
        (("acme", "web1", "--ssh", ""), "is empty; write a program and its options"),
    ],
)
def test_what_is_wrong_is_told_before_anything_happens(place, arguments, said):
    done = restore(place, *arguments)
    assert done.returncode == 2
    assert said in told(done)
    assert ran(place) == []


def told(done):
    """What is said, without the frame that Typer draws around what is wrong with an option."""
    return " ".join(done.stderr.replace("│", " ").split())


def test_a_new_machine_is_where_the_lost_one_was(place):
    done = restore(place, "acme", "web1", "--new-machine", "--address", "192.0.2.9")
    assert done.returncode == 2
    assert "a new machine has the lost one's address, which its stack knows" in told(done)


@pytest.mark.parametrize(
    "command",
    [("retire", "acme", "--ssh"), ("bootstrap", "acme", "far", "--ssh"), ("prune", "acme", "--restic")],
)
def test_no_program_is_a_text_that_a_shell_could_not_read(place, command):
    done = managed(*command, "it's", cwd=place / "inputs")
    assert done.returncode == 2
    assert "can't be read: No closing quotation" in told(done)
    assert "Traceback" not in done.stderr


TIMES = (
    *("2026-11-25", "2026-11-25T03:30", "2026-11-25 03:30:15", "2026-11-25T03:30Z", "2026-11-25T03:30+01:00"),
    *("2026-11-25T03:30:15.123456789Z", "20261125T0330", "2026-11-25T03:30:15.5", "2026-W48-3"),
    *("garbage", "", "03:30", "2026-11-31", "2026-11-25T25:00", "25.11.2026", "now"),
)


def test_a_time_is_read_here_as_it_is_on_the_server(inputs, tmp_path):
    write_stack(inputs)
    customer = load_customer(inputs, "acme")
    files = render_server(inputs / "templates", customer, customer.server("web1"))
    program = tmp_path / "restore.py"
    program.write_bytes(next(file.content for file in files if file.path.endswith("/managed-server/restore")))
    moment = runpy.run_path(str(program))["moment"]
    good = [text for text in TIMES if isinstance(answer(moment, text), datetime.datetime)]
    assert [text for text in TIMES if answer(backups._time, text) == text] == good
    assert "2026-11-25T03:30" in good
    assert len(good) == 9


def answer(ask, text):
    try:
        return ask(text)
    except (ValueError, typer.BadParameter):
        return None


def test_a_drill_boots_no_machine_for_a_time_that_is_none(place):
    done = managed("drill", "acme", "--at", "garbage", cwd=place / "inputs")
    assert done.returncode == 2
    assert "'garbage' is not a time" in told(done)


def test_a_stack_file_that_is_wrong_is_told_with_all_of_it(place):
    write_stack(place / "inputs", STACK.replace("disk_gb: 80", "disk_gb: x"))
    done = restore(place, "acme", "web1")
    assert done.returncode == 2
    assert "servers.web1.disk_gb" in done.stderr
