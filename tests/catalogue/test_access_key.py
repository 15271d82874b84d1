"""The access key of a server that is hosted elsewhere: replaced in time, alone, and never lost."""

import datetime
import itertools
import os
import runpy

import pytest

from managed_server.rendering import render_server
from managed_server.resolve import load_customer
from tests.stackfile import FAR, STACK, write_stack

PATH = "/usr/local/lib/managed-server/access-key"
USER = "acme-far-access-user"
NOW = datetime.datetime.now(tz=datetime.UTC)


class PowerCutError(BaseException):
    """Nothing catches it."""


class Iam:
    """AWS, as far as the program asks it: two keys at most, and a new one isn't known everywhere at once."""

    def __init__(self):
        self.keys: dict[str, datetime.datetime] = {}
        self.spread = 0
        """How often a new key is refused before it counts."""
        self.cut_at = None
        """Number of the step at which the power goes, before or after AWS has done it."""
        self.steps = itertools.count()
        self.numbers = itertools.count(1)
        self.refused: dict[str, int] = {}

    def make(self, age=datetime.timedelta()):
        key = f"AKIA{next(self.numbers):016}"
        self.keys[key] = NOW - age
        return key

    def step(self):
        if next(self.steps) == self.cut_at:
            raise PowerCutError


@pytest.fixture
def iam():
    return Iam()


@pytest.fixture
def program(inputs, tmp_path, monkeypatch, iam):
    """The rendered program's functions, in a folder of their own, with `aws` played by `iam`."""
    write_stack(inputs, STACK + FAR)
    customer = load_customer(inputs, "acme")
    files = render_server(inputs / "templates", customer, customer.server("far"))
    source = tmp_path / "access-key"
    source.write_bytes(next(file.content for file in files if file.path == PATH))
    functions = runpy.run_path(str(source))
    space = functions["main"].__globals__
    state = tmp_path / "state"
    state.mkdir()
    for name in ("credentials", "previous", "begun", "strange"):
        space[name.upper()] = state / name
    space["STATE"], space["HEARTBEATS"], space["PAUSE_S"], space["VALID_S"] = state, state, 0, 0.2
    for name, value in {
        "MANAGED_ACCESS_USER": USER,
        "MANAGED_DELIVERY_BUCKET": "bucket",
        "MANAGED_POINTER_KEY": "servers/far/current.json",
    }.items():
        monkeypatch.setenv(name, value)

    def aws(*arguments, **environment):
        used = environment.get("AWS_ACCESS_KEY_ID") or space["own_id"]()
        iam.step()
        if used not in iam.keys:
            raise space["Failed"]("aws: InvalidClientTokenId")
        if iam.refused.get(used, 0) < iam.spread and used in iam.refused:
            iam.refused[used] += 1
            raise space["Failed"]("aws: InvalidClientTokenId, not yet")
        answer = answers(*arguments)
        iam.step()
        return answer

    def answers(service, what, *more):
        options = dict(itertools.pairwise(more))
        if service == "s3api":
            assert (what, options["--bucket"], options["--key"]) == (
                "head-object", "bucket", "servers/far/current.json",
            )  # fmt: skip
            return {}
        assert (service, options["--user-name"]) == ("iam", USER)
        if what == "list-access-keys":
            return {
                "AccessKeyMetadata": [
                    {"AccessKeyId": key, "CreateDate": made.isoformat()} for key, made in iam.keys.items()
                ]
            }
        if what == "delete-access-key":
            if options["--access-key-id"] not in iam.keys:
                raise space["Failed"]("aws iam: NoSuchEntity")
            del iam.keys[options["--access-key-id"]]
            return {}
        assert what == "create-access-key"
        assert len(iam.keys) < 2, "AWS makes no third one"
        made = iam.make()
        iam.refused[made] = 0
        return {"AccessKey": {"AccessKeyId": made, "SecretAccessKey": f"secret of {made}"}}

    put = space["put"]

    def put_or_cut(path, text):
        iam.step()
        put(path, text)
        iam.step()

    space["aws"], space["put"] = aws, put_or_cut
    return functions, state


def hold(program, key):
    """Give the machine a key."""
    (program[1] / "credentials").write_text(
        f"[default]\naws_access_key_id = {key}\naws_secret_access_key = x\n"
    )


def run(program, *arguments):
    """Run it; returns its exit code, and the result's text."""
    code = program[0]["main"](list(arguments))
    return code, (program[1] / "access-key-result").read_text()


def own(program):
    return program[0]["own_id"]()


