"""Secrets that components make, through the real engine: nowhere in clear but in the parameter store."""

import boto3
import pytest

from managed_server.local.aws import process
from tests.engine.local import REGION, Project, built

pytestmark = pytest.mark.engine

AWAY = "eu-west-1"
ACCOUNT = "111122223333"
PROGRAM = f"""
import pulumi

from components.backup_passphrase import BackupPassphrase, BackupPassphraseArgs
from components.encryption_key import EncryptionKey, EncryptionKeyArgs
from components.providers import ProviderArgs, aws_provider
from components.server_secrets import ServerSecrets, ServerSecretsArgs
from managed_server.spec import Secret

home, away = (
    aws_provider(name, ProviderArgs("acme", "{ACCOUNT}", region, "Deployer"))
    for name, region in (("home", "{REGION}"), ("away", "{AWAY}"))
)
keys = [
    EncryptionKey(name, EncryptionKeyArgs("{ACCOUNT}", name), opts=pulumi.ResourceOptions(providers=[one]))
    for name, one in (("data", home), ("backup", away))
]
BackupPassphrase(
    "acme-passphrase", BackupPassphraseArgs("/acme/passphrase", home, keys[0].arn, away, keys[1].arn))
secret = Secret(
    origin="redis", name="password", parameter="/acme/password", path="/etc/x", text="{{secret}}",
    owner="root", group="root", mode="0600", notify=())
ServerSecrets(
    "acme-secrets", ServerSecretsArgs("db1", (secret,), keys[0].arn),
    opts=pulumi.ResourceOptions(providers=[home]))
"""


@pytest.fixture
def local(tmp_path):
    try:
        yield process.start(tmp_path / "aws", lambda _: None)
    finally:
        process.stop(tmp_path / "aws")


def test_a_secret_is_in_no_state_preview_output_or_log(tmp_path, local):
    built()
    folder = tmp_path / "project"
    folder.mkdir()
    made = Project(
        folder, {"MANAGED_SERVER_AWS_ENDPOINT": local.endpoint, "AWS_ENDPOINT_URL": local.endpoint}
    )
    made.write(PROGRAM, head="")
    up = made.up()
    assert up.returncode == 0, up.stdout
    printed = {"up": up.stdout}
    for arguments in (("preview", "--diff"), ("preview", "--json"), ("stack", "export"), ("stack",)):
        printed[" ".join(arguments)] = made.ok(*arguments, "--stack", "t")
    sts = boto3.client(
        "sts",
        endpoint_url=local.endpoint,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    given = sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/Deployer", RoleSessionName="test")[
        "Credentials"
    ]
    ssm = boto3.client(
        "ssm",
        endpoint_url=local.endpoint,
        region_name=REGION,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    secrets = [
        ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
        for name in ("/acme/passphrase", "/acme/password")
    ]
    assert all(len(secret) > 40 for secret in secrets)
    assert secrets[0] != secrets[1]
    files = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    places = {**{name: text.encode() for name, text in printed.items()}, **files}
    assert any(name.endswith("aws.log") and content for name, content in files.items())
    assert any("/stacks/" in name and b"acme-secrets-redis-password" in text for name, text in files.items())
    assert "acme-passphrase-home" in printed["up"]
    for secret in secrets:
        assert [name for name, content in places.items() if secret.encode() in content] == []
