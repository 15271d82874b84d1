"""`managed bootstrap` and the keys that it hands over; IAM and SSH are played."""

import os
import re
import stat
import subprocess
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from managed_server import bootstrap
from managed_server.bootstrap import BootstrapError, Key, Keys, Way, script
from managed_server.rendering import RenderError
from managed_server.resolve import load_customer
from tests.stackfile import FAR, STACK, write_stack
from tests.test_cli import managed

USER = "acme-far-access-user"


class NoSuchEntityError(Exception):
    """As IAM says it."""


class Iam:
    """IAM, as far as the command asks it."""

    class exceptions:  # noqa: N801 - boto3's name
        NoSuchEntityException = NoSuchEntityError

    def __init__(self, *keys):
        self.keys, self.made = list(keys), 0

    def list_access_keys(self, *, UserName):  # noqa: N803 - boto3's name
        if UserName != USER:
            raise NoSuchEntityError
        return {"AccessKeyMetadata": [{"AccessKeyId": key} for key in self.keys]}

    def create_access_key(self, *, UserName):  # noqa: N803
        assert UserName == USER
        self.made += 1
        self.keys.append(f"AKIANEW{self.made}")
        return {"AccessKey": {"AccessKeyId": self.keys[-1], "SecretAccessKey": "very/secret"}}

    def delete_access_key(self, *, UserName, AccessKeyId):  # noqa: N803
        assert UserName == USER
        if AccessKeyId not in self.keys:
            raise NoSuchEntityError
        self.keys.remove(AccessKeyId)


@pytest.fixture
def customer(inputs):
    write_stack(inputs, STACK + FAR)
    return load_customer(inputs, "acme")