def days(number):
    return datetime.timedelta(days=number)


def test_a_young_key_stays(program, iam):
    hold(program, iam.make(days(3)))
    code, said = run(program, "tend", "7")
    assert (code, said) == (0, f"ok key {own(program)} is 3 days old\n")
    assert (program[1] / "access-key").read_text() == said, "the heartbeat"


def test_an_old_key_is_replaced_and_dies_some_hours_later(program, iam):
    old = iam.make(days(8))
    hold(program, old)
    iam.spread = 2
    assert run(program, "tend", "7")[0] == 0
    new = own(program)
    assert set(iam.keys) == {old, new}
    assert (program[1] / "credentials").stat().st_mode & 0o777 == 0o600
    assert (program[1] / "credentials").read_text() == (
        f"[default]\naws_access_key_id = {new}\naws_secret_access_key = secret of {new}\n"
    )
    assert run(program, "tend", "7")[1].startswith("ok ")
    assert set(iam.keys) == {old, new}, "a job may have begun with the old one"
    iam.keys[new] -= datetime.timedelta(hours=11)
    assert run(program, "tend", "7") == (0, f"ok key {new} is 0 days old\n")
    assert set(iam.keys) == {new}


def test_a_key_that_nobody_here_made_is_deleted_and_told_for_a_day(program, iam):
    hold(program, iam.make())
    thiefs = iam.make()
    code, said = run(program, "tend", "7")
    assert code == 0
    assert said.startswith(f"critical key {thiefs} of ")
    assert "which nobody here has made, was deleted" in said
    assert set(iam.keys) == {own(program)}
    assert run(program, "tend", "7")[1].startswith("critical "), "an hour later it is told as well"
    yesterday = (NOW - days(2)).timestamp()
    os.utime(program[1] / "strange", (yesterday, yesterday))
    assert run(program, "tend", "7")[1].startswith("ok ")


def test_the_first_key_is_replaced_at_once_though_aws_has_hardly_heard_of_it(program, iam):
    handed, other = iam.make(), iam.make()
    hold(program, handed)
    iam.spread, iam.refused[handed] = 3, 0
    code, said = run(program, "replace")
    assert (code, said) == (0, f"ok key {own(program)} is new\n")
    assert set(iam.keys) == {own(program)}
    assert own(program) not in (handed, other)


def test_a_new_key_that_never_works_is_not_used(program, iam):
    old = iam.make(days(8))
    hold(program, old)
    iam.spread = 10**9
    code, said = run(program, "tend", "7")
    assert code == 1
    assert said.startswith("critical the new key doesn't work after ")
    assert (own(program), set(iam.keys)) == (old, {old})
    iam.spread = 0
    assert run(program, "tend", "7")[0] == 0
    assert own(program) != old


def test_a_dead_key_says_what_to_do(program, iam):
    hold(program, "AKIADEAD")
    assert run(program, "tend", "7") == (1, "critical aws: InvalidClientTokenId\n")
    (program[1] / "credentials").write_text("")
    assert "managed bootstrap" in run(program, "tend", "7")[1]
    assert iam.keys == {}


@pytest.mark.parametrize("command", [("tend", "7"), ("replace",)])
def test_wherever_the_power_goes_the_next_run_ends_with_one_key_that_works(program, iam, command):
    """Before and after each answer of AWS; a key whose secret was lost is never taken for a thief's."""
    cut = 0
    while True:
        iam.keys.clear()
        for name in ("previous", "begun", "strange"):
            (program[1] / name).unlink(missing_ok=True)
        hold(program, iam.make(days(8)))
        iam.steps, iam.cut_at = itertools.count(), cut
        try:
            program[0]["main"](list(command))
        except PowerCutError:
            pass
        else:
            break
        iam.cut_at = None
        assert own(program) in iam.keys, f"cut at step {cut}: the machine is locked out"
        code, said = run(program, "tend", "7")
        assert (code, said.split()[0]) == (0, "ok"), f"cut at step {cut}: {said}"
        iam.keys[own(program)] -= datetime.timedelta(hours=11)
        run(program, "tend", "7")
        assert set(iam.keys) == {own(program)}, f"cut at step {cut}"
        cut += 1
    assert cut > 8


def test_what_it_is_asked_must_be_right(program, capsys):
    for wrong in ((), ("tend",), ("tend", "x"), ("replace", "now"), ("drop",)):
        assert program[0]["main"](list(wrong)) == 2
        assert "Usage" in capsys.readouterr().err
