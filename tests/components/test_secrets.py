"""Secrets of software: made once, under the customer's key, and open to their own server alone."""

import dataclasses

import pytest

from managed_server.spec import Secret
from tests import factories
from tests.components.conftest import environment

SECRET = Secret(
    origin="redis", name="password", parameter="/managed-server/acme/db1/redis/password",
    path="/etc/redis/managed-password.conf", text="requirepass {secret}\n", owner="redis", group="redis",
    mode="0640", notify=("redis-server.service",),
)  # fmt: skip


@pytest.fixture(scope="module")
def pair():
    return environment(factories.server("web1"), factories.server("db1", rules=(), secrets=(SECRET,)))


def made(recorded):
    return recorded.one("Parameter", "acme-db1-secrets-redis-password")


def test_it_is_made_once_and_encrypted(pair):
    parameter = made(pair)
    assert parameter.inputs["name"] == SECRET.parameter
    assert parameter.inputs["type"] == "SecureString"
    assert parameter.inputs["keyId"] == pair.one("Parameter", "acme-passphrase-home").inputs["keyId"]
    assert parameter.ignores == ["value"]
    assert not parameter.protect, "it goes with its software"
    assert parameter.inputs["tags"]["purpose"] == "software-secret", "by which the policies know it"
    other = made(environment(factories.server("db1", secrets=(SECRET,))))
    one, two = (each.inputs["value"] for each in (parameter, other))
    assert one["value"] != two["value"]
    assert one.keys() > {"value"}, "the engine is told that it is secret"


def test_its_own_server_alone_may_read_it(pair):
    rights = {r.name: r.inputs["policy"] for r in pair.of("RolePolicy")}
    assert "arn:aws:acme-db1-secrets-redis-password" in rights["acme-db1-identity-rights"]
    assert "redis-password" not in rights["acme-web1-identity-rights"]


def test_two_of_one_entry_have_names_of_their_own():
    second = dataclasses.replace(SECRET, name="other", parameter=f"{SECRET.parameter}-2", path="/etc/redis/b")
    recorded = environment(factories.server("db1", secrets=(SECRET, second)))
    names = [r.name for r in recorded.of("Parameter") if "secrets" in r.name]
    assert sorted(names) == ["acme-db1-secrets-redis-other", "acme-db1-secrets-redis-password"]