@pytest.fixture
def ssh(tmp_path):
    """A program in SSH's place: it keeps what it is given, and ends as a file says."""
    program = tmp_path / "ssh"
    program.write_text(
        f"#!/bin/sh\nn=$(ls {tmp_path}/given.* 2>/dev/null | wc -l)\ncat > {tmp_path}/given.$n\n"
        f'echo "$@" > {tmp_path}/asked\nread code < {tmp_path}/code.$n 2>/dev/null\nexit ${{code:-0}}\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def given(ssh, number):
    return (ssh.parent / f"given.{number}").read_text()


def by_ssh(inputs, customer, iam, ssh, agreed=None, **more):
    told = [] if agreed is None else agreed
    bootstrap.by_ssh(
        inputs / "templates", customer, customer.server("far"), Keys(iam, USER),
        Way("root@198.51.100.20", str(ssh)), agree=more.get("agree", told.append), progress=lambda _: None,
    )  # fmt: skip
    return told


def test_it_looks_first_then_hands_over_a_key_and_deletes_it(inputs, customer, ssh):
    iam = Iam()
    assert by_ssh(inputs, customer, iam, ssh) == [], "there was no key to give up"
    assert "AKIA" not in given(ssh, 0), "looking takes no key"
    assert "aws_access_key_id = AKIANEW1\naws_secret_access_key = very/secret\n" in given(ssh, 1)
    assert iam.keys == [], "the machine has replaced it, or it came to nothing"
    asked = (ssh.parent / "asked").read_text()
    assert asked.startswith("root@198.51.100.20 ")
    assert "secret" not in asked, "nothing secret is an argument of a program"


def test_keys_that_there_are_go_only_when_somebody_agrees(inputs, customer, ssh):
    iam = Iam("AKIAOLD", "AKIATHIEF")

    class NoError(Exception):
        """Somebody said no."""

    def no(_):
        raise NoError

    with pytest.raises(NoError):
        by_ssh(inputs, customer, iam, ssh, agree=no)
    assert iam.keys == ["AKIAOLD", "AKIATHIEF"]
    (told,) = by_ssh(inputs, customer, iam, ssh)
    assert "acme-far has an access key: it is deleted now" in told
    assert iam.keys == []


@pytest.mark.parametrize(("step", "left"), [(0, ["AKIAOLD"]), (1, [])])
def test_a_machine_that_refuses_leaves_no_key_in_the_air(inputs, customer, ssh, step, left):
    iam = Iam("AKIAOLD")
    (ssh.parent / f"code.{step}").write_text("1\n")
    with pytest.raises(BootstrapError, match=r"root@198\.51\.100\.20: the script ended with 1"):
        by_ssh(inputs, customer, iam, ssh)
    assert iam.keys == left


def test_without_its_stack_there_is_no_user(customer):
    with pytest.raises(
        BootstrapError, match=r"there is no user acme-web-access-user .* deploy the stack first"
    ):
        Keys(Iam(), customer.access_user("web")).ids()


def test_a_script_is_for_its_owner_alone_and_never_written_over(inputs, customer, tmp_path):
    iam, path = Iam("AKIAOLD"), tmp_path / "far.sh"
    arguments = (inputs / "templates", customer, customer.server("far"), Keys(iam, USER), path)
    before = os.umask(0)
    try:
        bootstrap.to_file(*arguments, agree=lambda _: None)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "AKIANEW1" in path.read_text()
    assert iam.keys == ["AKIANEW1"]
    with pytest.raises(BootstrapError, match=r"far\.sh: File exists"):
        bootstrap.to_file(*arguments, agree=lambda _: None)
    assert iam.keys == ["AKIANEW1"], "the one in the file still works"


@pytest.mark.parametrize("wrong", ["AWS refuses", "no such template"])
def test_a_script_that_comes_to_nothing_leaves_neither_file_nor_key(inputs, customer, tmp_path, wrong):
    iam, path = Iam(), tmp_path / "far.sh"
    templates = inputs / "templates"
    if wrong == "AWS refuses":
        refusal = ClientError({"Error": {"Code": "LimitExceeded", "Message": wrong}}, "CreateAccessKey")
        iam.create_access_key = lambda **_: raising(refusal)
    else:
        templates = tmp_path
    with pytest.raises((BootstrapError, RenderError)):
        bootstrap.to_file(
            templates, customer, customer.server("far"), Keys(iam, USER), path, agree=lambda _: None
        )
    assert not path.exists()
    assert iam.keys == []


def raising(error):
    raise error


def test_the_script_is_bash_and_holds_what_user_data_hold(inputs, customer):
    server = customer.server("far")
    text = script(inputs / "templates", customer, server, Key("AKIA1", "x"))
    look = script(inputs / "templates", customer, server, None)
    for each in (text, look):
        assert subprocess.run(["bash", "-n"], input=each.encode(), check=False).returncode == 0
    fetch = Path(inputs / "templates/bootstrap/fetch-bundle.sh").read_text()
    assert f"<<'FETCH'\n{fetch}FETCH\n" in text
    identity = re.search(r"<<'IDENTITY'\n(.*?)IDENTITY\n", text, re.DOTALL)
    said = dict(line.split("=", 1) for line in identity[1].splitlines())
    assert said["MANAGED_POINTER_KEY"] == "servers/far/current.json"
    assert said["MANAGED_ACCESS_USER"] == USER
    assert said["AWS_EC2_METADATA_DISABLED"] == "true", "of another cloud, that address is its own"
    assert "x" not in said.values()
    assert "IDENTITY" not in look
    assert "x" not in repr(Key("AKIA1", "x")).replace("Key(id='AKIA1')", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("acme", "fra"), "stacks/Pulumi.acme.yaml: servers: has no server 'fra'; it has: far, web1"),
        (("acme", "web1"), "stacks/Pulumi.acme.yaml: servers.web1: is on AWS, where a machine does this by"),
    ],
)
def test_what_is_asked_must_be_right(inputs, customer, arguments, said):  # noqa: ARG001 - it wrote the file
    done = managed("bootstrap", *arguments, "--root", inputs)
    assert done.returncode == 2
    assert said in done.stderr
