"""Each cure against the local AWS with all cures, and its fault against the one without any."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from managed_server.local.aws import cures, process
from managed_server.local.aws.cures import CURES, names_off

from . import proofs_of_machines as machines
from . import proofs_of_rights as rights
from . import proofs_of_storage as storage
from .support import Aws, running


@dataclass(frozen=True)
class Proof:
    """Passes where the cure is on; where it is off, fails with a text that matches `fault`."""

    check: Callable[[Aws], None]
    fault: str


PROOFS = {
    "access_analyzer": Proof(rights.access_analyzer, "500"),
    "alarms": Proof(machines.alarms, "500"),
    "backup_plans": Proof(storage.backup_plans, "500"),
    "backup_selections": Proof(storage.backup_selections, "500"),
    "backup_tags": Proof(storage.backup_tags, "/tags/"),
    "bucket_accounts": Proof(storage.bucket_accounts, "DID NOT RAISE"),
    "bucket_lock": Proof(storage.bucket_lock, "Bucket needs to be empty"),
    "burst_credits": Proof(machines.burst_credits, "the default of t3"),
    "conditional_deny": Proof(storage.conditional_deny, "403|Forbidden|AccessDenied"),
    "disk_key": Proof(machines.disk_key, "500|syntax error"),
    "foreign_ciphertexts": Proof(storage.foreign_ciphertexts, "InvalidCiphertext"),
    "elastic_addresses": Proof(machines.elastic_addresses, "127\\."),
    "image_check": Proof(machines.image_check, "DID NOT RAISE"),
    "images": Proof(machines.images, "no Debian image"),
    "launch_options": Proof(machines.launch_options, "DID NOT RAISE"),
    "lifecycle_rules": Proof(storage.lifecycle_rules, "rules differ"),
    "maintenance": Proof(machines.maintenance, "500|syntax error"),
    "managed_policies": Proof(rights.managed_policies, "does not exist or is not attachable"),
    "metadata_defaults": Proof(machines.metadata_defaults, "500|syntax error"),
    "metadata_options": Proof(machines.metadata_options, "tokens forgotten"),
    "metric_filters": Proof(rights.metric_filters, "it stands twice"),
    "monitoring": Proof(machines.monitoring, "500|syntax error"),
    "region_keys": Proof(storage.region_keys, "already exists"),
    "root_volume": Proof(machines.root_volume, "/dev/sda1"),
    "rule_descriptions": Proof(machines.rule_descriptions, "no description"),
    "rule_ids": Proof(machines.rule_ids, "InvalidPermission"),
    "server_rights": Proof(rights.server_rights, "DID NOT RAISE"),
    "termination": Proof(machines.termination, "DID NOT RAISE"),
    "trail_names": Proof(rights.trail_names, "all trails"),
    "unimplemented": Proof(machines.unimplemented, "500|syntax error"),
    "user_credentials": Proof(rights.user_credentials, "500|syntax error"),
    "volume_modifications": Proof(machines.volume_modifications, "each of its changes"),
}


def test_every_cure_has_a_proof_and_states_its_fault():
    assert set(PROOFS) == {cure.name for cure in CURES}
    assert all(len(cure.fault) > 40 for cure in CURES)


@pytest.mark.parametrize("name", PROOFS)
def test_cured(name: str, cured: process.LocalAws):
    PROOFS[name].check(Aws(cured))


@pytest.mark.parametrize("name", PROOFS)
def test_the_fault_shows_with_the_cure_off(name: str, bare: process.LocalAws):
    # pytest.fail.Exception: a refusal that was expected, and didn't come.
    with pytest.raises(
        (AssertionError, ClientError, ResponseParserError, pytest.fail.Exception), match=PROOFS[name].fault
    ):
        PROOFS[name].check(Aws(bare))


def test_one_cure_is_switched_off_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv(cures.OFF_VARIABLE, "monitoring")
    with running(tmp_path) as local:
        PROOFS["alarms"].check(Aws(local))
        with pytest.raises(ClientError, match="no such call"):
            PROOFS["monitoring"].check(Aws(local))


def test_names_to_switch_off():
    assert names_off("") == frozenset()
    assert names_off(" alarms, images ") == {"alarms", "images"}
    assert names_off("all") == set(PROOFS)
    with pytest.raises(cures.UnknownCureError, match="names no cure: alarm, nothing"):
        names_off("alarm,images,nothing")
