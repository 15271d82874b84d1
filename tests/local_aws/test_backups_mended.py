"""Backups that somebody wrote over: the role that the runbook names may mend them, and does by its words."""

import ast
import hashlib
import json
import os
import re
import runpy
import stat
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

from managed_server.local.aws.iam_policy import Request, allowed
from tests.catalogue.test_restore_view import IMPORTS
from tests.components.conftest import environment
from tests.conftest import ROOT
from tests.factories import ACCOUNT
from tests.runbooks import DO, FOLDER, Page, commands

from .support import PROVIDER

PAGE = Page(FOLDER / "backup.md")
LINES = [line.text for line in PAGE.lines if line.part == DO and line.place == "desk"]
# What AWS asks of whoever types it (service authorization reference of S3), by the options that are there.
ACTIONS = {
    ("list-object-versions", ""): "s3:ListBucketVersions",
    ("delete-object", ""): "s3:DeleteObject",
    ("delete-object", "--version-id"): "s3:DeleteObjectVersion",
    ("delete-object", "--bypass-governance-retention"): "s3:BypassGovernanceRetention",
}
ALL_ELSE = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

# The AWS CLI, as far as the page uses it.
AWS = f"""#!{sys.executable}
import os, sys
import boto3, jmespath
from botocore.config import Config
options, words = {{}}, iter(sys.argv[3:])
for word in words:
    options[word] = True if word == "--bypass-governance-retention" else next(words)
s3 = boto3.client("s3", region_name=options["--region"], endpoint_url=os.environ["ENDPOINT"],
                  config=Config(s3={{"addressing_style": "path"}}))
where = {{"Bucket": options["--bucket"]}}
assert options["--profile"] == "break-glass"
if sys.argv[1:3] == ["s3api", "list-object-versions"]:
    for page in s3.get_paginator("list_object_versions").paginate(**where, Prefix=options["--prefix"]):
        for row in jmespath.search(options["--query"], page):
            print(*(each.isoformat() if hasattr(each, "isoformat") else each for each in row), sep="\\t")
else:
    assert sys.argv[1:3] == ["s3api", "delete-object"]
    s3.delete_object(**where, Key=options["--key"], VersionId=options["--version-id"],
                     BypassGovernanceRetention=options["--bypass-governance-retention"])
"""


def role_of(profile):
    """The role of a profile of the AWS CLI, as docs/accounts.md writes it down."""
    text = (ROOT / "docs/accounts.md").read_text()
    found = re.search(rf"\[profile {profile}\]\n +role_arn = arn:aws:iam::ACCOUNT:role/(\S+)\n", text)
    assert found, f"docs/accounts.md doesn't say which role {profile} has"
    return found[1]


def inline(made, role):
    iam = made.client("iam")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    found = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    return [ast.literal_eval(each) if isinstance(each, str) else each for each in found]  # as moto keeps it


def asked(command):
    """What a command of the page asks for."""
    options = {"", *(word for word in command if word.startswith("--"))}
    found = {action for (verb, option), action in ACTIONS.items() if verb == command[2] and option in options}
    return found - {"s3:DeleteObject"} if "s3:DeleteObjectVersion" in found else found


def may(made, rights, role, action, store="backup", key="web1/data/00/x"):
    """Whether a role of the account may do it to a bucket, which has a policy of its own."""
    policy = environment().one("BucketPolicy", "acme-backup-store-policy").inputs["policy"]
    policy = policy.replace(ACCOUNT, made.account).replace("-backup-", f"-{store}-")
    bucket = f"arn:aws:s3:::ms-acme-{store}-{made.account}-eu-west-1"
    arn = f"arn:aws:iam::{made.account}:role/{role}"
    resource = bucket if "Bucket" in action else f"{bucket}/{key}"
    request = Request(action, resource, (arn,), {"aws:securetransport": "true"})
    return allowed(request, rights, json.loads(policy))


def test_the_page_names_a_role_that_may_do_what_it_says(made):
    typed = [command for line in LINES for command in commands(line) if command[0] == "aws"]
    assert {command[2] for command in typed} == {"list-object-versions", "delete-object"}
    for command in typed:
        role = role_of(command[command.index("--profile") + 1])
        for action in asked(command):
            assert may(made, inline(made, role), role, action), (role, action)
    deploy = [*inline(made, "ManagedServerDeploy"), ALL_ELSE]
    assert not may(made, deploy, "ManagedServerDeploy", "s3:BypassGovernanceRetention"), "no deploy may"


