"""Facts that the policies keep for themselves, since the pack imports nothing of the project."""

import re

import pytest
from rules import clear, exceptions, settings

from managed_server.inputs import load_project
from managed_server.model.types import calendar_date
from managed_server.secret_texts import _FORMS
from tests.conftest import ROOT

SAMPLES = {
    "a private key": "-----BEGIN OPENSSH PRIVATE KEY-----",
    "an AWS access key": "AKIA" + "A" * 16,
}


@pytest.mark.parametrize("what", SAMPLES)
def test_what_is_secret_in_a_resource_is_secret_in_a_stack_file(what):
    assert clear._CREDENTIALS.keys() == SAMPLES.keys()
    assert clear._CREDENTIALS[what].search(SAMPLES[what].encode())
    assert any(name == what and re.search(form, SAMPLES[what]) for name, form in _FORMS)


def test_both_read_the_dates_that_pulumi_has_rewritten():
    assert calendar_date("2027-01-31" + exceptions._REWRITTEN).isoformat() == "2027-01-31"


def test_a_lock_is_as_long_as_the_contract_has_it():
    assert settings.LOCK_DAYS.read({}) == load_project(ROOT).limits.retention.offsite.lock_days
