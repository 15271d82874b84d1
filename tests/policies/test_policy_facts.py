"""Facts that the policies keep for themselves, since the pack imports nothing of the project."""

import re

import pytest
from rules import clear, exceptions

from managed_server.model.types import calendar_date
from managed_server.secret_texts import _FORMS

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