def test_that_role_may_do_nothing_else(made):
    rights = inline(made, "ManagedServerBreakGlass")
    for action in (
        *("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:PutObjectRetention"),
        *("s3:PutBucketPolicy", "s3:DeleteBucket", "s3:PutBucketObjectLockConfiguration", "kms:Decrypt"),
        *("sts:AssumeRole", "iam:PutRolePolicy"),
    ):
        assert not may(made, rights, "ManagedServerBreakGlass", action), action
    for store in ("delivery", "logs", "trail"):
        assert not may(made, rights, "ManagedServerBreakGlass", "s3:DeleteObjectVersion", store), store


def test_people_with_a_second_factor_alone_take_it_on(made):
    role = made.client("iam").get_role(RoleName="ManagedServerBreakGlass")["Role"]
    assert role["MaxSessionDuration"] == 3600

    def may_assume(account, **context):
        names = (f"arn:aws:iam::{account}:user/erin", f"arn:aws:iam::{account}:root", account)
        request = Request(
            "sts:AssumeRole", role["Arn"], names, {"aws:principalorgid": "o-exampleorg1", **context}
        )
        return allowed(request, [ALL_ELSE], role["AssumeRolePolicyDocument"], both=True)

    factor = {"aws:multifactorauthpresent": "true"}
    assert may_assume(PROVIDER, **factor)
    assert not may_assume(PROVIDER)
    assert not may_assume(PROVIDER, **{"aws:multifactorauthpresent": "false"})
    assert not may_assume(made.account, **factor), "nor may a deploy, which is a role of this account"
    deploy = [*inline(made, "ManagedServerDeploy"), ALL_ELSE]
    for action in ("iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", "iam:AttachRolePolicy"):
        assert not allowed(Request(action, role["Arn"]), deploy), action


@pytest.fixture
def bucket(aws):
    """One as OffsiteBackup makes it: versions, and a lock."""
    name, s3 = aws.bucket("-backups", ObjectLockEnabledForBucket=True), aws.client("s3")
    lock = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 35}}
    s3.put_object_lock_configuration(
        Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": lock}
    )
    return name


def test_what_the_page_says_mends_a_repository_that_was_written_over(aws, bucket, tmp_path):
    s3 = aws.client("s3")
    good = {f"web1/data/00/{hashlib.sha256(text).hexdigest()}": text for text in (b"one", b"two", b"three")}
    good["web1/config"] = b"config"
    pruned, other = "web1/data/00/pruned", "web2/config"
    for key, content in {**good, pruned: b"old", other: b"theirs"}.items():
        s3.put_object(Bucket=bucket, Key=key, Body=content)
    s3.delete_object(Bucket=bucket, Key=pruned)
    s3.put_object(Bucket=bucket, Key=other, Body=b"not asked for")
    for key in list(good)[1:]:
        for number in range(2):
            s3.put_object(Bucket=bucket, Key=key, Body=b"garbage %d" % number)
    version = versions(s3, bucket, "web1/config")[0]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key="web1/config", VersionId=version["VersionId"])
    path = tmp_path / "view.py"
    path.write_text(IMPORTS + (ROOT / "templates/restore/view.py").read_text())
    view = runpy.run_path(str(path))["View"]
    assert len(view(s3, bucket, "web1/").overwritten) == 3

    typed(aws, tmp_path, bucket)
    assert {key: read(s3, bucket, key) for key in good} == good, "what the nightly backup reads"
    assert view(s3, bucket, "web1/").overwritten == []
    with pytest.raises(ClientError, match="NoSuchKey"):
        read(s3, bucket, pruned)
    assert len(versions(s3, bucket, pruned)) == 1
    assert read(s3, bucket, other) == b"not asked for"


def typed(aws, folder, bucket):
    """Type the block of the page, with the words replaced that are to be."""
    program = folder / "bin/aws"
    program.parent.mkdir()
    program.write_text(AWS)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    arn = f"arn:aws:iam::{aws.account}:role/any"
    given = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="any")["Credentials"]
    text = "\n".join(LINES)
    for word, value in {"BUCKET": bucket, "SERVER": "web1", "REGION": aws.region}.items():
        text = re.sub(rf"\b{word}\b", value, text)
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text], check=True, cwd=folder, timeout=120,
        env={
            **os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "ENDPOINT": aws.local.endpoint,
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        },
    )  # fmt: skip


def versions(s3, bucket, key):
    """Of an object, the newest first."""
    return s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]


def read(s3, bucket, key):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
