"""What looks like a secret is refused in stack files, wherever it stands, and never shown.

The secrets here are made up, and put together so that no scanner takes this file for a leak.
"""

import pytest

from managed_server.inputs import load_provider, load_stack
from managed_server.problems import InputError
from managed_server.secret_texts import secrets_in
from tests.conftest import ROOT
from tests.stackfile import KEY, STACK, write_stack
from tests.test_bad_stacks import FILE, check

PRIVATE = "-----BEGIN {}PRIVATE KEY" + "-----"
AWS = "AKIA" + "Q2345ABCDEFGHIJK"[:16]
PLANTED = {
    "a private key": [PRIVATE.format(""), PRIVATE.format("OPENSSH "), PRIVATE.format("EC ")],
    "a private key of PGP": ["-----BEGIN PGP PRIVATE KEY " + "BLOCK-----"],
    "an AWS access key": [AWS, "ASIA" + "7" * 16, f"key={AWS};"],
    "a token of GitHub": ["ghp_" + "a1B2" * 9, "github_pat_" + "a" * 30],
    "a token of GitLab": ["glpat-" + "a1B2c3D4e5F6g7H8i9J0"],
    "a token of Slack": ["xoxb-" + "123456789012"],
    "a token of Pulumi": ["pul-" + "0123456789" * 4],
    "a key of Stripe": ["sk_live_" + "a1B2c3D4e5F6g7H8"],
    "a key of Google": ["AIza" + "a" * 35],
    "a web token": ["eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0In0.abc"],
    "a password's hash": ["$6$" + "saltsalt$" + "a" * 40, "$2b$" + "12$" + "a" * 50, "$y$" + "j9T$abcdefgh"],
    "a password in a URL": ["https://alice:" + "hunter22@git.example/x.git"],
}
NAMED = [
    "password: hunter22",
    'password: "hunter22"',
    "# the old password: hunter22",
    "settings: {redis: {password: hunter22}}",
    "db_password: hunter22",
    "DB-PASSWD = hunter22",
    "api_key: hunter22",
    '"secret": hunter22',
    "aws_secret_access_key=hunter22",
    "token: hunter22",
    "  - passphrase: hunter22",
]
INNOCENT = [
    "# Keys only: passwords are refused.",
    "secretsprovider: awskms://alias/managed-server-state?region=eu-west-2",
    "encryptedkey: AQICAHhLJ8Xw0W8aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789abcdefABCDEF==",
    "encryptionsalt: v1:d4uhxmyiXr8=:v1:ugnDlUkwErt52iZf:p9WjFeBwKGUwqXFZwVJOEXCjYO8GKw==",
    "# its password is asked for",
    "password:",
    "passwords: refused",
    "secrets: {none: no secret}",
    "# no token, no secret at all",
    f"- {KEY}",
    "hub: hub  # https://support.hosting.example:8443/x?y=a@b",
    "reason: the vendor's key rotation is not ours",
    "control: iam-no-access-key",
]


def test_the_samples_are_found_each_as_what_it_is():
    for what, texts in PLANTED.items():
        for text in texts:
            assert list(secrets_in(f"name: x\nvalue: {text}\n")) == [(2, what.removesuffix(" of PGP"))], text


@pytest.mark.parametrize("line", NAMED)
def test_a_keys_name_gives_its_value_away(line):
    ((number, what),) = secrets_in(f"\n{line}\n")
    assert number == 2
    assert what.startswith("the value of '")
    assert "hunter22" not in what


@pytest.mark.parametrize("line", INNOCENT)
def test_what_is_no_secret_is_let_through(line):
    assert list(secrets_in(line)) == []


def test_the_files_of_the_repository_hold_none():
    files = [*(ROOT / "stacks").glob("*.yaml"), ROOT / "provider.yaml"]
    assert len(files) >= 3
    assert {path.name: list(secrets_in(path.read_text())) for path in files} == {
        path.name: [] for path in files
    }


BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7"
PLACES = {
    "a user's key": (KEY, f'"{PRIVATE.format("RSA ")} {BODY}"', 15),
    "a block": (f"- {KEY}\n", f"- |\n            {PRIVATE.format('')}\n            {BODY}\n", 16),
    "a comment": ("    hub: hub\n", f"    hub: hub  # deploy with {AWS}\n", 5),
    "a software": ("[nginx, php]", f"[nginx, {AWS}]", 20),
    "a setting": ("        sites:", "        settings: {php: {password: hunter22}}\n        sites:", 21),
    "a name": ("name: Acme Widgets Ltd", f"name: {AWS}", 3),
    "broken YAML": ("    hub: hub\n", f"    hub: [{AWS}\n", 5),
    "Pulumi's configuration": ("config:\n", "config:\n  aws:token: hunter22\n", 2),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_stack_file_with_a_secret_is_refused_and_nothing_of_it_shown(tmp_path, place):
    old, new, line = PLACES[place]
    assert STACK.count(old) == 1
    (tmp_path / "stacks").mkdir()
    write_stack(tmp_path, STACK.replace(old, new).replace("t3.large", "large"))
    with pytest.raises(InputError) as refused:
        load_stack(tmp_path, "acme")
    said = str(refused.value)
    assert f"{FILE}:{line}: looks like " in said
    for text in (BODY, AWS, "hunter22", "PRIVATE KEY-", "'large'"):
        assert text not in said, "another message might quote the secret"


def test_the_command_refuses_it(inputs):
    write_stack(inputs, STACK.replace("[nginx, php]", f"[nginx, {AWS}]"))
    done = check(inputs, "acme")
    assert done.returncode == 2
    assert f"error: {FILE}:20: looks like an AWS access key: " in done.stderr
    assert "1 error; nothing was created or changed." in done.stderr
    assert AWS not in done.stdout + done.stderr


def test_the_providers_file_is_looked_at_too(tmp_path):
    text = (ROOT / "provider.yaml").read_text()
    (tmp_path / "provider.yaml").write_text(f"{text}# relay's account: {AWS}\n")
    with pytest.raises(InputError) as refused:
        load_provider(tmp_path)
    assert str(refused.value).startswith("provider.yaml:")
    assert AWS not in str(refused.value)
