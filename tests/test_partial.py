"""What stands in for a wrong value is no problem of its own: one fault is told once."""

import pytest

from tests.stackfile import STACK
from tests.test_bad_stacks import FILE, told


@pytest.mark.parametrize("other", ["eu-west-1", "eu-west-2", "us-east-1"])
def test_a_region_that_is_none_is_not_called_that_of_the_backups(inputs, other):
    both = "region: eu-west-2, backup_region: eu-west-1"
    for wrong in (
        f"region: London, backup_region: {other}",
        f"region: {other}, backup_region: London",
        f"backup_region: {other}",
    ):
        [found] = told(inputs, STACK.replace(both, wrong))
        assert "London" in found or "the key 'region' is missing" in found


@pytest.mark.parametrize("wrong", ["0", "true", ".nan", "'80'", "", "999999999"])
def test_a_size_that_is_none_is_not_called_too_small_for_a_database(inputs, wrong):
    text = STACK.replace("[nginx, php]", "[nginx, php, percona]")
    assert told(inputs, text) == []
    for key, sized in (
        ("disk_gb", text.replace("disk_gb: 80", f"disk_gb: {wrong}")),
        ("data_gb", text.replace("disk_gb: 80", f"disk_gb: 12\n        data_gb: {wrong}")),
    ):
        found = told(inputs, sized)
        if wrong or key == "disk_gb":  # no data_gb is a choice
            assert all(f"servers.web1.{key}: " in line for line in found), found
            assert found
            assert not any("too small" in line for line in found), found


def test_nor_is_one_that_is_missing(inputs):
    text = STACK.replace("[nginx, php]", "[nginx, php, percona]").replace("        disk_gb: 80\n", "")
    assert told(inputs, text) == [f"{FILE}:17: servers.web1: the key 'disk_gb' is missing; add it"]
