"""Lock, lifecycle, snapshots, dump rotation and disk size fit each other."""

import pytest

from managed_server.proofs.retention import copies, largest_database_gb, least_disk_gb, too_small
from tests.proofs.conftest import FILE, line, refused

LIMITS = "contract/limits.yaml"


def test_the_example_fits(project, example):
    assert list(too_small(project, example.servers[0])) == []


def test_the_least_disk_is_just_enough(project):
    least = least_disk_gb(project)
    smallest = project.limits.retention.dumps.least_database_gb
    assert largest_database_gb(project, least) >= smallest > largest_database_gb(project, least - 1)


def test_all_dumps_are_counted(project):
    dumps = project.limits.retention.dumps
    assert copies(project) == dumps.daily + dumps.weekly + 1


def test_check_refuses_a_disk_that_dumps_would_fill(change):
    done = change(FILE, "disk_gb: 80", "disk_gb: 8")
    refused(
        done,
        f"{FILE}:{line('disk_gb')}: servers.web1.disk_gb: 8 GB is too small for a database and the 13 "
        "dumps that are kept; write 13 or more",
    )


def test_of_a_data_volume_its_own_size_counts(project, change):
    least = least_disk_gb(project, system=False)
    assert least < least_disk_gb(project)
    small = f"disk_gb: 8\n        data_gb: {least - 1}"
    refused(
        change(FILE, "disk_gb: 80", small),
        f"{FILE}:{line('disk_gb') + 1}: servers.web1.data_gb: {least - 1} GB is too small for a database "
        f"and the 13 dumps that are kept; write {least} or more",
    )


def test_a_data_volume_that_is_just_enough_will_do_beside_a_small_disk(project, change):
    enough = f"disk_gb: 8\n        data_gb: {least_disk_gb(project, system=False)}"
    done = change(FILE, "disk_gb: 80", enough)
    assert done.returncode == 0, done.stderr


def test_a_small_disk_without_a_database_will_do(change):
    done = change(
        FILE, "disk_gb: 80", "disk_gb: 8", FILE, "[nginx, php, redis, percona]", "[nginx, php, redis]"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("versions_days: 42", "versions_days: 35", "versions of 35 days don't outlive the lock of 35"),
        ("notice_days: 31", "notice_days: 36", "tampering may be noticed after 36 days"),
        ("weekly: 5", "weekly: 6", "a dump of 42 days is still on the server"),
    ],
)
def test_check_refuses_figures_that_do_not_fit(change, old, new, message):
    done = change(LIMITS, old, new)
    assert f"error: {LIMITS}:" in refused(done).stderr
    assert message in done.stderr


def test_check_refuses_dumps_that_are_kept_for_ever(change):
    path = "templates/dumps/server/etc/default/automysqlbackup.j2"
    done = change(path, "DOMONTHLY=00", "DOMONTHLY=01")
    refused(
        done,
        f"{path}: /etc/default/automysqlbackup: doesn't say DOMONTHLY=00: dumps would be kept until "
        "the disk is full",
    )


def test_check_refuses_a_lock_that_is_longer_than_backups_are_kept(change):
    done = change("catalogue/tools/backup.yaml", "keep: {daily: 35,", "keep: {daily: 34,")
    refused(done, "catalogue/tools/backup.yaml:")
    assert "backup.keep.daily: a lock of 35 days is longer than the retention of 34" in done.stderr
