"""Conditions on an entry's own settings, from the catalogue to the server's rules."""

import pytest

from managed_server.problems import InputError
from managed_server.resolve import load_customer
from tests.stackfile import STACK, write_stack

LISTEN = "  - {port: 8081, protocol: tcp, bind: loopback, reach: local, purpose: test, when: {facts: %s}}\n"


@pytest.fixture
def resolve(inputs):
    def resolve(facts, settings=""):
        path = inputs / "catalogue/software/redis.yaml"
        text = path.read_text()
        assert "\nconnects:" in text
        path.write_text(text.replace("\nconnects:", LISTEN % facts + "\nconnects:", 1))
        write_stack(inputs, STACK.replace("[nginx, php]", "[redis]") + settings)
        return load_customer(inputs, "acme").server("web1")

    return resolve


def test_a_part_may_depend_on_a_setting(resolve):
    ports = {listen.port for listen in resolve("{append_only: true}").listens}
    assert 8081 not in ports


def test_and_is_there_where_the_setting_has_the_value(resolve):
    settings = "        settings: {redis: {append_only: true}}\n"
    assert 8081 in {listen.port for listen in resolve("{append_only: true}", settings).listens}


def test_a_setting_that_the_entry_lacks_is_refused(resolve):
    with pytest.raises(InputError) as caught:
        resolve("{append_onyl: true}")
    [said] = map(str, caught.value.problems)
    assert "is neither a setting nor a release fact of this entry; did you mean append_only?" in said
    assert "catalogue/software/redis.yaml" in said
